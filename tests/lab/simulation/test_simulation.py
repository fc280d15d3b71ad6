"""The simulation itself: the same schedule is the same run and can be replayed; wrong orders are refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.simulation import search
from lab.simulation.__main__ import main
from lab.simulation.faults import Fault, Kind, kinds_at
from lab.simulation.runner import Runner
from lab.simulation.schedule import BASES, Schedule
from lab.testbed.hosts.polling import wait_until


def test_the_same_schedule_is_the_same_run(runner: Runner) -> None:
    schedule = Schedule.parse("ms1=partitioned by=alarm order=-3 again@task:pair.verify_fence#1 watch@state:Promote#1")
    first, other = runner.run(schedule), runner.run(Schedule())
    again = runner.run(schedule)
    assert first.story == again.story
    assert first.story != other.story


def test_a_schedule_is_read_back_as_it_was_printed(runner: Runner) -> None:
    known = search.places(runner)
    for number in range(200):
        schedule = search.by_chance(7, number, known)
        assert Schedule.parse(str(schedule)) == schedule
    assert search.by_chance(7, 3, known) == search.by_chance(7, 3, known) != search.by_chance(8, 3, known)


def test_two_servers_with_sessions_are_a_violation_whatever_the_functions_believe(runner: Runner) -> None:
    result = runner.run(Schedule.parse("ms1=zombie opened@state:Promoting#1"))
    assert result.invariant == "I1"
    assert "both servers hold sessions" in result.violation


def test_a_violation_is_made_small(runner: Runner) -> None:
    faults = "opened@state:Promoting#1 throttle@ec2.describe_instances#1 error@task:dns.update_record#1*3"
    broken = runner.run(Schedule.parse(f"ms1=zombie restart=no dry_run=yes resume=back order=4 {faults}"))
    small = search.shrunk(runner, broken)
    assert small.invariant == broken.invariant == "I1"
    assert small.schedule == Schedule.parse("ms1=zombie opened@state:Promoting#1")


def test_every_kind_of_fault_can_strike_somewhere(runner: Runner) -> None:
    drawn = {kind for place in search.places(runner) for kind in kinds_at(place)}
    assert set(Kind) - drawn == {Kind.OPENED}  # against an owner's hand on his own group nothing is proven


def test_every_execution_of_every_beginning_ends_as_defined(runner: Runner) -> None:
    for base in BASES:
        result = runner.run(base)
        assert (result.violation, result.fired) == ("", ())
        assert result.outcomes


def test_a_question_for_rights_that_arrives_late_changes_nothing(runner: Runner) -> None:
    """What is asked with DryRun is no grant on its way, and no reason why the proof after it were wrong."""
    dry_run_first = "action=switchover by=erika network=local-pooler dry_run=yes"
    result = runner.run(Schedule.parse(f"{dry_run_first} delayed@ec2.authorize_security_group_ingress#1"))
    assert result.violation == ""
    assert "delayed at ec2.authorize_security_group_ingress (1)" in "\n".join(result.story)
    assert "promoted" in result.outcomes


def test_a_machine_that_is_stopping_already_is_waited_for(runner: Runner) -> None:
    result = runner.run(Schedule.parse("ms1=stopping access=broad"))
    shown = "\n".join(result.story)
    assert (result.violation, result.outcomes[0]) == ("", "promoted")
    assert "receipt by power for ms1" in shown
    assert "is ordered off" not in shown
    assert shown.index("the machine of ms1 is off") < shown.index("receipt by power for ms1")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--defect", "nonsense"], "there is no defect 'nonsense'; there are: proof-assumed,"),
        (["--replay", "ms1=asleep"], "'ms1=asleep' is no part of a schedule: ms1 is one of crashed,"),
        (["--replay", "boom@state:Begin#1"], "'boom' is no kind of fault"),
        (["--replay", "boom"], "'boom' is no fault; one reads like"),
        (["--schedules", "0"], "--schedules and --workers must be at least 1."),
        (["--schedules", "many"], "invalid int value"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(
    arguments: list[str], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert shown in capsys.readouterr().err


def test_a_replay_shows_the_story_and_fails_on_a_violation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "ms1=zombie opened@state:Promoting#1"]) == 1
    shown = capsys.readouterr().out
    assert "FAULT opened at state:Promoting (1)" in shown
    assert "VIOLATION of I1: both servers hold sessions" in shown
    assert "--replay" in shown


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_simulation_that_is_ended_leaves_no_worker_behind(how: signal.Signals) -> None:
    command = [sys.executable, "-m", "lab.simulation", "--schedules", "9999", "--workers", "2"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_until("both workers are busy", lambda: len(busy(run.pid)) == 2, deadline_s=60)
        workers = busy(run.pid)
        run.send_signal(how)
        assert run.communicate(timeout=30) == ("", "Stopped; nothing of it goes on.\n")
        assert run.returncode == 130
        wait_until(
            "no worker is left", lambda: not any(Path(f"/proc/{each}").exists() for each in workers), deadline_s=10
        )
    finally:
        run.kill()


def busy(pid: int) -> list[int]:
    """The processes that a process has started, and that have worked for a second."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = {int(each): int(Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11]) for each in found}
    return [each for each, spent in ticks.items() if spent > 100]


def test_defects_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--defect", "list"]) == 0
    assert "sessions-not-read" in capsys.readouterr().out


@pytest.mark.parametrize(("defect", "code"), [("", 0), ("one-read", 1)])
def test_a_simulation_ends_with_one_line_of_json(defect: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schedules", "12", "--seed", "4", "--workers", "1", "--defect", defect]) == code
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"schedules", "seconds", "distinct_faults", "outcomes", "violations"} <= set(line)
    assert bool(line["violations"]) is bool(defect)
    assert defect or line["schedules"] == 12


def test_a_fault_strikes_at_its_turn_and_as_often_as_it_says() -> None:
    fault = Fault.parse("error@ec2.stop_instances#2*3")
    assert [fault.strikes("ec2.stop_instances", count) for count in range(1, 7)] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "written",
    [
        "by=erika ms1=off database=undying access=prefix-list timeout@ask:database_sessions.status#10",
        "action=force by=erika late@task:pair.conclude#1*9",
    ],
)
def test_what_is_left_over_is_not_called_wrong(written: str, runner: Runner) -> None:
    """Sessions of a dead machine that the audit ends at last; conclusions that are all carried out late."""
    result = runner.run(Schedule.parse(written))
    assert result.violation == ""
    assert "promoted" in result.outcomes or "halted" in result.outcomes


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        ("ms1=healthy probe=cut-off order=6", "stood-down"),
        ("action=switchover by=erika ms1=crashed ms2=start-fails network=acls probe=cut-off", "rolled-back"),
    ],
)
def test_a_probe_that_is_cut_off_misleads_nobody_where_a_second_one_sees(
    written: str, outcome: str, runner: Runner
) -> None:
    result = runner.run(Schedule.parse(written))
    assert (result.violation, result.outcomes[0]) == ("", outcome)
