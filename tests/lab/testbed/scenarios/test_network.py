"""The network cuts a server off, whatever groups let in and whatever a list of sessions shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.play import rehearse, taken_over


def test_a_rule_that_lets_everybody_in_is_named_and_changes_nothing(tmp_path: Path) -> None:
    rehearsed = rehearse("broad-rule", tmp_path)
    assert taken_over(rehearsed.report)
    assert rehearsed.report["receipt"]["by"] == "network"
    assert "10.77.0.0/24" in rehearsed.held("The rule is named")
    assert not rehearsed.broken()


@pytest.mark.parametrize(
    ("name", "shown"), [("cut-pooler", "No list shows its sessions"), ("cut-oracle", "The list proves nothing")]
)
def test_where_no_list_can_show_whose_a_session_is_the_network_proves_the_fence(
    name: str, shown: str, tmp_path: Path
) -> None:
    rehearsed = rehearse(name, tmp_path)
    assert taken_over(rehearsed.report)
    assert rehearsed.report["receipt"]["by"] == "network"
    rehearsed.held(shown)
    rehearsed.held("The old server's machine is let alone")
