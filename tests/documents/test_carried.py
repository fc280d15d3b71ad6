"""What other replication programs' test suites expect of a copy, each as a behaviour of this one."""

from __future__ import annotations

import pytest

from tests.documents.behaviours import try_all
from tests.documents.carried_contents import contents
from tests.documents.carried_kinds import kinds
from tests.documents.carried_names import names
from tests.documents.pair import Pair

pytestmark = pytest.mark.testbed

ROWS = (*names.rows, *kinds.rows, *contents.rows)


@pytest.fixture(scope="module")
def wrong(prepared_pair: Pair) -> dict[str, BaseException | None]:
    """What was wrong with each behaviour, after a first copy, runs by changes, and one without the sender's lists."""
    prepared_pair.reset()
    prepared_pair.allow_kinds("setid,devices,capabilities")
    return try_all(prepared_pair, ROWS)


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_like_other_suites(wrong: dict[str, BaseException | None], name: str) -> None:
    error = wrong[name]
    if error is not None:
        raise error


def test_the_deep_check_finds_no_difference_in_any_of_it(
    prepared_pair: Pair, wrong: dict[str, BaseException | None]
) -> None:
    assert wrong
    assert prepared_pair.verify()["outcome"] == "identical"
