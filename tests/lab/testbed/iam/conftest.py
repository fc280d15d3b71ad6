"""One session on the testbed, with every permission enforced, for all tests of the module that read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.testbed.iam.session import Session, run


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The testbed is still up when the tests read."""
    yield from run(tmp_path_factory.mktemp("session"))
