"""What moves power, names or denials is sent once for each reading of the record: no client sends it again itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from msfailover.adapters import clients
from msfailover.decisions import transitions
from msfailover.decisions.fence import NoReceipt
from msfailover.pair import FencedBy, PairState, Role
from msfailover.runtime import authority
from msfailover.verdict import Verdict, no

from tests.functions.conftest import Start
from tests.functions.hosts import Hosts, succeeded
from tests.functions.network import Network
from tests.functions.record import Record
from tests.functions.zone import NAME, Zone
from tests.samples import lease, receipt, state

CHANGE = state(lease=lease(), receipt=receipt())
TURNED = state(lease=lease(target=Role.MS1, epoch=3))
"""The change was resumed the other way meanwhile."""
HOME = state(epoch=3)
"""... and has ended there."""


@contextmanager
def lost(made: list[Any], service: str, operation: str, meanwhile: Callable[[], object]) -> Iterator[list[str]]:
    """The first of these requests is lost on its way, and something happens meanwhile; returns what was sent."""
    sent: list[str] = []

    def lose(request: Any, **_: Any) -> None:
        sent.append(request.url)
        if len(sent) == 1:
            meanwhile()
            raise ReadTimeoutError(endpoint_url=request.url)

    event = f"before-send.{service}.{operation}"
    for client in made:
        client.meta.events.register_first(event, lose)
    try:
        yield sent
    finally:
        for client in made:
            client.meta.events.unregister(event, lose)


def test_a_move_whose_answer_was_lost_is_not_sent_again_once_the_change_was_turned(
    run: Start, record: Record, zone: Zone
) -> None:
    """The swap is compared with what was read, and the record may read so again: back at the old server."""
    zone.put("10.0.0.11")
    dns = run("dns", TABLE_NAME=record.name, HOSTED_ZONE_ID=zone.id, RECORD_NAME=NAME)
    record.put(CHANGE)
    every = [clients.route53(), clients.route53_once()]
    with lost(every, "route-53", "ChangeResourceRecordSets", lambda: record.put(HOME)), pytest.raises(NoReceipt):
        dns.handler({"action": "update_record", "server": "ms2", "epoch": 2}, None)
    assert zone.get() == (5, ["10.0.0.11"])


def test_a_move_whose_answer_was_lost_is_asked_for_again_while_its_change_goes_on(
    run: Start, record: Record, zone: Zone
) -> None:
    zone.put("10.0.0.11")
    dns = run("dns", TABLE_NAME=record.name, HOSTED_ZONE_ID=zone.id, RECORD_NAME=NAME)
    record.put(CHANGE)
    every = [clients.route53(), clients.route53_once()]
    with lost(every, "route-53", "ChangeResourceRecordSets", lambda: None) as sent:
        assert dns.handler({"action": "update_record", "server": "ms2", "epoch": 2}, None)["answer"] == "yes"
    assert (len(sent), zone.get()) == (2, (5, ["10.0.0.12"]))


@pytest.fixture
def server(run: Start, record: Record, network: Network, hosts: Hosts) -> ModuleType:
    """The function, before two machines of moto's."""
    return run("server", TABLE_NAME=record.name, **network.env())


def power_of(network: Network, instance: str) -> str:
    answer = network.ec2.describe_instances(InstanceIds=[instance])
    return answer["Reservations"][0]["Instances"][0]["State"]["Name"]


@pytest.mark.parametrize("now", [TURNED, HOME], ids=["turned", "home again"])
def test_no_machine_is_switched_off_that_is_to_serve_again_by_the_time_that_ec2_has_told_of_it(
    server: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch, now: PairState
) -> None:
    """What is read of the machine takes its time: EC2 is asked twice, each with the client's own tries."""
    record.put(state(lease=lease()))
    see = server.ec2_power.see

    def slowly(*asked: Any) -> Any:
        record.put(now)
        monkeypatch.setattr(time, "monotonic", lambda: 1e9)
        return see(*asked)

    monkeypatch.setattr(server.ec2_power, "see", slowly)
    with pytest.raises(NoReceipt):
        server.handler({"action": "power_off", "server": "ms1", "epoch": 2}, None)
    assert power_of(network, network.ms1) == "running"


def test_an_order_to_switch_off_whose_answer_was_lost_is_not_sent_again_by_the_client(
    server: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(state(lease=lease()))
    every = [clients.ec2(), clients.ec2_once()]

    def turned() -> None:  # an answer is waited for longer than what was read of the record stands
        record.put(HOME)
        monkeypatch.setattr(time, "monotonic", lambda: 1e9)

    with lost(every, "ec2", "StopInstances", turned) as sent, pytest.raises(NoReceipt):
        server.handler({"action": "power_off", "server": "ms1", "epoch": 2}, None)
    assert len(sent) == 1
    assert power_of(network, network.ms1) == "running"


def test_no_server_is_started_whose_change_was_turned_while_the_other_ones_power_was_read(
    server: ModuleType, record: Record, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_power = replace(receipt(), by=FencedBy.POWER, access="not asked", sessions=())
    record.put(state(lease=lease(), receipt=by_power))
    hosts.prepare("start", succeeded(service="running"))

    def slowly(*_: object) -> Verdict:
        record.put(HOME)
        return no("the instance of ms1 is stopped.")

    monkeypatch.setattr(server, "is_on", slowly)
    with pytest.raises(NoReceipt):
        server.handler({"action": "start_server", "server": "ms2", "epoch": 2}, None)
    assert hosts.commands == []


def test_a_denial_that_is_of_no_use_is_taken_out_by_a_call_that_is_sent_once(
    run: Start, record: Record, network: Network
) -> None:
    """Sent again later, it would take out whatever is denied under that number by then."""
    record.put(state())
    for acl in (0, 1):
        for egress in (False, True):
            network.write(acl, 30, f"{network.ms2_address}/32", egress=egress)
    network.write(1, 35, "10.0.0.99/32", egress=True)
    access = run("database_access", TABLE_NAME=record.name, ACCESS_GROUP_ID=network.access, **network.with_acls())
    every = [clients.ec2(), clients.ec2_once()]

    def changed() -> None:
        network.remove(1, 35, egress=True)
        network.write(1, 35, f"{network.ms1_second}/32", egress=True)

    with lost(every, "ec2", "DeleteNetworkAclEntry", changed):
        access.handler({"action": "keep_out", "server": "ms2"}, None)
    assert ("b", "out", 35, f"{network.ms1_second}/32") in network.denied()


def test_what_grants_access_can_not_take_effect_after_it_is_taken_for_settled() -> None:
    """From reading the record on: for as long as that stands, then to connect, then to be answered."""
    config: Any = clients.ec2_once().meta.config
    longest = authority.LASTS_S + config.connect_timeout + config.read_timeout
    assert longest <= transitions.GRANT_SETTLES_S
