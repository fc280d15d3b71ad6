"""An operator at a real testbed: every command, every function's event, and the runbook's exercise, word for word."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.failoverctl.pages import OPERATE, ROOT
from tests.failoverctl.running_testbed import Terminal, running_testbed
from tests.template.test_dashboard import shown, watched

pytestmark = pytest.mark.testbed(outside=True)
CTL = "bin/failoverctl"
FUNCTIONS = sorted(each.parent.name for each in (ROOT / "functions").glob("*/app.py"))
SWITCHED_OFF = "game_day"  # without GameDaySchedule
ENDINGS = {
    "adopt.json": "adopted already",
    "failover.json": "ms1 is healthy",
    "resume.json": "nothing to resume",
}
"""What a pair at rest says to the requests in events/ that are not asked for in a dry run below."""


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with running_testbed(tmp_path_factory.mktemp("kept")) as found:
        yield found


def test_status_sees_the_real_pair(terminal: Terminal) -> None:
    found = json.loads(terminal.type(f"{CTL} status --json --testbed").out)
    assert found["record"]["active"] == found["name"]["points_to"] == "ms1"
    assert found["servers"]["ms1"]["observation"]["admin"] == "answers"
    assert {role: found["servers"][role]["access"]["answer"] for role in ("ms1", "ms2")} == {"ms1": "yes", "ms2": "no"}
    assert {role: found["servers"][role]["sessions"]["answer"] for role in ("ms1", "ms2")} == {
        "ms1": "yes",
        "ms2": "no",
    }
    assert 0 <= found["replication"]["age_s"] < 300
    assert found["last_change"]["action"] == "adopt"
    assert not [each for each in found["alarms"] if each["state"] == "MISSING"]


def test_init_reads_the_testbed_s_account(terminal: Terminal, tmp_path: Path) -> None:
    """What it does not find there is not there: the database is an interface without a machine, and has no endpoint."""
    seen = json.loads(terminal.type(f"{CTL} status --json --testbed").out)
    ids = {role: seen["servers"][role]["instance"] for role in ("ms1", "ms2")}
    name, file = seen["name"]["record"], tmp_path / "samconfig.toml"
    which = f"--ms1 {ids['ms1']} --ms2 {ids['ms2']} --database tectia --record {name} --admin-tls-name {name}"
    done = terminal.type(f"{CTL} init {which} --config-file {file} --json --testbed")
    found = json.loads(done.out)
    given = {name: each["value"] for name, each in found["parameters"].items()}
    assert {role: given[f"{role.capitalize()}HostNames"] for role in ids} == {"ms1": "ms1", "ms2": "ms2"}
    assert given["RecordName"] == name
    assert [each["name"] for each in found["obstacles"]] == ["no-secret-endpoint"]
    assert {each["name"] for each in found["missing"] if each["needed"]} == {
        "DatabaseHost", "DatabaseName", "DatabaseSecretArn", "DatabaseEngine",
    }  # fmt: skip
    assert f'"Ms1InstanceId={ids["ms1"]}"' in file.read_text()


@pytest.mark.parametrize("function", [each for each in FUNCTIONS if each != SWITCHED_OFF])
def test_every_function_answers_its_event(terminal: Terminal, function: str) -> None:
    done = terminal.type(f"make invoke FUNCTION={function}")
    assert done.code == 0, done.out
    assert isinstance(json.loads(done.out), dict)


def test_a_function_that_a_parameter_switches_on_is_not_there_without_it(terminal: Terminal) -> None:
    assert SWITCHED_OFF in FUNCTIONS
    done = terminal.type(f"make invoke FUNCTION={SWITCHED_OFF}")
    assert done.code != 0
    assert "has no function testbed-game-day" in done.out
    assert "Traceback" not in done.out


@pytest.mark.parametrize("event", ENDINGS)
def test_a_request_from_events_is_evaluated_and_touches_nothing_where_all_is_well(
    terminal: Terminal, event: str
) -> None:
    done = terminal.type(f"make failover EVENT=events/{event}")
    assert done.code == 0, done.out
    assert ENDINGS[event] in done.out


def test_a_dry_run_of_a_verb_says_what_would_come_of_it(terminal: Terminal) -> None:
    verbs = {"failover": ("stood-down", 3), "force": ("promoted", 0), "switchover": ("promoted", 0)}
    answers = terminal.ctl(*(f"{verb} --reason why --by ann --dry-run --json" for verb in verbs))
    for done, (would, code) in zip(answers, verbs.values(), strict=True):
        found = json.loads(done.out)
        assert (done.code, found["outcome"], found["would"]) == (code, "dry-run", would)
        assert found["checks"]


def test_settings_are_kept_and_shown_and_taken_back(terminal: Terminal) -> None:
    by = "--yes --by ann"
    *kept, shown, mode, maintenance, history = terminal.ctl(
        f"mode manual {by}", f"maintenance on --for 2h {by}", f"acknowledge {by}", "status",
        f"mode automatic {by}", f"maintenance off {by}", "history --json",
    )  # fmt: skip
    assert [done.code for done in (*kept, mode, maintenance)] == [0] * 5
    assert shown.code == 1
    assert "The mode is manual: nothing fails over by itself." in shown.flat
    assert "Maintenance until" in shown.flat
    noted = [each["action"] for each in json.loads(history.out) if each["requested_by"].startswith("ann (arn:aws:sts:")]
    assert noted == ["maintenance", "set_mode", "maintenance", "set_mode"], "there was nothing to acknowledge"


def test_what_was_done_is_explained_with_its_times(terminal: Terminal) -> None:
    (done,) = terminal.ctl("explain adopt --json")
    found = json.loads(done.out)
    assert found["outcome"] == "promoted"
    steps = {each["name"]: each for each in found["steps"]}
    assert steps["VerifyFence"]["said"].startswith("ms2 is out")
    assert 0 < steps["VerifyFence"]["start"] < steps["VerifyFence"]["end"] <= found["took_s"]


ROUNDS_AT_MOST = 5


METRICS = """
import json
from failoverctl.account import Account
from lab.testbed.join_network import join
testbed = join()
client = Account(None, testbed["region"], testbed["endpoint"]).client("cloudwatch")
found = client.get_paginator("list_metrics").paginate(Namespace="MsFailover").search("Metrics[]")
print(json.dumps([[each["MetricName"], {d["Name"]: d["Value"] for d in each["Dimensions"]}] for each in found]))
"""


NOT_HERE = ("ModeNotAutomatic", "InMaintenance", "Unacknowledged", "RecoverySeconds")
"""Sent only while a person has left something open, or after a change; there was none here, and tests/functions has
them."""


def test_every_metric_of_the_dashboard_and_the_alarms_arrives(terminal: Terminal) -> None:
    compared = terminal.type("make invoke FUNCTION=replicate EVENT=events/replicate_verify.json")  # else once a day
    assert compared.code == 0, compared.out
    done = terminal.type(f"{sys.executable} - <<'END'{METRICS}END")
    assert done.code == 0, done.out
    arrived = {(name, where["Pair"], where["service"]) for name, where in json.loads(done.out)}
    wanted = {
        (name, "testbed", dict(dimensions)["service"])
        for namespace, name, dimensions in [*shown(), *watched()]
        if namespace == "MsFailover" and name not in NOT_HERE
    }
    assert len(wanted) >= 12
    assert wanted - arrived == set()


def exercise() -> list[str]:
    """The lines of "Try it, before you need it" in docs/operate.md, in order."""
    text = OPERATE.read_text().partition("## Try it, before you need it")[2].partition("\n## ")[0]
    blocks = [block for block in text.split("```")[1::2] if block.startswith("console\n")]
    return [line for block in blocks for line in block.splitlines()[1:] if line]


EXPECTED: dict[str, tuple[set[int], str]] = {
    "make fault DO=\"no-start standby\"": ({0}, "The service of ms2 will not start"),
    "make fault DO=\"kill active\"": ({0}, "The server process of ms1 is killed"),
    f"{CTL} watch --for 5s --testbed": ({0}, "failover to ms2 was halted"),
    f"{CTL} explain --testbed": ({0}, "StartServer"),
    f"{CTL} resume --reason \"not mended yet\" --dry-run --testbed": ({0}, "would be promoted"),
    f"{CTL} resume --reason \"ms2 starts again\" --yes --testbed": ({0}, "promoted: ms2 is active"),
    f"{CTL} history --testbed": ({0}, "resume ms1 → ms2: promoted"),
}  # fmt: skip
"""What the exercise must show, line by line; of the others it is enough that they run."""


def test_from_a_halted_failover_to_a_working_pair_by_the_runbook_alone(terminal: Terminal) -> None:
    lines = exercise()
    assert set(EXPECTED) <= set(lines)
    for line in lines:
        codes, words = EXPECTED.get(line, ({0, 1}, ""))
        done = terminal.type(line)
        for _ in range(ROUNDS_AT_MOST if " watch " in line else 0):
            if words in done.flat:
                break
            done = terminal.type(line)  # a busy machine is slower than the page says
        assert done.code in codes, f"{line}\n{done.out}"
        assert words in done.flat, f"{line}\n{done.out}"
        assert "stackTrace" not in done.out
    told = terminal.log.read_text()
    assert "notification: [ms-failover testbed] failover halted" in told
    assert "Command: failoverctl resume" in told
    found = json.loads(terminal.type(f"{CTL} status --json --testbed").out)
    assert (found["record"]["active"], found["record"]["lease"], found["name"]["points_to"]) == ("ms2", None, "ms2")


def test_make_failover_kills_the_active_server_and_moves_the_pair(terminal: Terminal) -> None:
    done = terminal.type("make failover")
    assert done.code == 0, done.out
    assert "The server process of ms2 is killed." in done.out
    assert "promoted: ms1 is active" in done.flat
    followed = done.out.rpartition("is followed: ")[2]  # the watchdog may have been faster, and this one refused
    steps = re.findall(r"^ *[0-9.]+ s +[0-9.]+ s  (\w+)", followed, re.MULTILINE)
    assert {"Begin", "VerifyFence", "StartServer", "VerifyPromotion"} <= set(steps)
    assert steps.count("Begin") == steps.count("StartServer") == 1
    assert terminal.type("make ctl ARGS=status").flat.partition("testbed: ms1 serves")[1]
