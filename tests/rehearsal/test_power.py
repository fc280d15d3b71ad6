"""What the database can't prove is proven by power."""

from __future__ import annotations

from pathlib import Path

from tests.rehearsal.rehearse import rehearse, taken_over


def test_with_the_database_down_the_old_servers_machine_is_switched_off(tmp_path: Path) -> None:
    rehearsed = rehearse("database-down", tmp_path)
    assert taken_over(rehearsed.report)
    assert rehearsed.report["receipt"]["by"] == "power"
    rehearsed.held("The old server stays off")


def test_a_rule_that_lets_everybody_in_is_named_and_not_trusted(tmp_path: Path) -> None:
    rehearsed = rehearse("broad-rule", tmp_path)
    assert taken_over(rehearsed.report)
    assert rehearsed.report["receipt"]["by"] == "power"
    assert "10.77.0.0/24" in rehearsed.held("The rule is named")
    assert rehearsed.broken() == {"The door let in one at most"}


def test_a_connection_that_has_not_logged_in_is_named_and_not_trusted(tmp_path: Path) -> None:
    rehearsed = rehearse("silent-connection", tmp_path)
    assert taken_over(rehearsed.report)
    assert rehearsed.report["receipt"]["by"] == "power"
    assert "1 connection from 10.77.0.11" in rehearsed.held("The connection is named")
    assert not rehearsed.broken()
