"""The order of the tests: those that wait for real servers begin, so that no processor is left waiting at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ("tests.lab.testbed.hosts.inside",)

TESTS = Path(__file__).parent
LONG = (
    "lab/testbed/scenarios",
    "lab/testbed/iam",
    "failoverctl/test_testbed.py",
    "documents",
    "examples/test_acceptance",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def is_short(item: pytest.Item) -> bool:
        return not item.path.relative_to(TESTS).as_posix().startswith(LONG)

    items.sort(key=is_short)
