"""What people have set is kept by every way in: mode, maintenance, acknowledgement, restart first."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.play import never_both, rehearse, taken_over


def test_a_maintenance_holds_a_failover_back_quietly_and_no_longer_than_it_lasts(tmp_path: Path) -> None:
    rehearsed = rehearse("maintenance", tmp_path)
    assert taken_over(rehearsed.report)
    for name in ("The alarm's failover is held", "Nothing was touched", "Held until its end", "Nobody was told of it"):
        rehearsed.held(name)


def test_in_shadow_mode_it_is_written_down_what_would_have_been_done(tmp_path: Path) -> None:
    rehearsed = rehearse("shadow", tmp_path)
    assert never_both(rehearsed.report)
    assert rehearsed.report["writes"]["ms2"] == 0
    assert "would have failed over because: ms1 is" in rehearsed.held("Written down, once")
    for name in ("The alarm's failover is held", "Told once", "Nothing was touched"):
        rehearsed.held(name)


def test_a_second_failover_waits_until_the_first_is_acknowledged(tmp_path: Path) -> None:
    rehearsed = rehearse("second-failover", tmp_path)
    assert never_both(rehearsed.report)
    assert rehearsed.report["epoch"] == 3
    for name in (
        "The second one is held",
        "The alarm's is held, too",
        "Operators are notified, once",
        "Then it happens",
    ):
        rehearsed.held(name)


def test_told_to_restart_first_the_service_is_restarted_where_it_was(tmp_path: Path) -> None:
    rehearsed = rehearse("start-first-restart", tmp_path)
    assert rehearsed.report["outcome"] == "stood-down"
    assert rehearsed.report["epoch"] == 1
    assert never_both(rehearsed.report)
    for name in ("Restarted once", "Nothing was touched", "The active server serves again"):
        rehearsed.held(name)
