"""EC2's power, the database's access groups, and Route 53."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.exceptions import ConditionalCheckFailed

from lab.testbed.cloud.account import backend
from lab.testbed.cloud.power import STATE_CHANGED
from lab.testbed.host_interfaces import OpenTo, Record
from tests.lab.testbed.cloud.conftest import Sky
from tests.lab.testbed.cloud.fakes import eventually


def state(sky: Sky, instance_id: str) -> str:
    answer = sky.cloud.client("ec2").describe_instances(InstanceIds=[instance_id])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])


def test_an_instance_is_stopping_until_its_host_is_off(sky: Sky) -> None:
    ec2, instance = sky.cloud.client("ec2"), sky.owner.standby_instance_id
    sky.machines.power_off_lasts_s = 0.3
    answer = ec2.stop_instances(InstanceIds=[instance], Force=True)
    change = answer["StoppingInstances"][0]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    assert state(sky, instance) == "stopping"
    assert sky.machines.is_on(instance)
    ec2.stop_instances(InstanceIds=[instance])  # again, while it is stopping: nothing more happens
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        ec2.start_instances(InstanceIds=[instance])
    eventually(lambda: state(sky, instance) == "stopped")
    assert not sky.machines.is_on(instance)
    sky.machines.power_off_lasts_s = 0
    ec2.start_instances(InstanceIds=[instance])
    eventually(lambda: state(sky, instance) == "running")
    assert sky.machines.is_on(instance)
    told = [e["detail"] for e in sky.cloud.bus.seen if e["detail-type"] == STATE_CHANGED]
    events = [each["state"] for each in told if each["instance-id"] == instance]
    assert events == ["stopping", "stopped", "pending", "running"]


def test_a_rebooted_instance_runs_all_the_time_while_its_host_is_away(sky: Sky) -> None:
    ec2, instance = sky.cloud.client("ec2"), sky.owner.standby_instance_id
    ec2.reboot_instances(InstanceIds=[instance])
    eventually(lambda: not sky.machines.is_on(instance))
    assert state(sky, instance) == "running"
    eventually(lambda: sky.machines.is_on(instance))
    assert state(sky, instance) == "running"


def test_how_many_functions_may_run_at_once_is_said(sky: Sky) -> None:
    limit = sky.cloud.client("lambda").get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] == limit["UnreservedConcurrentExecutions"] == 1000


def tcp(low: int, high: int, **source: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": low, "ToPort": high, **source}


def test_the_access_groups_follow_every_group_on_the_database(sky: Sky) -> None:
    ec2, access = sky.cloud.client("ec2"), sky.stack.outputs["AccessGroup"]
    one = tcp(5432, 5432, IpRanges=[{"CidrIp": "10.77.0.11/32"}])
    ec2.authorize_security_group_ingress(GroupId=access, IpPermissions=[one])
    assert not sky.firewall.allows("10.77.0.11/32")  # the group is not on the database yet
    sky.cloud.attach_group(sky.owner, access)
    assert OpenTo("10.77.0.11/32", "tcp", 5432, 5432) in sky.firewall.rules
    ec2.revoke_security_group_ingress(GroupId=access, IpPermissions=[one])
    assert not sky.firewall.allows("10.77.0.11/32")
    with pytest.raises(ClientError, match=r"InvalidPermission\.NotFound"):
        ec2.revoke_security_group_ingress(GroupId=access, IpPermissions=[one])
    servers = tcp(1, 6000, UserIdGroupPairs=[{"GroupId": sky.owner.servers_group_id}])
    ec2.authorize_security_group_ingress(GroupId=sky.owner.database_group_id, IpPermissions=[servers])
    assert {OpenTo(f"10.77.0.{n}/32", "tcp", 1, 6000) for n in (11, 12)} <= set(sky.firewall.rules)
    ec2.revoke_security_group_ingress(GroupId=sky.owner.database_group_id, IpPermissions=[servers])
    assert not sky.firewall.allows("10.77.0.12/32")


def test_functions_groups_prefix_lists_and_all_protocols(sky: Sky) -> None:
    ec2, group = sky.cloud.client("ec2"), sky.owner.database_group_id
    listed = ec2.create_managed_prefix_list(
        PrefixListName="people", AddressFamily="IPv4", MaxEntries=5, Entries=[{"Cidr": "10.77.0.64/27"}]
    )["PrefixList"]["PrefixListId"]
    rules = [
        {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": listed}]},
        tcp(9, 9, UserIdGroupPairs=[{"GroupId": sky.stack.outputs["FunctionsGroup"]}]),
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    assert OpenTo("10.77.0.64/27", "-1", 0, 65535) in sky.firewall.rules
    assert OpenTo("10.77.0.68/32", "tcp", 9, 9) in sky.firewall.rules
    ec2.modify_managed_prefix_list(
        PrefixListId=listed, AddEntries=[{"Cidr": "10.77.0.96/27"}], RemoveEntries=[{"Cidr": "10.77.0.64/27"}]
    )
    assert not sky.firewall.allows("10.77.0.64/27")
    assert sky.firewall.allows("10.77.0.96/27")
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)
    assert not sky.firewall.allows("10.77.0.96/27")


def record(value: str, ttl: int = 5, name: str = "ms.corp.example") -> dict[str, Any]:
    return {"Name": name, "Type": "A", "TTL": ttl, "ResourceRecords": [{"Value": value}]}


def change(sky: Sky, *changes: tuple[str, dict[str, Any]]) -> str:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": each} for action, each in changes]}
    answer = sky.cloud.client("route53").change_resource_record_sets(HostedZoneId=sky.owner.zone_id, ChangeBatch=batch)
    return str(answer["ChangeInfo"]["Id"])


def status(sky: Sky, change_id: str) -> str:
    return str(sky.cloud.client("route53").get_change(Id=change_id)["ChangeInfo"]["Status"])


def test_a_change_is_pending_until_it_is_published(sky: Sky) -> None:
    sky.names.go.clear()
    made = change(sky, ("CREATE", record("10.77.0.11")))
    assert status(sky, made) == "PENDING"
    sky.names.go.set()
    eventually(lambda: status(sky, made) == "INSYNC")
    assert sky.names.zones["corp.example"] == (Record("ms.corp.example", "A", 5, ("10.77.0.11",)),)


def test_a_batch_is_compared_with_what_is_there_and_is_all_or_nothing(sky: Sky) -> None:
    change(sky, ("UPSERT", record("10.77.0.11")))
    for wrong, words in (
        ([("DELETE", record("10.77.0.12"))], "do not match the current values"),
        ([("DELETE", record("10.77.0.11", ttl=6))], "do not match the current values"),
        ([("CREATE", record("10.77.0.12"))], "already exists"),
        ([("DELETE", record("10.77.0.11", name="x.corp.example"))], "was not found"),
        ([("CREATE", record("1.2.3.4", name="other.example"))], "not permitted in zone"),
        ([("CREATE", record("1.2.3.4", name="new.corp.example")), ("CREATE", record("10.77.0.12"))], "already exists"),
    ):
        with pytest.raises(ClientError, match=words) as caught:
            change(sky, *wrong)
        assert caught.value.response["Error"]["Code"] == "InvalidChangeBatch"
    moved = change(sky, ("DELETE", record("10.77.0.11")), ("CREATE", record("10.77.0.12")))
    eventually(lambda: status(sky, moved) == "INSYNC")
    assert sky.names.zones["corp.example"] == (Record("ms.corp.example", "A", 5, ("10.77.0.12",)),)
    listed = sky.cloud.client("route53").list_resource_record_sets(HostedZoneId=sky.owner.zone_id)
    assert record("10.77.0.12", name="ms.corp.example.") in listed["ResourceRecordSets"]
    with pytest.raises(ClientError, match="NoSuchChange"):
        status(sky, "C0000000000000")


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads that interrupt each other at nearly every step, so that a race is lost in a test and not on testbed."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_threads")
def test_of_many_conditional_writes_at_once_one_succeeds(sky: Sky) -> None:
    table, dynamodb = sky.stack.outputs["Table"], backend("dynamodb")

    def write(lease: int) -> bool:
        try:
            dynamodb.put_item(table, {"id": {"S": f"lease {lease}"}}, condition_expression="attribute_not_exists(id)")
        except ConditionalCheckFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        for lease in range(30):
            assert sum(threads.map(write, [lease] * 8)) == 1


def test_the_zones_id_begins_like_one(sky: Sky) -> None:
    assert sky.owner.zone_id.startswith("Z")
