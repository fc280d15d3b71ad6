"""What report.json says of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from failoverctl.acceptance.report.figures import Report, report
from failoverctl.acceptance.report.journal import Judgement
from failoverctl.acceptance.report.record import AccessObserved, AgentEvent, NameSeen, Run
from tests.lab.testbed.report import sample

FIELDS = {
    "scenario", "outcome", "ok", "failure_at", "detected_at", "fenced_at", "promoted_at", "name_moved_at",
    "takeover_s", "detection_s", "fence_s", "dual_active_s", "journal_violations", "writes", "agents", "epoch",
    "receipt", "replication", "phases",
}  # fmt: skip


def of(run: Run) -> Report:
    return report(run, sample.judged(run))


def answers(found: Report) -> dict[str, str]:
    return {entry["name"]: entry["answer"] for entry in found["invariants"]}


def test_every_field_that_was_asked_for_is_there() -> None:
    found = of(sample.crash())
    assert set(found) >= FIELDS
    assert set(found["agents"]) == {"count", "recovered", "recovered_s"}
    assert set(found["phases"][0]) == {"name", "start", "end"}
    assert json.loads(json.dumps(found)) == found


def test_moments_count_from_the_scenarios_start_and_spans_from_what_began_them() -> None:
    found = of(sample.crash())
    assert found["failure_at"] == 12.4
    assert found["detected_at"] == 14.71
    assert found["fenced_at"] == 15.42
    assert found["promoted_at"] == 17.26
    assert found["name_moved_at"] == 15.73
    assert found["detection_s"] == 2.31
    assert found["fence_s"] == 0.71
    assert found["takeover_s"] == 4.17
    assert found["phases"][0] == {"name": "Detect", "start": 12.4, "end": 14.71}


def test_a_clean_failover_with_the_expected_outcome_is_ok() -> None:
    found = of(sample.crash())
    assert found["ok"] is True
    assert set(answers(found).values()) == {"yes"}


def test_another_outcome_than_the_expected_one_is_not_ok() -> None:
    found = of(replace(sample.crash(), outcome="halted"))
    assert found["ok"] is False
    assert found["invariants"][-1]["sentence"] == "It ended as halted; expected was promoted."


def test_a_workflow_that_never_ended_is_not_ok() -> None:
    found = of(replace(sample.crash(), outcome=""))
    assert found["ok"] is False
    assert found["invariants"][-1]["sentence"] == "It never ended; expected was promoted."


def test_two_writers_are_not_ok() -> None:
    found = of(sample.split())
    assert found["ok"] is False
    assert found["journal_violations"] == 20
    assert found["dual_active_s"] == pytest.approx(0.99, abs=0.02)
    assert answers(found)["One writer at a time"] == "no"


def test_an_overlap_shorter_than_a_millisecond_does_not_become_nothing() -> None:
    run = sample.crash()
    judgement = sample.judged(run)
    turn = replace(judgement.turns[0], dual_active_s=0.000_004, violations=1)
    assert report(run, replace(judgement, turns=(turn,)))["dual_active_s"] == 0.001


def test_an_access_group_open_to_both_is_not_ok() -> None:
    run = sample.crash()
    both = AccessObserved(sample.FAILURE + 3.1, frozenset({"ms1", "ms2"}))
    found = of(replace(run, access=(run.access[0], both, run.access[-1])))
    assert found["ok"] is False
    said = next(each for each in found["invariants"] if each["name"] == "The access group allowed one at most")
    # By the clock of the page, which counts from the failure.
    assert (said["answer"], said["sentence"]) == ("no", "From +3.100 s on both servers could use the database.")


def test_an_access_group_nobody_read_is_unknown_and_unknown_is_not_ok() -> None:
    found = of(replace(sample.crash(), access=()))
    assert found["ok"] is False
    assert answers(found)["The access group allowed one at most"] == "unknown"


def test_a_journal_without_rows_before_the_failure_proves_nothing() -> None:
    run = sample.crash()
    found = of(replace(run, rows=tuple(row for row in run.rows if row.server == "ms2")))
    assert found["ok"] is False
    assert answers(found)["The journal was watching"] == "unknown"


def test_a_first_row_before_the_receipt_is_not_ok() -> None:
    run = sample.crash()
    late = replace(run, fenced_at=None, receipt=sample.receipt(sample.FAILURE + 4.5))
    found = of(late)
    assert found["ok"] is False
    assert answers(found)["Fence before promotion"] == "no"


def test_a_first_row_without_a_receipt_is_not_ok() -> None:
    found = of(replace(sample.crash(), fenced_at=None, receipt=None))
    assert found["ok"] is False
    assert answers(found)["Fence before promotion"] == "no"


def test_times_of_another_execution_are_not_taken_for_this_ones() -> None:
    found = of(replace(sample.crash(), detected_at=sample.FAILURE - 9))
    assert found["ok"] is False
    assert answers(found)["Cause before effect"] == "no"
    assert found["detection_s"] is None


def test_a_receipt_from_before_the_cause_is_not_this_runs_where_no_change_was_due() -> None:
    adopted = sample.receipt(sample.T0 - 20)
    found = of(replace(sample.crash(), changes=(), fenced_at=None, detected_at=None, promoted_at=None, receipt=adopted))
    assert answers(found)["Cause before effect"] == "yes"
    assert (found["fenced_at"], found["receipt"]) == (None, adopted)


def test_a_receipt_from_before_the_cause_does_not_pass_for_the_proof_that_a_change_needed() -> None:
    found = of(replace(sample.crash(), fenced_at=None, receipt=sample.receipt(sample.T0 - 20)))
    assert answers(found)["Cause before effect"] == "no"


def test_a_receipt_as_the_table_returns_it_is_plain_numbers_in_the_report() -> None:
    stored = {"epoch": Decimal(2), "verified_at": Decimal("1790000015.42"), "sessions": [Decimal(0)], "server": "ms1"}
    found = of(replace(sample.crash(), fenced_at=None, receipt=stored))
    assert found["receipt"] == {"epoch": 2, "verified_at": 1790000015.42, "sessions": [0], "server": "ms1"}
    assert found["fenced_at"] == 15.42


def test_a_failover_that_stood_down_is_ok_with_figures_that_are_not_known() -> None:
    found = of(sample.transient())
    assert found["ok"] is True
    for field in ("takeover_s", "fence_s", "fenced_at", "promoted_at", "name_moved_at", "receipt"):
        assert found[field] is None
    assert (found["dual_active_s"], found["journal_violations"]) == (0, 0)
    assert found["agents"] == {"count": 20, "recovered": 20, "recovered_s": 0.0}


def test_agents_count_as_back_with_the_server_that_is_active_in_the_end() -> None:
    run = sample.crash(agents=10)
    assert of(run)["agents"]["recovered"] == 10
    lost = AgentEvent("agent-03", None, run.ended_at)
    found = of(replace(run, agents=(*run.agents, lost)))
    assert found["agents"] == {"count": 10, "recovered": 9, "recovered_s": None}


def test_agents_that_are_with_the_old_server_after_a_promotion_are_not_back() -> None:
    run = sample.crash(agents=10)
    back = AgentEvent("agent-03", "ms1", run.ended_at)
    assert of(replace(run, agents=(*run.agents, back)))["agents"]["recovered"] == 9


def test_the_name_must_move_after_the_failure_to_count() -> None:
    run = sample.crash()
    early = NameSeen(sample.T0 + 1, "ms2", sample.MS2)
    assert of(replace(run, name=(early,)))["name_moved_at"] is None


def test_a_scenario_without_a_change_has_figures_too() -> None:
    run = replace(
        sample.crash(), changes=(), failure_at=None, rows=sample.written([("ms1", sample.T0, sample.FAILURE)])
    )
    found = report(run, Judgement((), {"ms1": 240}, 240, 0))
    assert found["ok"] is True
    assert found["takeover_s"] is None
    assert found["writes"] == {"ms1": 240, "ms2": 0}


def test_where_a_stray_server_wrote_nothing_says_that_no_second_one_did() -> None:
    run = replace(sample.crash(), changes=(), failure_at=None)
    found = report(run, Judgement((), {"ms1": 240, "ms2": 58}, 240, 58, 2.8))
    said = {each["name"]: each["sentence"] for each in found["invariants"]}
    assert "58 rows" in said["One writer at a time"]
    assert said["Fence before promotion"] == "No second server was promoted and wrote, so there was nothing to prove."


@pytest.mark.parametrize("make", [sample.crash, sample.hang, sample.transient, sample.split])
def test_a_record_is_read_back_as_it_was_written(make: Callable[[], Run]) -> None:
    run = make()
    assert Run.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_a_record_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="not the record of a run"):
        Run.from_json({"format": 0})
