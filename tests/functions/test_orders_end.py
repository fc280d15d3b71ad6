"""`server`: an order says until when it is good, is taken back when it is no longer awaited, and a stop is repeated."""

from __future__ import annotations

import time
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msfailover.adapters.clients import Throttled
from msfailover.adapters.run_command import CommandUnfinished, SourceLost
from msfailover.decisions.audit import NotToBeKeptOut
from msfailover.decisions.fence import NoReceipt
from msfailover.pair import FencedBy, PairState, Role
from msfailover.verdict import Verdict, no, unknown, yes

from tests.functions.answers import Answers, Asked
from tests.functions.conftest import Start
from tests.functions.hosts import RUNNING, Hosts, Result, failed, succeeded
from tests.functions.record import Record
from tests.functions.wire import Failure
from tests.samples import lease, receipt, state

PROVEN = state(lease=lease(), receipt=receipt())


@pytest.fixture
def server(run: Start, record: Record, hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function, which waits for a moment only."""
    module = run("server", TABLE_NAME=record.name, START_LIMIT_SECONDS="5", STATUS_LIMIT_SECONDS="2")
    result = module.run_command.result
    monkeypatch.setattr(module.run_command, "result", lambda *asked: result(*asked[:3], 0.1))
    return module


def order(server: ModuleType, action: str, to: str, epoch: int = 2) -> dict[str, Any]:
    answer: dict[str, Any] = server.handler({"action": action, "server": to, "epoch": epoch}, None)
    return answer


@pytest.mark.parametrize(
    ("action", "to", "lasts_s"),
    [("start_server", "ms2", 20), ("stop_source", "ms1", 47), ("ask_source_to_stop", "ms1", 60)],
)
def test_an_order_is_good_for_as_long_as_somebody_waits_for_it(
    server: ModuleType, record: Record, hosts: Hosts, action: str, to: str, lasts_s: int
) -> None:
    record.put(PROVEN)
    hosts.prepare("start", succeeded(service="running"))
    hosts.prepare("stop", succeeded(service="stopped"))
    before = time.time()
    order(server, action, to)
    (command,) = hosts.commands
    assert before + lasts_s - 1 <= int(command.parameters["NotAfter"]) <= time.time() + lasts_s
    assert command.delivery_limit_s == 30
    assert hosts.cancelled == []


@pytest.fixture
def there(answers: Answers, monkeypatch: pytest.MonkeyPatch, server: ModuleType) -> Answers:
    """Both hosts answer the probe, and EC2 calls the machines running."""
    monkeypatch.setattr(server, "is_on", lambda _, role: yes(f"The instance of {role} is running."))
    answers.prepare("probe", "check_reachable", yes("It can be reached."))
    return answers


def only_ms1_is_silent(asked: Asked) -> Verdict:
    silent = unknown("Nothing of ms1 comes back.", silent=True)
    return silent if asked["server"] == "ms1" else yes("ms2 can be reached.")


@pytest.mark.parametrize("said", [(RUNNING,), (Failure("InternalServerError"),), (failed("Undeliverable"),)])
def test_a_source_that_is_lost_while_it_stops_is_not_waited_for(
    server: ModuleType, record: Record, hosts: Hosts, there: Answers, said: tuple[Result, ...]
) -> None:
    record.put(PROVEN)
    hosts.prepare("stop", RUNNING)
    hosts.prepare("status", *said)
    there.prepare("probe", "check_reachable", only_ms1_is_silent)
    with pytest.raises(SourceLost, match="ms1 is lost"):
        order(server, "stop_source", "ms1")
    assert len(there.asked) == 3, "it is asked at the first pause"
    assert hosts.cancelled == [(hosts.commands[0].identity, hosts.commands[0].instance)]


def test_a_source_that_only_the_probe_does_not_see_is_waited_for(
    server: ModuleType, record: Record, hosts: Hosts, there: Answers
) -> None:
    record.put(PROVEN)
    hosts.prepare("stop", *[RUNNING] * 3, succeeded(service="stopped"))
    hosts.prepare("status", succeeded(service="running"))
    there.prepare("probe", "check_reachable", only_ms1_is_silent)
    assert order(server, "stop_source", "ms1")["answer"] == "yes"
    assert [each.instance for each in hosts.sent("status")] == [hosts.commands[0].instance] * len(hosts.sent("status"))


def test_a_machine_that_is_off_is_lost_whatever_its_host_has_said(
    server: ModuleType, record: Record, hosts: Hosts, there: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(PROVEN)
    hosts.prepare("stop", RUNNING)
    hosts.prepare("status", succeeded(service="running"))
    there.prepare("probe", "check_reachable", only_ms1_is_silent)
    monkeypatch.setattr(server, "is_on", lambda _, role: no(f"The instance of {role} is stopped."))
    with pytest.raises(SourceLost, match="ms1 is lost"):
        order(server, "stop_source", "ms1")


def test_where_the_host_can_not_even_be_asked_the_probe_decides(
    server: ModuleType, record: Record, hosts: Hosts, there: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(PROVEN)
    hosts.prepare("stop", RUNNING)
    there.prepare("probe", "check_reachable", only_ms1_is_silent)
    sent = server.run_command.send

    def refused(*asked: Any) -> str:
        if str(asked[2]).endswith("status"):
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "SendCommand")
        return str(sent(*asked))

    monkeypatch.setattr(server.run_command, "send", refused)
    with pytest.raises(SourceLost, match="ms1 is lost"):
        order(server, "stop_source", "ms1")


@pytest.mark.parametrize("other", [unknown("Nothing.", silent=True, cut_off=True), unknown("The probe failed.")])
def test_a_source_that_may_be_there_is_waited_for(
    server: ModuleType, record: Record, hosts: Hosts, there: Answers, other: Verdict
) -> None:
    record.put(PROVEN)
    hosts.prepare("stop", *[RUNNING] * 3, succeeded(service="stopped"))
    there.prepare("probe", "check_reachable", other)
    assert order(server, "stop_source", "ms1")["answer"] == "yes"


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(("action", "to"), [("start_server", "ms2"), ("stop_source", "ms1")])
def test_an_order_whose_step_gives_up_is_taken_back(
    server: ModuleType, record: Record, hosts: Hosts, monkeypatch: pytest.MonkeyPatch, action: str, to: str
) -> None:
    for limit in ("KILL_S", "MARGIN_S"):
        monkeypatch.setattr(server, limit, 0)
    settings = replace(server.handler.context.settings, stop_grace_s=1)
    monkeypatch.setattr(server, "handler", server.handler.within(settings=settings))
    record.put(PROVEN)
    hosts.prepare(action.split("_")[0], RUNNING)
    with pytest.raises(CommandUnfinished):
        order(server, action, to)
    assert hosts.cancelled == [(hosts.commands[0].identity, hosts.commands[0].instance)]


def test_an_order_that_can_not_be_taken_back_is_still_told_as_unfinished(
    server: ModuleType, record: Record, hosts: Hosts
) -> None:
    record.put(PROVEN)
    hosts.prepare("start", RUNNING)
    hosts.refuse_cancel = Failure("InternalServerError")
    with pytest.raises(CommandUnfinished):
        order(server, "start_server", "ms2")


@pytest.mark.parametrize(
    ("record_says", "epoch"),
    [(state(active=Role.MS2, epoch=2), 2), (PROVEN, 2), (state(active=Role.MS2, epoch=5), 5)],
    ids=["at rest", "its fence is proven", "in a later epoch"],
)
def test_a_server_that_must_be_out_is_told_to_stop_as_often_as_it_takes(
    server: ModuleType, record: Record, hosts: Hosts, record_says: PairState, epoch: int
) -> None:
    record.put(record_says)
    hosts.prepare("stop", RUNNING)
    assert order(server, "stop_again", "ms1", epoch)["answer"] == "unknown"
    hosts.prepare("stop", succeeded(service="stopped"))
    assert order(server, "stop_again", "ms1", epoch)["answer"] == "yes"
    assert [each.parameters["KeepRole"] for each in hosts.commands] == ["no", "no"]
    assert hosts.cancelled == [], "it is wanted for as long as the record says so"


@pytest.mark.parametrize(
    ("record_says", "to", "epoch"),
    [
        (state(), "ms1", 1),
        (state(), "ms2", 2),
        (state(lease=lease()), "ms1", 2),
        (PROVEN, "ms2", 2),
        (PROVEN, "ms1", 1),
        (PairState(), "ms2", 1),
    ],
    ids=["active", "another epoch", "not proven", "the target", "the epoch before", "nobody is active"],
)
def test_nobody_else_is_told_to_stop(
    server: ModuleType, record: Record, hosts: Hosts, record_says: PairState, to: str, epoch: int
) -> None:
    record.put(record_says)
    with pytest.raises(NotToBeKeptOut, match="is left alone"):
        order(server, "stop_again", to, epoch)
    assert hosts.commands == []


def test_a_late_start_is_not_even_sent(server: ModuleType, record: Record, hosts: Hosts) -> None:
    record.put(state(epoch=3))
    with pytest.raises(NoReceipt):
        order(server, "start_server", "ms2")
    assert hosts.commands == []


@pytest.mark.parametrize(
    ("power", "starts"),
    [
        (no("the instance of ms1 is stopped."), True),
        (yes("the instance of ms1 is running."), False),
        (unknown("EC2 does not say."), False),
        (unknown("EC2 does not say.", throttled=True), False),
    ],
    ids=["off", "on again", "not known", "throttled"],
)
def test_by_a_proof_of_power_a_server_is_started_only_while_the_other_ones_machine_is_off(
    server: ModuleType, record: Record, hosts: Hosts, monkeypatch: pytest.MonkeyPatch, power: Verdict, starts: bool
) -> None:
    """A start is tried again for minutes, and an execution can be redriven days later: it is read in that moment."""
    record.put(state(lease=lease(), receipt=replace(receipt(), by=FencedBy.POWER, access="not asked", sessions=())))
    monkeypatch.setattr(server, "is_on", lambda _, role: power if role is Role.MS1 else yes("ms2 is on."))
    hosts.prepare("start", succeeded(service="running"))
    if starts:
        assert order(server, "start_server", "ms2")["answer"] == "yes"
    else:
        with pytest.raises(Throttled if power.evidence else NoReceipt):
            order(server, "start_server", "ms2")
    assert len(hosts.commands) == int(starts)


@pytest.mark.parametrize(
    ("said", "answer"), [("reachable", "yes"), ("unreachable", "no"), ("unasked", "unknown"), (None, "unknown")]
)
def test_a_host_says_whether_it_can_connect_to_the_database(
    server: ModuleType, hosts: Hosts, said: str | None, answer: str
) -> None:
    hosts.prepare("status", succeeded(service="running", database=said))
    found = server.handler({"action": "reaches", "server": "ms1"}, None)
    assert found["answer"] == answer
    assert hosts.commands[0].parameters["Database"] == "database.corp.example 5432"


def test_a_host_that_does_not_answer_says_nothing_of_the_database(server: ModuleType, hosts: Hosts) -> None:
    for result in (RUNNING, failed("It can't.")):
        hosts.prepare("status", result)
        assert server.handler({"action": "reaches", "server": "ms1"}, None)["answer"] == "unknown"


@pytest.mark.parametrize(
    ("record_says", "ms2", "ms1", "answer"),
    [
        (state(), 1, 1, "yes"),
        (state(), 2, 1, "no"),
        (state(), 999999999999999, 1, "no"),
        (state(lease=lease()), 2, 99, "yes"),
        (state(lease=lease()), 3, 1, "no"),
        (state(lease=lease(action="switchover")), 1, 1, "yes"),
        (state(lease=lease(action="switchover")), 1, 3, "no"),
    ],
)
def test_a_standby_whose_orders_would_be_refused_is_not_fit(
    server: ModuleType, record: Record, hosts: Hosts, monkeypatch: pytest.MonkeyPatch,
    record_says: PairState, ms2: int, ms1: int, answer: str,
) -> None:  # fmt: skip
    record.put(record_says)
    monkeypatch.setattr(server, "is_on", lambda *_: yes("Its machine is on."))
    said = {"ms1": ms1, "ms2": ms2}
    monkeypatch.setattr(server, "_status", lambda _, role: {"service": "stopped", "epoch": said[role]})
    assert server.handler({"action": "check_standby", "server": "ms2"}, None)["answer"] == answer


@pytest.mark.parametrize(
    ("found", "error"), [("unreachable", "DatabaseAway"), ("reachable", "CommandFailed"), ("unknown", "CommandFailed")]
)
def test_a_start_that_fails_while_its_host_has_no_database_says_so_under_a_name_of_its_own(
    server: ModuleType, record: Record, hosts: Hosts, found: str, error: str
) -> None:
    record.put(PROVEN)
    hosts.prepare("start", failed("ssh-mgmt-server did not start (exit 1): no connection"))
    hosts.prepare("status", succeeded(service="stopped", database=found))
    with pytest.raises(Exception, match="did not start") as raised:
        order(server, "start_server", "ms2")
    assert type(raised.value).__name__ == error
