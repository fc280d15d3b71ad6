"""What other suites expect of a target that holds something already, each as a behaviour of this copy."""

from __future__ import annotations

import pytest

from tests.documents.behaviours import try_all
from tests.documents.carried_there import standby
from tests.documents.pair import Pair

pytestmark = pytest.mark.testbed


@pytest.fixture(scope="module")
def wrong(prepared_pair: Pair) -> dict[str, BaseException | None]:
    """What was wrong with each behaviour, where the standby is written to before each run."""
    prepared_pair.reset()
    return try_all(prepared_pair, standby.rows)


@pytest.mark.parametrize("name", [row.name for row in standby.rows])
def test_like_other_suites(wrong: dict[str, BaseException | None], name: str) -> None:
    error = wrong[name]
    if error is not None:
        raise error


def test_the_deep_check_finds_no_difference_in_any_of_it(
    prepared_pair: Pair, wrong: dict[str, BaseException | None]
) -> None:
    assert wrong
    assert prepared_pair.verify()["outcome"] == "identical"
