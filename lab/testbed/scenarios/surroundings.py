"""What owners have that a proof must not be misled by: other machines, interfaces, a standby of the database."""

from __future__ import annotations

from typing import Any

from lab.testbed.cloud.owner import run_instance
from lab.testbed.hosts.addresses import ADDRESS_OF, DATABASE, POOLER, READER
from lab.testbed.hosts.database_firewall import AccessGroup
from lab.testbed.hosts.pooler import PORT
from lab.testbed.hosts.reader import Reader
from lab.testbed.polling import wait_for
from lab.testbed.scenarios.people import keep
from lab.testbed.scenarios.scenario import Story
from lab.testbed.testbed import Testbed


def allow(testbed: Testbed, cidr: str, low: int, high: int | None = None) -> None:
    """Have the owner's group on the database allow a network on some TCP ports."""
    testbed.cloud.client("ec2").authorize_security_group_ingress(
        GroupId=testbed.owner.database_group_id, IpPermissions=[_rule(cidr, low, high)]
    )


def disallow(testbed: Testbed, cidr: str, low: int, high: int | None = None) -> None:
    """Take back what `allow` did."""
    testbed.cloud.client("ec2").revoke_security_group_ingress(
        GroupId=testbed.owner.database_group_id, IpPermissions=[_rule(cidr, low, high)]
    )


def _rule(cidr: str, low: int, high: int | None) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": low, "ToPort": high or low, "IpRanges": [{"CidrIp": cidr}]}


def lead_servers_to(testbed: Testbed, story: Story, host: str, port: int) -> None:
    """Have both servers reach the database elsewhere, in a maintenance: the active one is started again for it."""
    keep(testbed, story, "maintenance", seconds=300)
    before = testbed.hosts.journal.now()
    testbed.hosts.lead_servers_to(host, port)
    wait_for("ms1 writes again", lambda: testbed.hosts.journal.by_server()["ms1"].last > before, 20)
    story.await_agents("ms1")
    keep(testbed, story, "maintenance", seconds=0)


def redirect_through_pooler(testbed: Testbed, role: str) -> None:
    """Have one server's connections to the database end at the pooler on a third host, whatever its own files say."""
    to_pooler = f"ip daddr {DATABASE} tcp dport {testbed.hosts.database.port} dnat to {POOLER}:{PORT}"
    rules = f"table ip to_pooler {{ chain output {{ type nat hook output priority -100; {to_pooler}; }}; }}"
    testbed.hosts.ms(role).host.run(["nft", rules])


def replace_instance(testbed: Testbed, role: str) -> str:
    """Terminate a server's instance and launch another one at the same address, with the same disk; returns its id.

    The service is started as somebody would who restored it. Nobody tells the stack.
    """
    ec2, old = testbed.cloud.client("ec2"), testbed.instances[role]

    def state() -> str:
        found = ec2.describe_instances(InstanceIds=[old])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    ec2.terminate_instances(InstanceIds=[old])
    wait_for(f"the end of {role}'s instance", lambda: state() == "terminated", 20)
    owner = testbed.owner
    new = run_instance(ec2, role, owner.servers_subnet_id, owner.servers_group_id, ADDRESS_OF[role])
    testbed.hosts.machines.enroll({new: role})
    testbed.hosts.machines.power_on(new)
    testbed.hosts.ms(role).start()
    return new


def move_access_group(testbed: Testbed, address: str) -> str:
    """Take the stack's group off the database's interface and put it on one in the other subnet; returns its id."""
    ec2, owner = testbed.cloud.client("ec2"), testbed.owner
    other = ec2.create_network_interface(
        SubnetId=owner.database_subnet_ids[1],
        PrivateIpAddress=address,
        Groups=[owner.database_group_id, testbed.access_group],
        Description="the database that was there before",
    )["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(
        NetworkInterfaceId=owner.database_interface_id, Groups=[owner.database_group_id]
    )
    return str(other)


def take_from_behind_acl(testbed: Testbed, subnet_id: str) -> None:
    """Put a subnet behind the network's default ACL, which lets everything pass."""
    ec2 = testbed.cloud.client("ec2")
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [testbed.owner.vpc_id]}])["NetworkAcls"]
    default = next(each["NetworkAclId"] for each in acls if each["IsDefault"])
    associations = [association for each in acls for association in each["Associations"]]
    association = next(each["NetworkAclAssociationId"] for each in associations if each["SubnetId"] == subnet_id)
    ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=default)


def add_reader(testbed: Testbed) -> Reader:
    """Give the database a standby in the other subnet of its subnet group, behind the owner's group; returns it."""
    ec2, owner = testbed.cloud.client("ec2"), testbed.owner
    for address in (DATABASE, READER):  # each follows the other
        allow(testbed, f"{address}/32", testbed.hosts.database.port)
    reader = testbed.hosts.start_reader()
    interface = ec2.create_network_interface(
        SubnetId=owner.database_subnet_ids[1],
        PrivateIpAddress=READER,
        Groups=[owner.database_group_id],
        Description="the database's standby",
    )["NetworkInterface"]["NetworkInterfaceId"]
    testbed.cloud.firewall.watch(interface, AccessGroup(reader.host))
    return reader
