"""MS1 is gone, cut off or half dead: MS2 takes over, and MS1 can't write beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.testbed.scenarios.run import run_scenario, taken_over


@pytest.mark.parametrize("name", ["crash", "hang"])
def test_a_server_that_is_killed_or_hangs_is_taken_over(name: str, tmp_path: Path) -> None:
    report = run_scenario(name, tmp_path).report
    assert taken_over(report)
    assert report["receipt"]["by"] == "network"
    assert report["agents"]["recovered"] == report["agents"]["count"] == 20


def test_a_server_that_only_the_database_can_hear_is_cut_off_from_it(tmp_path: Path) -> None:
    report = run_scenario("partition", tmp_path).report
    assert taken_over(report)
    assert report["receipt"]["by"] == "network"
    assert report["agents"]["recovered"] == report["agents"]["count"]


def test_a_host_that_comes_back_with_autostart_finds_its_access_revoked(tmp_path: Path) -> None:
    ran = run_scenario("reboot", tmp_path)
    assert taken_over(ran.report)
    ran.held("The server that came back had no access to the database")


def test_a_start_that_needs_the_database_is_tried_again_until_that_is_back(tmp_path: Path) -> None:
    ran = run_scenario("start-without-database", tmp_path)
    assert taken_over(ran.report)
    assert ran.report["receipt"]["by"] == "network"
    ran.held("The start was tried again")
