"""`revoke_access` and `grant_access`: each asks the record for permission, reads back what it did; twice is once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from msfailover.adapters.clients import Throttled
from msfailover.decisions import fence
from msfailover.decisions.fence import NoReceipt
from msfailover.pair import FencedBy, PairState, Role
from msfailover.runtime import authority

from tests.functions.conftest import Start
from tests.functions.network import Network
from tests.functions.record import Record
from tests.samples import lease, receipt, state

CHANGE = lease()  # from ms1 to ms2
BY_POWER = replace(receipt(), by=FencedBy.POWER, access="not asked", sessions=())


@pytest.fixture
def access(run: Start, record: Record, network: Network) -> ModuleType:
    """`database_access` in front of a pair whose failover to ms2 is under way; the access group allows ms1 still."""
    record.put(state(lease=CHANGE))
    network.allow(network.access, cidr=f"{network.ms1_address}/32")
    return run("database_access", TABLE_NAME=record.name, ACCESS_GROUP_ID=network.access, **network.env())


def order(access: ModuleType, action: str, server: str, epoch: int = CHANGE.epoch) -> Any:
    return access.handler({"action": action, "server": server, "epoch": epoch}, None)


def test_the_old_servers_access_is_revoked_and_twice_is_once(access: ModuleType, network: Network) -> None:
    for _ in range(2):
        assert order(access, "revoke_access", "ms1")["answer"] == "no"
        assert network.admitted() == []


def test_a_rule_that_lets_it_in_through_another_address_goes_too(access: ModuleType, network: Network) -> None:
    network.allow(network.access, cidr=f"{network.ms1_second}/32")
    assert order(access, "revoke_access", "ms1")["answer"] == "no"
    assert network.admitted() == []


@pytest.mark.parametrize("protocol", ["tcp", "-1"])
def test_a_broad_rule_of_the_owners_is_named_after_access_is_revoked(
    access: ModuleType, network: Network, protocol: str
) -> None:
    network.allow(network.owners, cidr="10.0.0.0/8", protocol=protocol)
    answer = order(access, "revoke_access", "ms1")
    assert answer["answer"] == "yes"
    assert "10.0.0.0/8" in answer["sentence"]
    assert network.admitted() == []


def test_a_prefix_list_and_a_reference_of_the_owners_let_it_in_too(access: ModuleType, network: Network) -> None:
    network.allow(network.owners, group=network.ms1_group)
    assert order(access, "revoke_access", "ms1")["answer"] == "yes"
    network.allow(network.owners, prefix_list=network.prefix_list(f"{network.ms2_address}/32"))
    assert access.handler({"action": "status", "server": "ms2"}, None)["answer"] == "yes"


@pytest.mark.parametrize(
    ("record_says", "server", "epoch"),
    [
        (state(), "ms1", CHANGE.epoch),
        (state(lease=CHANGE), "ms1", CHANGE.epoch - 1),
        (state(lease=CHANGE), "ms2", CHANGE.epoch),
    ],
    ids=["no change", "another epoch", "its target"],
)
def test_nobodys_access_is_revoked_but_by_the_change_under_way(
    access: ModuleType, record: Record, network: Network, record_says: PairState, server: str, epoch: int
) -> None:
    record.put(record_says)
    with pytest.raises(NoReceipt, match="is left alone"):
        order(access, "revoke_access", server, epoch)
    assert network.admitted() == [f"{network.ms1_address}/32"]


@pytest.mark.parametrize(
    "record_says",
    [
        state(lease=CHANGE),
        state(lease=CHANGE, receipt=replace(receipt(), epoch=CHANGE.epoch - 1)),
        state(lease=CHANGE, receipt=replace(receipt(), server=CHANGE.target)),
        state(receipt=receipt()),
    ],
    ids=["no receipt", "of another epoch", "of another server", "no change"],
)
def test_without_a_valid_receipt_nobody_is_granted_access(
    access: ModuleType, record: Record, network: Network, record_says: PairState
) -> None:
    record.put(record_says)
    with pytest.raises(NoReceipt, match="ms2 is not granted access or started"):
        order(access, "grant_access", "ms2")
    assert network.admitted() == [f"{network.ms1_address}/32"]


def test_with_the_receipt_the_new_server_alone_is_granted_access_and_twice_is_once(
    access: ModuleType, record: Record, network: Network
) -> None:
    record.put(state(lease=CHANGE, receipt=receipt()))
    for _ in range(2):
        assert order(access, "grant_access", "ms2")["answer"] == "yes"
        assert network.admitted() == [f"{network.ms2_address}/32"]


def test_access_that_reads_granted_again_overrides_a_receipt_by_database(
    access: ModuleType, record: Record, network: Network
) -> None:
    record.put(state(lease=CHANGE, receipt=receipt()))
    network.allow(network.owners, cidr="10.0.0.0/8")
    with pytest.raises(fence.OtherServerCanGetIn, match=r"10\.0\.0\.0/8"):
        order(access, "grant_access", "ms2")
    assert network.admitted() == []


@pytest.mark.parametrize("read", ["membership", "interfaces_in_front", "inbound_rules"])
def test_a_throttled_read_is_no_finding_that_the_other_server_can_get_in(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """Taken for one it would halt the failover, which another try a moment later promotes."""
    record.put(state(lease=CHANGE, receipt=receipt()))

    def refuse(*_: object) -> None:
        raise Throttled({"Error": {"Code": "RequestLimitExceeded", "Message": "too many"}}, "Describe")

    with monkeypatch.context() as patched, pytest.raises(Throttled):
        patched.setattr(access.security_groups, read, refuse)
        order(access, "grant_access", "ms2")
    assert f"{network.ms2_address}/32" not in network.admitted()
    assert order(access, "grant_access", "ms2")["answer"] == "yes"


def test_a_server_without_power_needs_no_revoked_access_but_its_own_rule_goes(
    access: ModuleType, record: Record, network: Network
) -> None:
    record.put(state(lease=CHANGE, receipt=BY_POWER))
    network.allow(network.owners, cidr="10.0.0.0/8")
    network.ec2.stop_instances(InstanceIds=[network.ms1])
    assert order(access, "grant_access", "ms2")["answer"] == "yes"
    assert network.admitted() == [f"{network.ms2_address}/32"]


def test_a_server_whose_machine_is_on_again_overrides_a_receipt_by_power(
    access: ModuleType, record: Record, network: Network
) -> None:
    """Somebody has switched it on since: an execution that is redriven goes on where it stopped, days later."""
    record.put(state(lease=CHANGE, receipt=BY_POWER))
    with pytest.raises(fence.OtherServerCanGetIn, match="is running"):
        order(access, "grant_access", "ms2")
    assert network.admitted() == []


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "InternalError"])
def test_a_machine_that_ec2_does_not_tell_of_is_not_known_to_be_off(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    record.put(state(lease=CHANGE, receipt=BY_POWER))
    network.ec2.stop_instances(InstanceIds=[network.ms1])
    throttled = code == "RequestLimitExceeded"
    failure = (Throttled if throttled else ClientError)({"Error": {"Code": code, "Message": "no"}}, "DescribeInstances")

    def refuse(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(access.clients.ec2(), "describe_instances", refuse)
    with pytest.raises(Throttled if throttled else fence.OtherServerCanGetIn):
        order(access, "grant_access", "ms2")
    assert network.admitted() == []


def late(access: ModuleType, monkeypatch: pytest.MonkeyPatch, at: str, then: Callable[[], None]) -> None:
    """Have more than a second go by, and something happen, where an order comes to this call of the network's."""
    began, call = time.monotonic(), getattr(access.security_groups, at)

    def slow(*args: Any, **more: Any) -> Any:
        then()  # before the time goes by: who reads the record only then sees what has happened
        monkeypatch.setattr(time, "monotonic", lambda: began + 1000)
        return call(*args, **more)

    monkeypatch.setattr(access.security_groups, at, slow)


def test_a_grant_that_was_overtaken_while_it_read_grants_nothing(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change was turned round meanwhile: its own fence of ms2 rests on that nothing grants ms2 access any more."""
    record.put(state(lease=CHANGE, receipt=receipt()))
    turned = state(lease=replace(CHANGE, target=Role.MS1, epoch=CHANGE.epoch + 1))
    late(access, monkeypatch, "inbound_rules", lambda: record.put(turned))
    with pytest.raises(NoReceipt, match="is not the change under way"):
        order(access, "grant_access", "ms2")
    assert f"{network.ms2_address}/32" not in network.admitted()


def test_a_revoke_that_was_overtaken_takes_no_access_from_a_server_that_is_to_be_active_again(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = state(lease=replace(CHANGE, target=Role.MS1, epoch=CHANGE.epoch + 1))
    late(access, monkeypatch, "revoke_until_gone", lambda: record.put(turned))
    with pytest.raises(NoReceipt, match="ms1 is left alone"):
        order(access, "revoke_access", "ms1")
    assert network.admitted() == [f"{network.ms1_address}/32"]


def test_an_order_that_does_not_wait_reads_the_record_once(
    access: ModuleType, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(state(lease=CHANGE, receipt=receipt()))
    reads: list[int] = []
    read = access.PairTable.read

    def counted(table: Any) -> Any:
        reads.append(1)
        return read(table)

    monkeypatch.setattr(access.PairTable, "read", counted)
    monkeypatch.setattr(authority, "time", SimpleNamespace(monotonic=lambda: 0.0))  # however busy the machine is
    order(access, "grant_access", "ms2")
    assert len(reads) == 1


@pytest.mark.parametrize("owner", [False, True], ids=["", "an owner's rule allows it"])
@pytest.mark.parametrize("code", [500, 503, None], ids=["its own trouble", "unavailable", "no answer"])
def test_a_grant_that_ec2_did_not_take_is_tried_again_by_its_own_leave_only(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch, code: int | None, owner: bool
) -> None:
    """The client would send it again by itself, long after the record was read; the change may be turned by then.

    Without its own rule the server would lose its database the moment an owner takes the broad rule away.
    """
    record.put(state(lease=CHANGE, receipt=receipt()))
    if owner:
        network.allow(network.owners, cidr=f"{network.ms2_address}/32")
    client = access.clients.ec2_once()
    authorize, sent = client.authorize_security_group_ingress, list[int]()

    def fails_first(**request: Any) -> Any:
        sent.append(1)
        if len(sent) == 1:
            if code is None:
                raise ReadTimeoutError(endpoint_url="https://ec2")
            answer: Any = {"Error": {"Code": "Internal"}, "ResponseMetadata": {"HTTPStatusCode": code}}
            raise ClientError(answer, "AuthorizeSecurityGroupIngress")
        return authorize(**request)

    monkeypatch.setattr(client, "authorize_security_group_ingress", fails_first)
    assert client.meta.config.retries["total_max_attempts"] == 1
    assert order(access, "grant_access", "ms2")["answer"] == "yes"
    assert (len(sent), network.admitted()) == (2, [f"{network.ms2_address}/32"])


def test_a_grant_that_ec2_refuses_is_not_tried_again(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(state(lease=CHANGE, receipt=receipt()))
    sent = list[int]()

    def refuse(**_: Any) -> Any:
        sent.append(1)
        answer: Any = {"Error": {"Code": "UnauthorizedOperation"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise ClientError(answer, "AuthorizeSecurityGroupIngress")

    monkeypatch.setattr(access.clients.ec2_once(), "authorize_security_group_ingress", refuse)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        order(access, "grant_access", "ms2")
    assert len(sent) == 1
