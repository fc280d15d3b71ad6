"""What is set without moving the pair, and what is read afterwards: history, explain, readiness."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msfailover.chain import ChainHead, digest_of, linked
from msfailover.signatures import Signature

from failoverctl.commands import parse_period
from failoverctl.errors import CommandError, Exit
from tests.failoverctl.conftest import Run
from tests.failoverctl.region import PAIR, RUNS, T0, WHO, Region, change, ended, lease, running, signed


@pytest.mark.parametrize(
    ("line", "payload"),
    [
        (("acknowledge",), {"action": "acknowledge", "epoch": 1}),
        (("mode", "shadow"), {"action": "set_mode", "mode": "shadow", "was": "automatic"}),
        (("maintenance", "on", "--for", "2h"), {"action": "maintenance", "seconds": 7200, "was": 0}),
        (("maintenance", "off"), {"action": "maintenance", "seconds": 0, "was": 0}),
    ],
)
def test_a_setting_is_handed_to_the_pair_with_the_name_of_who_sets_it(
    ctl: Run, region: Region, line: tuple[str, ...], payload: dict[str, object]
) -> None:
    region.items["state"] |= {"acknowledged": False}
    said = ctl(*line, "--by", "ann", "--yes")
    assert said.code == 0
    assert region.invoked == [("pair", {**payload, "requested_by": f"ann ({WHO})"})]
    assert "is done." in said.out
    assert ctl(*line, "--by", "ann", "--yes", "--json").json()["answer"] == "yes"


@pytest.mark.parametrize("line", [("on",), ("on", "--for", "soon"), ("on", "--for", "31d"), ("on", "--for", "0s")])
def test_maintenance_has_an_end_that_can_be_understood(ctl: Run, region: Region, line: tuple[str, ...]) -> None:
    said = ctl("maintenance", *line, "--yes")
    assert said.code == Exit.USAGE
    assert region.invoked == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("90m", 5400), ("2h", 7200), ("1h30m", 5400), ("3d", 259200)]
)
def test_a_period_is_written_as_people_say_it(text: str, seconds: int) -> None:
    assert parse_period(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 h", "-2h", "2w", "1.5h"])
def test_what_is_no_period_is_said_so(text: str) -> None:
    with pytest.raises(CommandError, match="is no period"):
        parse_period(text)


def test_with_nothing_to_acknowledge_nothing_is_done(ctl: Run, region: Region) -> None:
    said = ctl("acknowledge")
    assert (said.code, said.out.strip()) == (0, "No acknowledgement is outstanding; nothing was done.")
    assert region.invoked == []


def test_what_the_function_does_not_accept_is_the_caller_s_mistake(ctl: Run, region: Region) -> None:
    region.functions["pair", "set_mode"] = {"errorType": "BadRequest", "errorMessage": "mode is not one of …"}
    said = ctl("mode", "manual", "--yes")
    assert said.code == Exit.USAGE
    assert "Not done: mode is not one of …" in said.err


def test_a_function_that_fails_is_told_with_its_own_words_and_where_its_log_is(ctl: Run, region: Region) -> None:
    region.items["state"] |= {"acknowledged": False}
    region.functions["pair", "acknowledge"] = {"errorMessage": "Task timed out after 75.00 seconds"}
    said = ctl("acknowledge", "--yes")
    assert said.code == Exit.CANNOT_ASK
    assert "The function pair failed: Task timed out after 75.00 seconds" in said.err
    assert "/aws/lambda/demo-pair" in said.err


def test_history_is_newest_first_over_all_pages_and_no_longer_than_asked_for(ctl: Run, region: Region) -> None:
    region.history = [change("stood-down", T0 + number, epoch=9 - number) for number in range(5)]
    found = ctl("history", "--json", "--most", "3").json()
    assert [each["ended_at"] - T0 for each in found] == [4, 3, 2]
    assert "stood-down" in ctl("history").out


def test_history_shows_a_note_as_what_it_is(ctl: Run, region: Region) -> None:
    note = change("noted", T0, action="acknowledge", source="ms2", target="ms2", reason="", sentence="Acknowledged.")
    region.history = [note]
    out = ctl("history").out
    assert "→" not in out
    assert "Acknowledged." in out


def chained(region: Region, number: int) -> None:
    head = ChainHead()
    for each in range(number):
        body = change("stood-down", T0 + each, pair=PAIR, item=f"history#{each}", sentence="It answers.\u0007")
        line, head = linked(body, head)
        region.history.append(line)
    region.items["state"]["chain"] = head.to_json()


def test_a_history_that_nobody_touched_is_unbroken_over_all_pages_with_every_character(
    ctl: Run, region: Region
) -> None:
    chained(region, 5)
    said = ctl("history", "--verify")
    assert said.code == 0
    assert "Unbroken from line 1 (2026-09-21 14:13:20 UTC, failover, stood-down) to line 5 (" in said.flat
    found = ctl("history", "--verify", "--json").json()
    assert found["evidence"]["digests"]["5"] == found["head"]["digest"]
    assert found["head"]["digest"] in said.out


def test_a_line_that_was_edited_is_named_and_is_something_for_a_person(ctl: Run, region: Region) -> None:
    chained(region, 3)
    region.history[1]["requested_by"] = "otto"
    said = ctl("history", "--verify")
    assert said.code == Exit.NOT_WELL
    assert "Edited: line 2 (2026-09-21" in said.flat
    assert ctl("history", "--verify", "--csv").code == Exit.USAGE


def sign(region: Region, number: int, at: float) -> None:
    region.parameters = {"HistorySigningKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/k"}
    digest = digest_of(region.history[number - 1])
    made = Signature(PAIR, number, digest, at)
    region.signatures.append(replace(made, signature=signed(made.message)).to_json())


def test_a_signed_history_is_one_that_its_key_has_vouched_for_when_it_was_written(ctl: Run, region: Region) -> None:
    chained(region, 3)
    for number in (2, 3):
        sign(region, number, T0 + number)
    said = ctl("history", "--verify")
    assert said.code == 0
    assert "Signed from line 1 (" in said.flat
    region.signatures[0]["signature"] = region.signatures[1]["signature"]
    said = ctl("history", "--verify", "--json")
    assert said.code == Exit.NOT_WELL
    assert said.json()["signed"]["sentence"] == "The signature of number 2 was not made with the key."
    region.signatures = [{"number": 1}]
    assert "is no signature" in ctl("history", "--verify").flat
    region.signatures = []
    assert ctl("history", "--verify").code == Exit.NOT_WELL
    sign(region, 3, T0 + 3)
    region.denied.add("Verify")
    said = ctl("history", "--verify")
    assert said.code == Exit.CANNOT_ASK
    assert "verify a signature" in said.err


def test_a_history_put_back_to_an_earlier_state_is_shown_by_the_signatures_that_are_left(
    ctl: Run, region: Region
) -> None:
    chained(region, 2)
    earlier = region.items["state"]["chain"]
    region.history.clear()
    chained(region, 4)
    for number in (2, 4):
        sign(region, number, T0 + number)
    assert ctl("history", "--verify").code == 0
    del region.history[2:]
    region.items["state"]["chain"] = earlier
    said = ctl("history", "--verify")
    assert said.code == Exit.NOT_WELL
    assert "The history was cut off: number 4 was signed 2026-09-21" in said.flat
    region.history.clear()
    del region.items["state"]["chain"]
    assert ctl("history", "--verify").code == Exit.NOT_WELL, "with nothing left of it, too"


def test_no_history_is_no_error(ctl: Run) -> None:
    said = ctl("history")
    assert (said.code, said.out.strip()) == (0, "The pair has no history yet.")
    assert ctl("history", "--json").json() == []


def test_explain_says_step_by_step_where_the_seconds_went(ctl: Run, region: Region) -> None:
    region.executions[f"{RUNS}:one"] = ended("promoted")
    said = ctl("explain")
    assert said.code == 0
    assert "Longest: VerifyFence 1.50 s, Begin 0.50 s; 0.50 s in no step at all." in said.flat
    assert "promoted after 2.50 s: So it ended." in said.flat
    found = ctl("explain", "one", "--json").json()
    assert found["took_s"] == 2.5
    assert [(each["name"], each["start"], each["end"], each["said"]) for each in found["steps"]] == [
        ("Begin", 0.0, 0.5, ""),
        ("VerifyFence", 0.5, 2.0, "ms1 is out."),
    ]


def test_without_a_name_explain_takes_the_halted_change_before_the_latest_execution(ctl: Run, region: Region) -> None:
    region.executions = {f"{RUNS}:halted": ended("halted", "No start."), f"{RUNS}:later": ended("refused")}
    assert ctl("explain", "--json").json()["execution"].endswith(":later")
    region.items["state"] |= {"lease": lease("halted"), "halted": "No start."}
    assert ctl("explain", "--json").json()["execution"].endswith(":halted")


def test_an_execution_that_still_runs_can_be_explained(ctl: Run, region: Region) -> None:
    region.executions[f"{RUNS}:one"] = running()
    found = ctl("explain", "one", "--json").json()
    assert found["outcome"] == "running"
    assert found["steps"][-1]["end"] is None
    assert ctl("explain").code == 0


def test_what_step_functions_has_forgotten_is_explained_from_the_pair_s_history(ctl: Run, region: Region) -> None:
    region.history = [change("promoted", T0)]
    found = ctl("explain", f"failover-{T0:.0f}", "--json").json()
    assert found["outcome"] == "promoted"
    assert [each["name"] for each in found["steps"]] == ["VerifyFence"]


def test_an_execution_that_nobody_knows_is_said_so(ctl: Run) -> None:
    said = ctl("explain", "nothing")
    assert said.code == Exit.CANNOT_ASK
    assert "Execution Does Not Exist" in said.err
    assert "Nor is it in the pair's history" in said.err
    assert ctl("explain").code == Exit.NOT_DONE


CHECKS = [
    {"name": "standby is fit", "answer": "yes", "sentence": "ms2 is fit.", "remedy": ""},
    {"name": "clocks agree", "answer": "no", "sentence": "ms2 +90 s.", "remedy": "Let both follow a time server."},
]


def test_readiness_asks_now_and_says_what_to_do_about_a_no(ctl: Run, region: Region) -> None:
    region.functions["readiness", "check"] = {"answer": "no", "sentence": "Not ready.", "at": T0, "checks": CHECKS}
    said = ctl("readiness")
    assert said.code == Exit.NOT_WELL
    assert "→ Let both follow a time server." in said.out
    assert "Not ready." in said.out
    assert ctl("readiness", "--json").json()["checks"] == CHECKS


def test_the_last_check_is_read_and_not_made(ctl: Run, region: Region) -> None:
    region.items["readiness"] = {"answer": "yes", "sentence": "Ready.", "at": T0, "checks": CHECKS[:1]}
    assert ctl("readiness", "--last").code == 0
    assert region.invoked == []
    del region.items["readiness"]
    assert ctl("readiness", "--last").code == Exit.NOT_WELL
