"""What people have set is kept by every way in: mode, maintenance, acknowledgement, restart first."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import never_both, run_scenario, taken_over


def test_a_maintenance_holds_a_failover_back_quietly_and_no_longer_than_it_lasts(tmp_path: Path) -> None:
    ran = run_scenario("maintenance", tmp_path)
    assert taken_over(ran.report)
    for name in (
        "The alarm's failover is held",
        "Nothing was touched",
        "Held until its end",
        "Nobody was notified of it",
    ):
        ran.held(name)


def test_in_shadow_mode_it_is_written_down_what_would_have_been_done(tmp_path: Path) -> None:
    ran = run_scenario("shadow", tmp_path)
    assert never_both(ran.report)
    assert ran.report["writes"]["ms2"] == 0
    assert "would have failed over because: ms1 is" in ran.held("Written down, once")
    for name in ("The alarm's failover is held", "Notified once", "Nothing was touched"):
        ran.held(name)


def test_a_second_failover_waits_until_the_first_is_acknowledged(tmp_path: Path) -> None:
    ran = run_scenario("second-failover", tmp_path)
    assert never_both(ran.report)
    assert ran.report["epoch"] == 3
    for name in (
        "The second one is held",
        "The alarm's is held, too",
        "Operators are notified, once",
        "Then it happens",
    ):
        ran.held(name)


def test_a_copy_that_is_too_old_for_its_owner_holds_an_automatic_failover_and_no_other(tmp_path: Path) -> None:
    ran = run_scenario("copy-too-old", tmp_path)
    assert taken_over(ran.report)
    for name in (
        "The failover is held for the copy's age",
        "The alarm's failover is held",
        "Nothing was touched",
        "Operators are notified, once",
    ):
        ran.held(name)


def test_set_to_restart_first_the_service_is_restarted_where_it_was(tmp_path: Path) -> None:
    ran = run_scenario("start-first-restart", tmp_path)
    assert ran.report["outcome"] == "stood-down"
    assert ran.report["epoch"] == 1
    assert never_both(ran.report)
    for name in ("Restarted once", "Nothing was touched", "The active server serves again"):
        ran.held(name)
