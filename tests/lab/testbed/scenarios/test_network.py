"""The network cuts a server off, whatever groups allow and whatever a list of sessions shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.run import run_scenario, taken_over


def test_a_rule_that_lets_everybody_in_is_named_and_changes_nothing(tmp_path: Path) -> None:
    ran = run_scenario("broad-rule", tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "network"
    assert "10.77.0.0/24" in ran.held("The rule is named")
    assert not ran.broken()


@pytest.mark.parametrize(
    ("name", "shown"), [("cut-pooler", "No list shows its sessions"), ("cut-oracle", "The list proves nothing")]
)
def test_where_no_list_can_show_whose_a_session_is_the_network_proves_the_fence(
    name: str, shown: str, tmp_path: Path
) -> None:
    ran = run_scenario(name, tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "network"
    ran.held(shown)
    ran.held("The old server's machine is let alone")
