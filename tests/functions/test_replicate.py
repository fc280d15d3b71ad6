"""`replicate`: when it sends, what it tells the host, how it learns what came of it, and what it publishes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import run_command
from msfailover.freshness import Freshness
from msfailover.pair import Role
from msfailover.request import BadRequest
from msfailover.verdict import unknown, yes

from tests.functions.answers import Answers
from tests.functions.conftest import Start
from tests.functions.hosts import NOT_YET, RUNNING, Hosts, failed, succeeded
from tests.functions.record import PAIR, Record
from tests.functions.wire import Failure
from tests.samples import lease, state

SCHEDULED = {"action": "scheduled"}
IMPORTED = {"source": "ms-failover", "detail-type": "Software Imported", "detail": {"pair": PAIR}}


@pytest.fixture
def replicate(run: Start, record: Record, hosts: Hosts) -> ModuleType:
    """The function, in front of a pair at rest: ms1 is active in epoch 4, and its host carries what it is told to."""
    record.put(state(epoch=4))
    hosts.prepare("replicate", complete())
    return run("replicate", TABLE_NAME=record.name, REPLICATE_LIMIT_SECONDS="10")


def complete(age_s: float = 0.0, **more: Any) -> dict[str, Any]:
    about = {"epoch": 4, "digest": "d1", "files": 7, "bytes": 700, "sent_bytes": 70, "seconds": 0.5, "config": "same"}
    return succeeded(**{"complete": True, "as_of": time.time() - age_s, **about, **more})


def ended(command: str) -> dict[str, Any]:
    """The event of a command's end; it says nothing of the result that could be believed."""
    detail = {"command-id": command, "document-name": "ms-failover-replicate", "status": "Success"}
    return {"detail-type": "EC2 Command Status-change Notification", "source": "aws.ssm", "detail": detail}


def published(told: str) -> dict[str, float]:
    """The metrics of the last line that carries any."""
    line = [json.loads(line) for line in told.splitlines() if '"CloudWatchMetrics"' in line][-1]
    return {name: value[0] for name, value in line.items() if isinstance(value, list)}


@dataclass
class Pauses:
    """A clock that the function's own pauses move on, and nothing else; `host` is what runs come to after each."""

    hosts: Hosts
    host: list[dict[str, Any]]
    made: list[float] = field(default_factory=list)

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return sum(self.made)

    def sleep(self, seconds: float) -> None:
        self.made.append(seconds)
        if self.host:
            self.hosts.prepare("replicate", self.host.pop(0))


def known(record: Record) -> Freshness:
    return record.table.freshness()


def test_the_active_server_of_the_record_is_told_its_epoch_its_standby_and_the_paths(
    replicate: ModuleType, hosts: Hosts
) -> None:
    assert replicate.handler(SCHEDULED, None)["answer"] == "yes"
    (command,) = hosts.commands
    assert command.instance == "i-00000000000000a01"
    assert command.parameters == {
        "Epoch": "4", "StandbyAddress": "10.0.0.12", "LimitSeconds": "10", "Mode": "changes",
        "MostRemovedPercent": "50",
        "SoftwarePaths": "/var/opt/ssh-mgmt/server/cds /var/opt/ssh-mgmt/server/dists", "ReplicateSoftware": "yes",
        "ConfigPath": "/etc/opt/ssh-mgmt/server",
    }  # fmt: skip


def test_the_direction_is_read_at_the_moment_of_sending(replicate: ModuleType, record: Record, hosts: Hosts) -> None:
    replicate.handler(SCHEDULED, None)
    replicate.handler(SCHEDULED, None)
    record.put(state(active=Role.MS2, epoch=5))
    replicate.handler(SCHEDULED, None)
    assert [(each.instance[-1], each.parameters["Epoch"]) for each in hosts.commands] == [
        ("1", "4"), ("1", "4"), ("2", "5")
    ]  # fmt: skip


@pytest.mark.parametrize("event", [SCHEDULED, IMPORTED, {"action": "dry_run"}, {"action": "verify"}])
def test_nothing_is_sent_during_a_failover_or_before_the_pair_is_in_care(
    replicate: ModuleType, record: Record, hosts: Hosts, event: dict[str, Any]
) -> None:
    for now in (state(epoch=4, lease=lease()), state(active=None, epoch=0)):
        record.put(now)
        answer = replicate.handler(event, None)
        assert answer["answer"] == "no"
        assert answer["sentence"].startswith("Nothing is replicated")
    assert hosts.commands == []


def test_a_run_that_still_goes_on_is_left_alone_and_one_that_was_lost_is_not(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    hosts.prepare("replicate", RUNNING)
    replicate.handler(SCHEDULED, None)
    assert "still goes on" in replicate.handler(SCHEDULED, None)["sentence"]
    assert len(hosts.commands) == 1
    record.table.change_freshness(lambda before: replace(before, sent_at=time.time() - 71))  # the limit, and a minute
    replicate.handler(SCHEDULED, None)
    assert len(hosts.commands) == 2


def test_a_run_is_known_to_have_begun_after_the_moment_before_its_order_however_long_the_answer_took(
    replicate: ModuleType, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = run_command.send
    answered = []

    def late(*args: Any) -> str:
        command = send(*args)
        answered.append(time.time())
        return command

    monkeypatch.setattr(run_command, "send", late)
    before = time.time()
    replicate.handler(SCHEDULED, None)
    assert before <= known(record).sent_at < answered[0]


def test_the_result_comes_by_event(replicate: ModuleType, record: Record, hosts: Hosts) -> None:
    replicate.handler(SCHEDULED, None)
    assert known(record).ended is False
    answer = replicate.handler(ended(hosts.commands[0].identity), None)
    assert answer["answer"] == "yes"
    assert (known(record).ended, known(record).digest, known(record).epoch) == (True, "d1", 4)


def test_without_the_event_the_result_is_polled_for(replicate: ModuleType, record: Record, hosts: Hosts) -> None:
    hosts.prepare("replicate", NOT_YET, complete())
    replicate.handler(SCHEDULED, None)
    replicate.handler(SCHEDULED, None)
    assert known(record).as_of == 0
    replicate.handler(SCHEDULED, None)
    assert known(record).as_of > 0


def test_an_event_of_another_command_is_not_taken_for_ours(replicate: ModuleType, record: Record) -> None:
    replicate.handler(SCHEDULED, None)
    assert replicate.handler(ended("somebody-elses"), None)["answer"] == "no"
    assert known(record).as_of == 0


@pytest.mark.parametrize(
    "result",
    [
        failed("rsync ended with code 23: the standby keeps its last complete set"),
        failed("", status="TimedOut"),
        succeeded(complete=False, outcome="busy", reason="another run", as_of=9e9),
        succeeded(complete="true", as_of=9e9),
        {"Status": "Success", "StandardOutputContent": "no result", "StandardErrorContent": ""},
    ],
)
def test_a_run_that_did_not_become_whole_makes_no_copy_fresher(
    replicate: ModuleType, record: Record, hosts: Hosts, result: dict[str, Any]
) -> None:
    replicate.handler(SCHEDULED, None)
    replicate.handler(ended(hosts.commands[-1].identity), None)
    before = known(record).as_of
    hosts.prepare("replicate", result)
    replicate.handler(SCHEDULED, None)
    replicate.handler(ended(hosts.commands[-1].identity), None)
    assert known(record).as_of == before
    assert known(record).ended is True


def test_an_import_is_carried_at_once_and_again_where_the_run_under_way_may_have_missed_it(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    hosts.prepare("replicate", RUNNING, complete())
    replicate.handler(IMPORTED, None)
    assert len(hosts.commands) == 1
    assert replicate.handler(IMPORTED, None)["sentence"].endswith("Another one follows it.")
    assert len(hosts.commands) == 1
    replicate.handler(ended(hosts.commands[0].identity), None)
    assert len(hosts.commands) == 2
    assert known(record).wanted is False


def test_what_is_published_is_the_age_of_the_last_whole_set(
    replicate: ModuleType, hosts: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    replicate.handler(SCHEDULED, None)
    assert "ReplicationAge" not in capsys.readouterr().out, "unknown is not zero"
    hosts.prepare("replicate", complete(age_s=50))
    replicate.handler(ended(hosts.commands[0].identity), None)
    told = published(capsys.readouterr().out)
    assert 50 <= told.pop("ReplicationAge") < 60
    assert told == {}, "a metric costs as much as a day of probes"


def test_a_switchovers_last_copy_is_waited_for_and_only_its_own_lease_lets_it_through(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    held = lease()
    record.put(state(epoch=4, lease=held))
    with pytest.raises(replicate.NotReplicated, match="Nothing is replicated while failover"):
        replicate.handler({"action": "now", "execution": held.execution}, None)
    record.put(state(epoch=4, lease=lease(action="switchover")))
    with pytest.raises(replicate.NotReplicated):
        replicate.handler({"action": "now", "execution": "another"}, None)
    assert hosts.commands == []
    hosts.prepare("replicate", NOT_YET, RUNNING, complete())
    answer = replicate.handler({"action": "now", "execution": held.execution}, None)
    assert answer["sentence"] == "The standby holds all of ms1 as of this moment (7 files)."
    hosts.prepare("replicate", succeeded(complete=False, reason="the standby's disk is too full"))
    with pytest.raises(replicate.NotReplicated, match="disk is too full"):
        replicate.handler({"action": "now", "execution": held.execution}, None)


def test_a_run_that_is_under_way_is_no_error_of_the_copy_that_is_waited_for(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    record.put(state(epoch=4, lease=lease(action="switchover")))
    busy = succeeded(complete=False, outcome="busy", reason="busy: another run is still going on; it is left alone")
    hosts.prepare("replicate", busy)
    handler = replicate.handler.within(clock=Pauses(hosts, [busy, complete()]))
    answer = handler({"action": "now", "execution": lease().execution}, None)
    assert answer["answer"] == "yes"
    assert len(hosts.commands) == 3
    assert (known(record).last or {})["complete"] is True


def test_a_run_that_never_ends_is_said_as_the_reason(replicate: ModuleType, record: Record, hosts: Hosts) -> None:
    record.put(state(epoch=4, lease=lease(action="switchover")))
    hosts.prepare("replicate", succeeded(complete=False, outcome="busy", reason="busy: another run is still going on"))
    clock = Pauses(hosts, [])
    with pytest.raises(replicate.NotReplicated, match="another run is still going on"):
        replicate.handler.within(clock=clock)({"action": "now", "execution": lease().execution}, None)
    assert clock.monotonic() == pytest.approx(10), "REPLICATE_LIMIT_SECONDS"
    assert len(hosts.commands) == 1 + len(clock.made)


def test_a_copy_from_a_server_that_is_lost_is_not_waited_for(
    replicate: ModuleType, record: Record, hosts: Hosts, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "LOST_EVERY_S", 0.05)
    held = lease(action="switchover")
    record.put(state(epoch=4, lease=held))
    hosts.prepare("replicate", RUNNING)
    silent = unknown("Nothing of ms1 comes back.", silent=True)
    there = yes("It is there.")
    answers.prepare("probe", "check_reachable", lambda asked: silent if asked["server"] == "ms1" else there)
    answers.prepare("server", "power", yes("its instance is running."))
    began = time.monotonic()
    with pytest.raises(run_command.SourceLost, match="ms1 is lost"):
        replicate.handler({"action": "now", "execution": held.execution}, None)
    assert time.monotonic() - began < 5, "its limit is 10 s and more"


def test_a_slow_copy_is_waited_for_while_its_source_is_there(
    replicate: ModuleType, record: Record, hosts: Hosts, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "LOST_EVERY_S", 0.05)
    held = lease(action="switchover")
    record.put(state(epoch=4, lease=held))
    hosts.prepare("replicate", RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, complete())
    answers.prepare("probe", "check_reachable", yes("ms1 can be reached."))
    assert replicate.handler({"action": "now", "execution": held.execution}, None)["answer"] == "yes"
    assert "check_reachable" in answers.actions("probe")


def test_whether_the_copy_is_fresh_is_answered_from_the_last_whole_set(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    assert replicate.handler({"action": "status"}, None)["answer"] == "unknown"
    for age_s, answer in ((60, "yes"), (90_000, "no")):
        record.table.change_freshness(partial(replace, as_of=time.time() - age_s, epoch=4))
        assert replicate.handler({"action": "status"}, None)["answer"] == answer
    record.put(state(active=Role.MS2, epoch=5))
    assert "the pair is in 5" in replicate.handler({"action": "status"}, None)["sentence"]


def test_the_deep_check_tells_drift_keeps_it_and_publishes_it(
    replicate: ModuleType, record: Record, hosts: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    drift = [{"name": "/var/opt/x", "differs": "content"}]
    hosts.prepare(
        "replication", RUNNING, succeeded(identical=False, drifted=1, drift=drift, files=7, reason="1 differs")
    )
    answer = replicate.handler({"action": "verify"}, None)
    assert answer["answer"] == "no"
    assert answer["evidence"]["drift"] == drift
    (command,) = hosts.commands
    assert command.parameters["Paths"].split() == [
        "/var/opt/ssh-mgmt/server/cds", "/var/opt/ssh-mgmt/server/dists", "/etc/opt/ssh-mgmt/server"
    ]  # fmt: skip
    assert published(capsys.readouterr().out)["ReplicationDrift"] == 1
    assert (known(record).deep or {})["drift"] == drift
    hosts.prepare("replication", succeeded(identical=True, drifted=0, files=7, reason="both hosts hold the same"))
    assert replicate.handler({"action": "verify"}, None)["answer"] == "yes"
    assert published(capsys.readouterr().out)["ReplicationDrift"] == 0


def test_a_deep_check_that_could_not_be_made_is_an_error_and_no_absence_of_drift(
    replicate: ModuleType, hosts: Hosts, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts.prepare("replication", failed("the standby does not answer"))
    with pytest.raises(replicate.NotVerified, match="the standby does not answer"):
        replicate.handler({"action": "verify"}, None)
    assert "ReplicationDrift" not in capsys.readouterr().out


def test_a_large_removal_is_carried_only_when_a_person_says_so_by_the_pairs_name(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    for word in ("", "yes", "another-pair"):
        with pytest.raises(Exception, match="the pair's name is needed"):
            replicate.handler({"action": "accept_removal", "confirm": word}, None)
    assert hosts.commands == []
    answer = replicate.handler({"action": "accept_removal", "confirm": PAIR}, None)
    assert answer["answer"] == "yes"
    assert hosts.commands[-1].parameters["MostRemovedPercent"] == "100"
    replicate.handler(SCHEDULED, None)
    assert hosts.commands[-1].parameters["MostRemovedPercent"] == "50", "for that run only"


def test_a_configuration_that_is_withheld_is_said_with_the_last_copy_of_a_switchover(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    record.put(state(epoch=4, lease=lease(action="switchover")))
    hosts.prepare("replicate", complete(config="withheld", config_withheld="versions differ"))
    answer = replicate.handler({"action": "now", "execution": lease().execution}, None)
    assert answer["sentence"].endswith("but the configuration is withheld: versions differ.")


def test_a_dry_run_names_what_would_travel_and_leaves_what_is_known_alone(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    before = known(record)
    hosts.prepare("replicate", succeeded(complete=False, outcome="dry-run", reason="1 names changed", names=["a"]))
    answer = replicate.handler({"action": "dry_run"}, None)
    assert answer["evidence"]["names"] == ["a"]
    assert hosts.commands[0].parameters["DryRun"] == "yes"
    assert known(record) == before


def test_a_host_that_can_not_be_told_raises_and_leaves_what_is_known(
    replicate: ModuleType, record: Record, hosts: Hosts
) -> None:
    hosts.refuse = Failure("InvalidInstanceId")
    with pytest.raises(Exception, match="InvalidInstanceId"):
        replicate.handler(SCHEDULED, None)
    assert known(record).command == ""


def test_what_nobody_understands_is_refused_by_name(replicate: ModuleType) -> None:
    for event in ({"action": "replicate"}, {}, {"action": "scheduled", "mode": "some"}, {"action": "collect"}):
        with pytest.raises(BadRequest, match="is needed"):
            replicate.handler(event, None)


def test_a_refusal_names_what_people_may_ask_for_and_not_what_events_do(replicate: ModuleType) -> None:
    with pytest.raises(BadRequest) as refused:
        replicate.handler({"action": "copy"}, None)
    assert str(refused.value) == (
        "action is 'copy', but one of scheduled, now, dry_run, verify, accept_removal, status, rights is needed."
    )
