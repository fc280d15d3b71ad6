"""What no workflow is to blame for, and no fence can prevent: the audit sees it, ends it, and notifies operators."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import run_scenario


def test_a_server_granted_access_by_hand_is_put_out_and_notified_of(tmp_path: Path) -> None:
    ran = run_scenario("intruder", tmp_path)
    assert ran.report["journal_violations"] > 0, "the outage did not happen"
    for name in ("The intruder is out", "It stays out", "The active server was let alone", "The alarm goes off"):
        ran.held(name)


def test_a_login_over_a_connection_from_before_the_fence_is_ended(tmp_path: Path) -> None:
    ran = run_scenario("late-login", tmp_path)
    assert ran.report["outcome"] == "promoted"
    assert ran.report["journal_violations"] > 0, "the outage did not happen"
    for name in (
        "Access is revoked to it",
        "The audit ends the session",
        "It does not come back",
        "The alarm goes off",
    ):
        ran.held(name)
    assert ran.broken() == {"One writer at a time"}


def test_an_active_server_without_its_database_is_found_and_notified_of_and_not_failed_over(tmp_path: Path) -> None:
    ran = run_scenario("active-without-database", tmp_path)
    assert ran.report["outcome"] == "alarmed"
    assert ran.report["epoch"] == 1
    assert ran.report["writes"]["ms2"] == 0
    for name in ("Its page answers, its session stays listed", "The audit finds active-without-database",
                 "The alarm goes off within the minute", "The first line is red", "Nothing was touched",
                 "No blind failover", "The audit finds nothing wrong"):  # fmt: skip
        ran.held(name)
