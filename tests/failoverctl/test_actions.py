"""The verbs: asked for, agreed to, started once, followed to their end, and ended with a code that scripts can use."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from failoverctl import actions
from failoverctl.errors import Exit
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import PAIR, WHO, Region, ended, lease, running
from tests.functions.wire import Failure

VERBS = ["failover", "switchover", "resume", "adopt"]


class Terminal(io.StringIO):
    """Somebody at the keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("verb", [*VERBS, "force"])
def test_a_verb_starts_one_execution_with_who_asks_by_name_and_credentials_and_why(
    ctl: Run, region: Region, verb: str
) -> None:
    said = ctl(verb, "--reason", "it is time", "--by", "ann", *(("--pair", PAIR) if verb == "force" else ("--yes",)))
    assert said.code == 0
    assert region.started() == [{"action": verb, "reason": "it is time", "requested_by": f"ann ({WHO})"}]
    assert "promoted: So it ended." in said.out


def test_force_demands_a_name_and_every_verb_a_reason(ctl: Run, region: Region) -> None:
    assert ctl("force", "--reason", "x", "--pair", PAIR).code == Exit.USAGE
    assert ctl("failover", "--yes").code == Exit.USAGE
    assert region.started() == []


@pytest.mark.parametrize("by", ["watch", "alarm"])
@pytest.mark.parametrize("command", [("failover", "--reason", "x"), ("acknowledge",)])
def test_nobody_may_sign_as_the_machinery_does(ctl: Run, region: Region, by: str, command: tuple[str, ...]) -> None:
    said = ctl(*command, "--by", by, "--yes")
    assert said.code == Exit.USAGE
    assert "give a person's name" in said.err
    assert region.asked == []


@pytest.mark.parametrize("command", [("failover", "--reason", "x"), ("maintenance", "off"), ("mode", "manual")])
def test_without_a_terminal_and_without_yes_nothing_is_done(
    ctl: Run, region: Region, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    said = ctl(*command)
    assert said.code == Exit.DECLINED
    assert said.err.rstrip().endswith("Nobody is at the terminal to ask: give --yes if you mean it.")
    assert region.started() == []
    assert region.invoked == []


@pytest.mark.parametrize("answer", ["\n", "n\n", "yeah\n"])
def test_anything_but_yes_does_nothing(ctl: Run, region: Region, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    said = ctl("failover", "--reason", "x")
    assert said.code == Exit.DECLINED
    assert "Nothing was done." in said.err
    assert region.started() == []


def test_it_says_what_will_happen_before_it_asks_and_leaves_standard_output_to_the_answer(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{PAIR}\n"))
    said = ctl("force", "--reason", "its disk is dying", "--by", "ann", "--json")
    assert said.code == 0
    assert "ms1 is fenced WHETHER OR NOT IT IS DOWN" in said.err
    assert said.json()["outcome"] == "promoted"
    assert len(region.started()) == 1


def test_before_it_forces_it_says_where_and_as_whom_and_wants_the_pair_s_name(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    said = ctl("force", "--reason", "x", "--by", "ann")
    assert said.code == Exit.DECLINED
    assert f"Account 123456789012, region eu-central-1, stack demo, pair tectia; as {WHO}." in said.err
    assert "This is the pair tectia, and 'y' was given. Nothing was done." in said.err
    assert region.started() == []


@pytest.mark.parametrize("more", [(), ("--pair", "prod"), ("--yes",)])
def test_a_script_forces_by_the_pair_s_own_name_and_by_nothing_else(
    ctl: Run, region: Region, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert ctl("force", "--reason", "x", "--by", "ann", *more).code in (Exit.DECLINED, Exit.USAGE)
    assert region.started() == []


def test_where_sts_can_t_be_asked_a_verb_is_done_all_the_same_and_the_record_says_so(ctl: Run, region: Region) -> None:
    region.denied = {"GetCallerIdentity"}
    assert ctl("failover", "--reason", "x", "--by", "ann", "--yes").code == Exit.DONE
    assert region.started()[0]["requested_by"] == "ann (whose credentials: not known)"


@pytest.mark.parametrize(("more", "target"), [((), "ms2"), (("--target", "ms1"), "ms1")])
def test_before_a_resume_it_says_what_was_left_half_done_and_where_it_goes(
    ctl: Run, region: Region, more: tuple[str, ...], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    region.items["state"] |= {"lease": lease(), "halted": "ms2 did not start."}
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    said = ctl("resume", "--reason", "x", *more)
    assert "Left half done: failover to ms2, epoch 2. ms2 did not start." in said.err
    assert f"promotes {target}." in said.err


def test_a_dry_run_asks_nobody_and_says_what_it_would_come_to(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    region.outcome = lambda _: ended("dry-run", "ms1 would be fenced.", would="promoted", checks=[{"name": "access"}])
    said = ctl("failover", "--reason", "x", "--dry-run")
    assert said.code == Exit.DONE
    assert region.started()[0]["dry_run"] is True
    assert "would be promoted: ms1 would be fenced." in said.flat
    assert "nothing was changed" in said.out
    found = ctl("failover", "--reason", "x", "--dry-run", "--json").json()
    assert (found["outcome"], found["would"], found["checks"]) == ("dry-run", "promoted", [{"name": "access"}])


@pytest.mark.parametrize("would", ["blocked", "stood-down", "halted", "refused", "unknown"])
def test_a_dry_run_of_what_would_not_be_done_is_no_success(ctl: Run, region: Region, would: str) -> None:
    region.outcome = lambda _: ended("dry-run", "No.", would=would, checks=[])
    assert ctl("failover", "--reason", "x", "--dry-run").code == Exit.NOT_DONE


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("promoted", Exit.DONE),
        ("stood-down", Exit.NOT_DONE),
        ("refused", Exit.NOT_DONE),
        ("blocked", Exit.NOT_DONE),
        ("rolled-back", Exit.ROLLED_BACK),
        ("halted", Exit.HALTED),
        ("never heard of", Exit.UNFOLLOWED),
    ],
)
def test_each_outcome_has_its_exit_code(ctl: Run, region: Region, outcome: str, code: Exit) -> None:
    region.outcome = lambda _: ended(outcome)
    said = ctl("failover", "--reason", "x", "--yes", "--json")
    assert said.code == code
    assert said.json()["outcome"] == outcome


def test_a_halted_one_says_how_to_go_on(ctl: Run, region: Region) -> None:
    region.outcome = lambda _: ended("halted", "ms2 did not start.")
    said = ctl("failover", "--reason", "x", "--yes")
    assert "halted: ms2 did not start." in said.out
    assert 'failoverctl resume --reason "…" --stack demo' in said.flat
    assert "docs/operate.md, failover-halted" in said.flat


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_an_execution_that_was_cut_off_has_no_outcome_and_says_so(ctl: Run, region: Region, status: str) -> None:
    region.outcome = lambda _: {"status": status, "events": []}
    said = ctl("failover", "--reason", "x", "--yes")
    assert said.code == Exit.UNFOLLOWED
    assert "failoverctl resume" in said.out


def test_what_does_not_end_in_time_is_left_to_itself(ctl: Run, region: Region) -> None:
    region.outcome = lambda _: running()
    said = ctl("failover", "--reason", "x", "--yes", "--limit", "0.1")
    assert said.code == Exit.UNFOLLOWED
    assert "it goes on" in said.err


def test_a_question_that_aws_does_not_answer_once_does_not_end_the_following(ctl: Run, region: Region) -> None:
    region.failing["DescribeExecution"] = [Failure("ServiceUnavailable"), Failure("ThrottlingException")]
    assert ctl("failover", "--reason", "x", "--yes").code == Exit.DONE


def test_a_region_that_answers_nothing_for_a_minute_is_not_followed_for_ever(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "UNANSWERED_AT_MOST_S", 0.0)
    region.denied = {"DescribeExecution"}
    said = ctl("failover", "--reason", "x", "--yes")
    assert said.code == Exit.UNFOLLOWED
    assert "The execution goes on" in said.err


def test_no_wait_starts_it_and_returns(ctl: Run, region: Region) -> None:
    region.outcome = lambda _: running()
    said = ctl("switchover", "--reason", "x", "--yes", "--no-wait", "--json")
    assert said.code == 0
    assert said.json()["outcome"] == "running"
    assert "DescribeExecution" not in region.names()


def test_an_execution_has_a_name_so_that_an_order_sent_twice_starts_one(ctl: Run, region: Region) -> None:
    ctl("failover", "--reason", "x", "--yes")
    ctl("failover", "--reason", "x", "--dry-run")
    first, second = (call["name"] for name, call in region.asked if name == "StartExecution")
    assert first.startswith("failover-2")
    assert second.startswith("failover-dry-run-2")


def test_the_steps_are_told_as_they_end(ctl: Run) -> None:
    said = ctl("failover", "--reason", "x", "--yes")
    assert "VerifyFence        ms1 is out." in said.out


@pytest.mark.parametrize("ends_by", ["Ctrl-C", "its limit"])
def test_however_following_ends_the_steps_stay_on_the_terminal_and_it_says_how_to_follow_on(
    ctl: Run, region: Region, monkeypatch: pytest.MonkeyPatch, ends_by: str
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    screen = io.StringIO()
    shown = Console(file=screen, force_terminal=True, width=100, height=40)
    monkeypatch.setattr(
        "failoverctl.terminal.console", lambda stderr=False, **_: Console(stderr=True) if stderr else shown
    )
    if ends_by == "Ctrl-C":
        monkeypatch.setattr("failoverctl.actions.time.sleep", interrupted)
    region.outcome = lambda _: running()
    said = ctl("failover", "--reason", "x", "--yes", "--limit", "0.1")
    assert said.code == (Exit.INTERRUPTED if ends_by == "Ctrl-C" else Exit.UNFOLLOWED)
    kept = screen.getvalue().rsplit("\x1b[2K", 1)[-1]  # below the last line that was wiped
    assert "Begin" in kept
    assert "VerifyFence" in kept
    name = next(iter(region.executions)).rsplit(":", 1)[-1]
    told = " ".join(said.err.split())
    assert "it goes on" in told
    assert f"failoverctl watch --stack demo, or afterwards: failoverctl explain {name} --stack demo" in told
