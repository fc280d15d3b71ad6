"""The judge: it must find what is wrong, in either order, and acquit what is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from failoverctl.acceptance.report.journal import Database, judge, rows
from failoverctl.acceptance.report.record import Change, Row, Run
from tests.lab.testbed.report import sample
from tests.lab.testbed.report.conftest import Journal

FAR = 0.001  # a microsecond's rounding, and then some


def judged(journal: Journal, run: Run) -> tuple[int, float, float | None]:
    journal.fill(run.rows)
    found = judge(journal, run, journal.epoch)
    return found.violations, found.dual_active_s, found.turns[-1].takeover_s if found.turns else None


@pytest.mark.parametrize("make", [sample.crash, sample.hang, sample.transient, sample.split])
def test_agrees_with_another_way_of_counting(journal: Journal, make: Callable[[], Run]) -> None:
    run = make()
    journal.fill(run.rows)
    found, other = judge(journal, run, journal.epoch), sample.judged(run)
    assert found.violations == other.violations
    assert found.writes == other.writes
    assert found.before_failure == other.before_failure
    assert found.dual_active_s == pytest.approx(other.dual_active_s, abs=FAR)
    assert found.turns[0].takeover_s == pytest.approx(other.turns[0].takeover_s, abs=FAR)


def test_a_clean_failover_is_acquitted(journal: Journal) -> None:
    violations, dual, takeover = judged(journal, sample.crash())
    assert (violations, dual) == (0, 0)
    assert takeover == pytest.approx(4.17, abs=FAR)


def test_a_single_row_of_the_old_server_after_the_new_ones_first_is_found(journal: Journal) -> None:
    run = sample.crash()
    late = Row(len(run.rows) + 1, "ms1", run.ended_at - 0.001)
    violations, dual, _ = judged(journal, replace(run, rows=(*run.rows, late)))
    assert violations == 1
    assert dual == pytest.approx(late.at - (sample.FAILURE + 4.17), abs=FAR)


def test_a_row_is_found_by_its_number_where_the_clock_was_set_back(journal: Journal) -> None:
    run = sample.crash()
    set_back = Row(len(run.rows) + 1, "ms1", sample.T0 + 1)
    violations, dual, _ = judged(journal, replace(run, rows=(*run.rows, set_back)))
    assert (violations, dual) == (1, 0)


def test_a_row_is_found_by_its_time_where_the_numbers_crossed(journal: Journal) -> None:
    run = Run(
        scenario="crossed", headline="", expected="promoted", t0=100.0, ended_at=110.0, failure_at=103.0,
        changes=(Change(103.0, "ms1", "ms2", permitted=True),),
        rows=(Row(1, "ms1", 101.0), Row(2, "ms1", 105.2), Row(3, "ms2", 105.0)),
    )  # fmt: skip
    violations, dual, _ = judged(journal, run)
    assert violations == 1
    assert dual == pytest.approx(0.2, abs=FAR)


def test_any_row_of_the_standby_is_a_violation_where_nothing_was_permitted(journal: Journal) -> None:
    run = sample.transient()
    stray = (Row(9001, "ms2", sample.FAILURE - 5), Row(9002, "ms2", sample.FAILURE + 5))
    violations, dual, takeover = judged(journal, replace(run, rows=run.rows + stray))
    assert violations == 2
    assert dual > 0
    assert takeover is None


def test_any_row_of_the_standby_is_a_violation_where_no_change_was_asked_for(journal: Journal) -> None:
    run = replace(sample.crash(), changes=())
    violations, _, takeover = judged(journal, run)
    assert violations == sum(row.server == "ms2" for row in run.rows)
    assert takeover is None


def test_a_standby_that_writes_before_the_failure_makes_the_old_servers_rows_violations(journal: Journal) -> None:
    run = sample.crash()
    early = Row(9001, "ms2", sample.T0 + 1)
    violations, dual, takeover = judged(journal, replace(run, rows=(*run.rows, early)))
    assert violations > 100
    assert dual > 10
    assert takeover is None


def test_a_row_of_a_stranger_is_a_violation(journal: Journal) -> None:
    run = sample.crash()
    assert judged(journal, replace(run, rows=(*run.rows, Row(9001, "ms3", sample.T0 + 1))))[0] == 1


def test_rows_from_before_the_scenario_do_not_count(journal: Journal) -> None:
    run = sample.crash()
    journal.fill(run.rows)
    alone = judge(journal, run, journal.epoch)
    journal.fill((Row(-2, "ms2", sample.T0 - 20), Row(-1, "ms1", sample.T0 - 10), *run.rows))
    assert judge(journal, run, journal.epoch) == alone
    assert [row.id for row in rows(journal, run.t0, journal.epoch)] == [row.id for row in run.rows]


def there_and_back(*, ms1_until: float = 10, ms2_from: float = 12, ms2_until: float = 20, ms1_from: float = 21) -> Run:
    """A failover to ms2 at 10 s, and a switchover home at 19 s."""
    spans = [("ms1", 1000.0, 1000 + ms1_until), ("ms2", 1000 + ms2_from, 1000 + ms2_until),
             ("ms1", 1000 + ms1_from, 1030.0)]  # fmt: skip
    return Run(
        scenario="failback", headline="", expected="promoted", t0=1000.0, ended_at=1030.0, failure_at=1010.0,
        changes=(Change(1010.0, "ms1", "ms2", permitted=True), Change(1019.0, "ms2", "ms1", permitted=True)),
        rows=sample.written(spans),
    )  # fmt: skip


def test_a_server_that_comes_back_by_a_later_change_is_no_violation(journal: Journal) -> None:
    violations, dual, takeover = judged(journal, there_and_back())
    assert (violations, dual) == (0, 0)
    assert takeover == pytest.approx(2, abs=FAR)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"ms1_until": 12.5}, id="ms1 goes on beside ms2"),
        pytest.param({"ms1_from": 18.0}, id="ms1 comes back before it was asked to"),
        pytest.param({"ms2_until": 21.5}, id="ms2 goes on beside ms1"),
    ],
)
def test_an_overlap_at_either_change_is_found(journal: Journal, wrong: dict[str, float]) -> None:
    violations, dual, _ = judged(journal, there_and_back(**wrong))
    assert violations >= 9
    assert dual >= 0.4


def test_the_roles_may_be_swapped(journal: Journal) -> None:
    run = Run(
        scenario="switchover", headline="", expected="promoted", t0=1000.0, ended_at=1020.0, active="ms2",
        standby="ms1", changes=(Change(1010.0, "ms2", "ms1", permitted=True),),
        rows=sample.written([("ms2", 1000.0, 1011.0), ("ms1", 1011.5, 1020.0)]),
    )  # fmt: skip
    violations, dual, takeover = judged(journal, run)
    assert (violations, dual) == (0, 0)
    assert takeover == pytest.approx(1.5, abs=FAR)
    late = Row(9001, "ms2", 1015.0)
    assert judged(journal, replace(run, rows=(*run.rows, late)))[0] == 1


def test_a_journal_that_cannot_be_read_is_no_acquittal() -> None:
    class Gone:
        def run(self, sql: str, **params: object) -> None:
            raise ConnectionError("the database is gone")

    gone: Database = Gone()
    with pytest.raises(ConnectionError):
        judge(gone, sample.crash())


def test_a_server_that_writes_unasked_beside_the_active_one_has_its_seconds_counted(journal: Journal) -> None:
    run = Run(
        scenario="intruder", headline="", expected="put-out", t0=100.0, ended_at=110.0, failure_at=103.0, changes=(),
        rows=(Row(1, "ms1", 101.0), Row(2, "ms2", 104.0), Row(3, "ms2", 105.5), Row(4, "ms1", 109.0)),
    )  # fmt: skip
    violations, dual, _ = judged(journal, run)
    assert violations == 2
    assert dual == pytest.approx(1.5, abs=FAR)
    alone = (Row(9, "ms1", 101.0), Row(10, "ms2", 104.0), Row(11, "ms2", 105.5))
    assert judged(journal, replace(run, rows=alone))[1] == 0
