"""`database_access` and the network ACLs: deny, lift and read back, in every subnet of the database."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from msfailover.decisions import fence
from msfailover.decisions.audit import NotToBeKeptOut
from msfailover.decisions.fence import NoReceipt
from msfailover.pair import FencedBy

from tests.functions.conftest import Start
from tests.functions.network import Network
from tests.functions.record import Record
from tests.samples import lease, receipt, state

CHANGE = lease()  # from ms1 to ms2
BY_NETWORK = replace(receipt(), by=FencedBy.NETWORK, access="denied", sessions=())
FIRST_OF_MS2 = 30


@pytest.fixture
def access(run: Start, record: Record, network: Network) -> ModuleType:
    """`database_access` in front of a pair whose failover to ms2 is under way; ms2 is denied, as it is at rest."""
    record.put(state(lease=CHANGE))
    network.allow(network.access, cidr=f"{network.ms1_address}/32")
    for acl in (0, 1):
        for egress in (False, True):
            network.write(acl, FIRST_OF_MS2, f"{network.ms2_address}/32", egress=egress)
    return run("database_access", TABLE_NAME=record.name, ACCESS_GROUP_ID=network.access, **network.with_acls())


def order(access: ModuleType, action: str, server: str, **more: Any) -> Any:
    return access.handler({"action": action, "server": server, "epoch": CHANGE.epoch, **more}, None)


def waiting(sleep: Callable[[float], object]) -> Any:
    """The time of now, and this in place of each pause."""
    return SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=sleep)


def everywhere(*numbered: tuple[int, str]) -> list[tuple[str, str, int, str]]:
    """These denials in both ACLs and both directions."""
    return sorted(
        (acl, way, number, f"{each}/32") for acl in "ab" for way in ("in", "out") for number, each in numbered
    )


def test_the_fenced_server_is_denied_by_every_address_in_every_subnet_and_twice_is_once(
    access: ModuleType, network: Network
) -> None:
    ms1 = ((10, network.ms1_address), (11, network.ms1_second))
    for _ in range(2):
        answer = order(access, "revoke_access", "ms1")
        assert answer["answer"] == "no"
        assert answer["evidence"]["network"]["answer"] == "yes"
        assert network.denied() == everywhere((FIRST_OF_MS2, network.ms2_address), *ms1)
        assert network.admitted() == []


def test_an_owners_broad_rule_does_not_matter_to_the_network(access: ModuleType, network: Network) -> None:
    network.allow(network.owners, cidr="10.0.0.0/8")
    answer = order(access, "revoke_access", "ms1")
    assert (answer["answer"], answer["evidence"]["network"]["answer"]) == ("yes", "yes")
    assert order(access, "cut", "ms1", proof=True)["answer"] == "yes"


@pytest.mark.parametrize("acl", [0, 1])
@pytest.mark.parametrize("egress", [False, True])
def test_one_entry_removed_by_hand_and_nothing_is_proven(
    access: ModuleType, network: Network, acl: int, egress: bool
) -> None:
    order(access, "revoke_access", "ms1")
    network.remove(acl, 11, egress=egress)
    answer = order(access, "cut", "ms1", proof=True)
    assert answer["answer"] == "no"
    assert network.acls[acl] in answer["sentence"]
    assert network.ms1_second in answer["sentence"]


def test_a_proof_reads_again_after_the_time_that_ec2_may_take(access: ModuleType, network: Network) -> None:
    order(access, "revoke_access", "ms1")
    settings = replace(access.handler.context.settings, access_settles_s=1.0)
    clock = waiting(lambda _: network.remove(0, 10, egress=True))
    access.handler = access.handler.within(settings=settings, clock=clock)  # type: ignore[attr-defined]
    assert order(access, "cut", "ms1")["answer"] == "yes"
    assert order(access, "cut", "ms1", proof=True)["answer"] == "no"


def test_entries_that_ec2_shows_at_once_are_read_back_without_a_pause_and_proven_without_a_second_read(
    access: ModuleType, network: Network
) -> None:
    waited: list[float] = []
    access.handler = access.handler.within(clock=waiting(waited.append))  # type: ignore[attr-defined]
    assert order(access, "revoke_access", "ms1")["evidence"]["network"]["answer"] == "yes"
    assert order(access, "cut", "ms1", proof=True)["answer"] == "yes"
    assert waited == []
    del network


def test_an_acl_that_was_put_in_the_place_of_ours_is_named(access: ModuleType, network: Network) -> None:
    order(access, "revoke_access", "ms1")
    other = network.ec2.create_network_acl(VpcId=network.vpc)["NetworkAcl"]["NetworkAclId"]
    acl = network.ec2.describe_network_acls(NetworkAclIds=[network.acls[1]])["NetworkAcls"][0]
    network.ec2.replace_network_acl_association(
        AssociationId=acl["Associations"][0]["NetworkAclAssociationId"], NetworkAclId=other
    )
    answer = order(access, "cut", "ms1")
    assert answer["answer"] == "no"
    assert f"{network.database_subnets[1]} stands behind none of DatabaseNetworkAclIds" in answer["sentence"]


def test_entries_that_can_not_be_written_leave_access_revoked_all_the_same(
    access: ModuleType, network: Network
) -> None:
    for number in range(10, 30):
        network.write(1, number, "192.0.2.0/24", egress=True)
    answer = order(access, "revoke_access", "ms1")
    assert answer["answer"] == "no"
    assert network.admitted() == []
    assert answer["evidence"]["network"]["answer"] == "no"
    assert f"{network.acls[1]} has no room" in answer["evidence"]["network"]["sentence"]


def test_the_new_server_is_let_pass_with_the_receipt_alone_and_the_other_one_stays_denied(
    access: ModuleType, record: Record, network: Network
) -> None:
    with pytest.raises(NoReceipt):
        order(access, "grant_access", "ms2")
    order(access, "revoke_access", "ms1")
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    for _ in range(2):
        assert order(access, "grant_access", "ms2")["answer"] == "yes"
        assert network.denied() == everywhere((10, network.ms1_address), (11, network.ms1_second))
        assert network.admitted() == [f"{network.ms2_address}/32"]


def test_an_entry_that_ec2_still_shows_after_it_was_taken_out_is_not_taken_out_again(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.put(state())
    order(access, "keep_out", "ms2")
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    taken: list[tuple[str, int, bool]] = []
    delete, acls_named = access.network_acls.delete, access.network_acls.acls_named
    shown = {"stale": acls_named(access.clients.ec2(), access.handler.context.settings.network_acls)}

    def noted(client: Any, acl_id: str, entry: Any) -> None:
        taken.append((acl_id, entry.number, entry.egress))
        shown["left"] = 2
        delete(client, acl_id, entry)

    def older(client: Any, ids: Any) -> Any:
        if shown.get("left", 0):
            shown["left"] -= 1
            return shown["stale"]
        return acls_named(client, ids)

    monkeypatch.setattr(access.network_acls, "delete", noted)
    monkeypatch.setattr(access.network_acls, "acls_named", older)
    assert order(access, "grant_access", "ms2")["answer"] == "yes"
    assert len(taken) == len(set(taken)) > 0


def test_a_denial_removed_after_the_receipt_is_written_again_before_the_new_server_passes(
    access: ModuleType, record: Record, network: Network
) -> None:
    order(access, "revoke_access", "ms1")
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    network.remove(0, 10, egress=False)
    assert order(access, "grant_access", "ms2")["answer"] == "yes"
    assert network.denied() == everywhere((10, network.ms1_address), (11, network.ms1_second))


def test_a_denial_that_can_not_be_written_again_keeps_the_new_server_out(
    access: ModuleType, record: Record, network: Network
) -> None:
    order(access, "revoke_access", "ms1")
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    network.write(0, 5, "10.0.0.0/8", egress=False, action="allow")
    with pytest.raises(fence.OtherServerCanGetIn, match="inbound entry 5"):
        order(access, "grant_access", "ms2")
    assert ("a", "in", FIRST_OF_MS2, f"{network.ms2_address}/32") in network.denied()
    assert network.admitted() == []


def test_a_denial_that_is_nobody_of_ours_is_left_alone_and_named(
    access: ModuleType, record: Record, network: Network
) -> None:
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    network.write(0, 7, f"{network.ms2_address}/32", egress=True)
    with pytest.raises(access.AccessNotAsOrdered, match="outbound entry 7"):
        order(access, "grant_access", "ms2")
    assert ("a", "out", 7, f"{network.ms2_address}/32") in network.denied()


def test_an_owners_acl_need_not_allow_an_address_that_nothing_is_granted_to(
    run: Start, record: Record, network: Network
) -> None:
    """A server with a public address, behind ACLs that allow the network's own addresses only."""
    base = network.ec2.describe_vpcs(VpcIds=[network.vpc])["Vpcs"][0]["CidrBlock"]
    for acl in (0, 1):
        for egress in (False, True):
            network.remove(acl, 100, egress=egress)
            network.write(acl, 100, base, egress=egress, action="allow")
            network.write(acl, 32_766, "0.0.0.0/0", egress=egress)
    more = network.with_acls(MS2_ADDRESSES=f"{network.ms2_address},203.0.113.7")
    access = run("database_access", TABLE_NAME=record.name, ACCESS_GROUP_ID=network.access, **more)
    record.put(state(lease=CHANGE))
    order(access, "revoke_access", "ms1")
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    assert order(access, "grant_access", "ms2")["answer"] == "yes"


def test_at_rest_what_must_be_out_is_denied_again_and_what_is_of_no_use_is_taken_out(
    access: ModuleType, record: Record, network: Network
) -> None:
    record.put(state())
    network.remove(0, FIRST_OF_MS2, egress=True)
    network.write(1, FIRST_OF_MS2 + 5, "10.0.0.99/32", egress=True)
    network.allow(network.access, group=network.ms2_group)
    network.allow(network.access, prefix_list=network.prefix_list("192.0.2.0/24"))
    network.allow(network.access, cidr=f"{network.ms2_address}/32")
    seen = access.handler({"action": "status", "server": "ms2"}, None)["evidence"]
    assert seen["network"]["answer"] == "no"
    assert (len(seen["useless"]), len(seen["stray"])) == (1, 3)
    assert access.handler({"action": "keep_out", "server": "ms2"}, None)["evidence"]["network"]["answer"] == "yes"
    assert network.denied() == everywhere((FIRST_OF_MS2, network.ms2_address))
    assert len(network.rules_of_access_group()) == 2, "the functions' rule and the active server's"


def test_an_address_that_ec2_alone_knows_of_a_server_is_told(access: ModuleType, network: Network) -> None:
    seen = {each: access.handler({"action": "status", "server": each}, None)["evidence"] for each in ("ms1", "ms2")}
    assert seen["ms1"]["unconfigured"] == [network.ms1_second]
    assert seen["ms2"]["unconfigured"] == []


def test_the_active_server_is_never_denied(access: ModuleType, record: Record, network: Network) -> None:
    record.put(state())
    with pytest.raises(NotToBeKeptOut):
        access.handler({"action": "keep_out", "server": "ms1"}, None)
    assert network.denied() == everywhere((FIRST_OF_MS2, network.ms2_address))


def test_before_the_fence_it_is_known_whether_the_network_could_cut_it(access: ModuleType, network: Network) -> None:
    before = network.denied()
    assert order(access, "could_cut", "ms1")["answer"] == "yes"
    network.write(1, 3, "10.0.0.0/8", egress=True, action="allow")
    assert order(access, "could_cut", "ms1")["answer"] == "no"
    assert network.denied() == before


def test_without_network_acls_everything_is_as_without_this_proof(run: Start, record: Record, network: Network) -> None:
    record.put(state(lease=CHANGE))
    access = run("database_access", TABLE_NAME=record.name, ACCESS_GROUP_ID=network.access, **network.env())
    assert "network" not in order(access, "revoke_access", "ms1")["evidence"]
    assert order(access, "cut", "ms1")["answer"] == "unknown"
    assert network.denied() == []


# ---- another stack has the same rule numbers in an ACL that both share: its entries are no leftovers of ours


@pytest.fixture
def neighbour(network: Network) -> str:
    """Another pair's server that is denied under our numbers, for both of our servers, by a stack of its own."""
    *_, address = ipaddress.ip_network(
        network.ec2.describe_subnets(SubnetIds=[network.subnet])["Subnets"][0]["CidrBlock"]
    ).hosts()
    network.instance(str(address), network.ms2_group)
    for acl in (0, 1):
        for egress in (False, True):
            network.write(acl, 10, f"{address}/32", egress=egress)
            network.write(acl, FIRST_OF_MS2 + 1, f"{address}/32", egress=egress)
    return str(address)


def test_another_stacks_denials_stay_whatever_ours_does(
    access: ModuleType, record: Record, network: Network, neighbour: str
) -> None:
    theirs = everywhere((10, neighbour), (FIRST_OF_MS2 + 1, neighbour))
    assert order(access, "revoke_access", "ms1")["evidence"]["network"]["answer"] == "yes"
    ours = everywhere((11, network.ms1_address), (12, network.ms1_second))
    assert network.denied() == sorted((*theirs, *ours, *everywhere((FIRST_OF_MS2, network.ms2_address))))
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    assert order(access, "grant_access", "ms2")["answer"] == "yes"
    assert network.denied() == sorted((*theirs, *ours))


def test_another_stacks_denials_are_named_at_rest_and_left_there(
    access: ModuleType, record: Record, network: Network, neighbour: str
) -> None:
    record.put(state())
    seen = {each: access.handler({"action": "status", "server": each}, None)["evidence"] for each in ("ms1", "ms2")}
    assert [len(each["useless"]) for each in seen.values()] == [4, 4]
    assert seen["ms1"]["denials"] == [], "it is not ms1 that is denied"
    access.handler({"action": "keep_out", "server": "ms2"}, None)
    theirs = everywhere((10, neighbour), (FIRST_OF_MS2 + 1, neighbour))
    assert network.denied() == sorted((*theirs, *everywhere((FIRST_OF_MS2, network.ms2_address))))


def test_a_public_address_may_be_anybodys_and_stays_denied(
    access: ModuleType, record: Record, network: Network
) -> None:
    record.put(state())
    network.write(0, FIRST_OF_MS2 + 1, "8.8.8.8/32", egress=True)
    access.handler({"action": "keep_out", "server": "ms2"}, None)
    assert ("a", "out", FIRST_OF_MS2 + 1, "8.8.8.8/32") in network.denied()


def test_a_denial_that_ec2_did_not_take_out_is_tried_again(
    access: ModuleType, record: Record, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(access, "revoke_access", "ms1")
    record.put(state(lease=CHANGE, receipt=BY_NETWORK))
    client = access.clients.ec2_once()
    delete, sent = client.delete_network_acl_entry, list[int]()

    def fails_first(**request: Any) -> Any:
        sent.append(1)
        if len(sent) == 1:
            raise ReadTimeoutError(endpoint_url="https://ec2")
        return delete(**request)

    monkeypatch.setattr(client, "delete_network_acl_entry", fails_first)
    assert order(access, "grant_access", "ms2")["answer"] == "yes"
    assert len(sent) == 5, "four entries, one of them twice"
    assert network.denied() == everywhere((10, network.ms1_address), (11, network.ms1_second))
