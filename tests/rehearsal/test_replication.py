"""Replication on the whole stage: what MS1 imports is on MS2 when it is needed, whole, and never goes the wrong way."""

from __future__ import annotations

from pathlib import Path

from tests.rehearsal.rehearse import rehearse, taken_over


def test_a_server_that_dies_in_the_middle_of_a_copy_is_taken_over_with_the_last_complete_set(tmp_path: Path) -> None:
    rehearsed = rehearse("torn", tmp_path)
    assert taken_over(rehearsed.report)
    rehearsed.held("The standby kept what it had")
    rehearsed.held("It is known how old the files are")
    assert rehearsed.report["replication"]["age_s"] > 0


def test_an_old_order_after_the_failover_is_refused_on_either_host(tmp_path: Path) -> None:
    rehearsed = rehearse("wrong-way", tmp_path)
    assert taken_over(rehearsed.report)
    for name in ("Refused where it arrives", "Refused by the active server's host", "The standby kept what it had"):
        rehearsed.held(name)
