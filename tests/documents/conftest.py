"""Two hosts for each test module, in the testbed's own namespaces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.documents.pair import Pair


@pytest.fixture(scope="module")
def bare_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two hosts as installed: not prepared, their servers not running."""
    pair = Pair(tmp_path_factory.mktemp("pair"))
    try:
        yield pair
    finally:
        pair.close()


@pytest.fixture(scope="module")
def prepared_pair(bare_pair: Pair) -> Pair:
    """Two hosts that were prepared for replication."""
    bare_pair.prepare()
    return bare_pair


@pytest.fixture
def pair(prepared_pair: Pair) -> Pair:
    """Prepared hosts, nothing replicated yet: ms1 is active in epoch 1."""
    prepared_pair.reset()
    return prepared_pair
