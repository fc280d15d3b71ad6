"""Replication on the whole testbed: what MS1 imports is whole on MS2 when needed, and never goes the wrong way."""

from __future__ import annotations

from pathlib import Path

from tests.lab.testbed.scenarios.run import Run, never_both, run_scenario, taken_over


def replicated(ran: Run) -> bool:
    """In the end both hosts held the same, and no failover was made of it."""
    report = ran.report
    ran.held("The standby holds it all")
    return bool(report["replication"]["identical"] and report["epoch"] == 1 and never_both(report))


def test_an_import_of_2000_files_and_500_megabytes_reaches_the_standby_by_its_event(tmp_path: Path) -> None:
    ran = run_scenario("import", tmp_path)
    assert replicated(ran)
    assert ran.report["replication"]["files"] >= 2000
    assert ran.report["replication"]["bytes"] >= 500_000_000
    ran.held("It came by its event")
    ran.held("Its size and time are known")


def test_a_server_that_dies_in_the_middle_of_a_copy_is_taken_over_with_the_last_complete_set(tmp_path: Path) -> None:
    ran = run_scenario("torn", tmp_path)
    assert taken_over(ran.report)
    ran.held("The standby kept what it had")
    ran.held("It is known how old the files are")
    assert ran.report["replication"]["age_s"] > 0


def test_what_the_import_wrapper_confirmed_is_there_after_a_crash(tmp_path: Path) -> None:
    ran = run_scenario("import-then-crash", tmp_path)
    assert taken_over(ran.report)
    ran.held("The import was confirmed")
    ran.held("Nothing that was confirmed is missing")


def test_a_source_that_is_emptied_or_gone_never_empties_the_standby(tmp_path: Path) -> None:
    ran = run_scenario("source-empty", tmp_path)
    assert replicated(ran)
    ran.held("The standby kept what it had")
    refused = [each["sentence"] for each in ran.report["invariants"] if each["name"] == "The run counts as failed"]
    assert ["empty" in refused[0], "gone" in refused[1]] == [True, True]


def test_a_standby_without_room_keeps_its_set_and_takes_the_next_when_it_can(tmp_path: Path) -> None:
    ran = run_scenario("disk-full", tmp_path)
    assert replicated(ran)
    ran.held("The standby kept what it had")
    ran.held("The run counts as failed")


def test_a_configuration_waits_for_the_standbys_upgrade_and_software_does_not(tmp_path: Path) -> None:
    ran = run_scenario("upgrade", tmp_path)
    assert replicated(ran)
    for name in ("The configuration is withheld", "MS2's stays as it was", "Software goes on", "Now it is carried"):
        ran.held(name)


def test_an_old_order_after_the_failover_is_refused_on_either_host(tmp_path: Path) -> None:
    ran = run_scenario("wrong-way", tmp_path)
    assert taken_over(ran.report)
    for name in ("Refused where it arrives", "Refused by the active server's host", "The standby kept what it had"):
        ran.held(name)
