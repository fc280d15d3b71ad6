"""The list of behaviours taken from other replication programs' test suites, whatever module tries them."""

from __future__ import annotations

import re

from tests.documents.carried_there import standby
from tests.documents.test_between import RUNS
from tests.documents.test_carried import ROWS
from tests.documents.test_during import CHANGES

TESTS_OF_A_SUITE = re.compile(r"(rsync|lsyncd|csync2|unison): [^;]+(; (rsync|lsyncd|csync2|unison): [^;]+)*")

LIST = [
    *((row.name, row.suites) for row in (*ROWS, *standby.rows)),
    *((tried.__name__, suites) for suites, tried in (*CHANGES, *RUNS)),
]


def test_there_are_a_hundred_at_least_and_no_two_of_one_name() -> None:
    names = {name for name, _ in LIST}
    assert len(names) == len(LIST) >= 100


def test_each_says_which_tests_of_which_suite_try_it() -> None:
    assert [name for name, suites in LIST if not TESTS_OF_A_SUITE.fullmatch(suites)] == []


def test_each_of_the_four_suites_is_among_them() -> None:
    said = " ".join(suites for _, suites in LIST)
    assert all(f"{suite}: " in said for suite in ("rsync", "lsyncd", "csync2", "unison"))
