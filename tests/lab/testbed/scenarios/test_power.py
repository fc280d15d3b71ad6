"""What neither the network nor the database can prove is proven by power, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.run import never_both, run_scenario, taken_over


def test_with_the_database_down_the_old_servers_machine_is_switched_off(tmp_path: Path) -> None:
    ran = run_scenario("database-down", tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "power"
    ran.held("The old server stays off")


def test_a_connection_that_has_not_logged_in_is_named_and_not_trusted(tmp_path: Path) -> None:
    ran = run_scenario("silent-connection", tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "power"
    assert "1 connection from 10.77.0.11" in ran.held("The connection is named")
    assert not ran.broken()


@pytest.mark.parametrize("name", ["second-port", "third-host-pooler", "access-elsewhere", "database-standby"])
def test_an_answer_about_the_wrong_thing_proves_nothing(name: str, tmp_path: Path) -> None:
    ran = run_scenario(name, tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "power"
    ran.held("The old server stays off")


def test_the_power_of_a_machine_that_was_replaced_proves_nothing(tmp_path: Path) -> None:
    ran = run_scenario("replaced-instance", tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "database"
    ran.held("Nothing is proven")


@pytest.mark.timeout(420)
def test_a_standby_behind_a_pooler_is_not_let_back_out_without_a_proof_and_power_is_one(tmp_path: Path) -> None:
    ran = run_scenario("standby-behind-pooler", tmp_path, deadline_s=400)
    assert ran.report["outcome"] == "promoted"
    assert never_both(ran.report)
    assert ran.report["receipt"]["by"] == "power"
    for name in ("Not turned back without a proof", "Nobody is granted access meanwhile", "The old server stays off"):
        ran.held(name)
