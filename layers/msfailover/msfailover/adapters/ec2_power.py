"""EC2 instances: what EC2 shows of a server's machine, and switching it off."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from msfailover.adapters.clients import Throttled
from msfailover.observations import Holder, Instance, Machine
from msfailover.pair import Server
from msfailover.verdict import Verdict, unknown

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PAGES_AT_MOST = 20

_CANNOT_SKIP = ("UnsupportedOperation", "InvalidParameterCombination", "InvalidParameterValue", "UnknownParameter")
"""How EC2 refuses to skip the guest's shutdown, where the instance's type or the region can't."""


class NoPowerSwitch(Exception):
    """The server is not an EC2 instance: nobody here can switch it off."""


class MachineUnseen(Exception):
    """EC2 does not say what it knows of a server's machine, or not all of it."""

    @property
    def verdict(self) -> Verdict:
        """What can be said then: nothing, and whether that is for too many calls (security_groups.demand_read)."""
        return unknown(str(self), **({"throttled": True} if isinstance(self.__cause__, Throttled) else {}))


def see(client: EC2Client, server: Server) -> Machine:
    """The configured instance, and then who holds the server's addresses: interfaces of whatever is there.

    Raises:
        MachineUnseen: EC2 did not say.
    """
    try:
        answer = client.describe_instances(InstanceIds=[server.instance_id])
        found = [each for group in answer["Reservations"] for each in group["Instances"]]
        holders = _holders(client, server.addresses)
    except (ClientError, BotoCoreError) as error:
        message = f"EC2 does not say the state of {server.role} ({server.instance_id}): {error}"
        raise MachineUnseen(message) from error
    return Machine(_instance(server, found[0]) if len(found) == 1 else None, holders)


def is_stop_protected(client: EC2Client, server: Server) -> bool | None:
    """Whether EC2 would refuse to stop the instance; None where it does not say."""
    try:
        answer = client.describe_instance_attribute(InstanceId=server.instance_id, Attribute="disableApiStop")
    except (ClientError, BotoCoreError):
        return None
    return answer.get("DisableApiStop", {}).get("Value")


def _instance(server: Server, data: Any) -> Instance:
    tags = {each["Key"]: each["Value"] for each in data.get("Tags", [])}
    return Instance(
        id=str(data.get("InstanceId", server.instance_id)),
        state=data["State"]["Name"],
        addresses=tuple(address for each in data.get("NetworkInterfaces", []) for address in _addresses(each)),
        auto_scaling=tags.get("aws:autoscaling:groupName", ""),
        spot=data.get("InstanceLifecycle") == "spot",
        root_device=data.get("RootDeviceType", "ebs"),
    )


def _holders(client: EC2Client, addresses: tuple[str, ...]) -> tuple[Holder, ...]:
    """Every interface of the account and region that has one of the addresses. Raises MachineUnseen."""
    wanted = {str(ipaddress.ip_address(each)) for each in addresses}
    found: list[Holder] = []
    for version, name in ((4, "addresses.private-ip-address"), (6, "ipv6-addresses.ipv6-address")):
        among = sorted(each for each in wanted if ipaddress.ip_address(each).version == version)
        if not among:
            continue
        pages = client.get_paginator("describe_network_interfaces").paginate(Filters=[{"Name": name, "Values": among}])
        for number, page in enumerate(pages):
            if number >= PAGES_AT_MOST:
                raise MachineUnseen(f"More than {PAGES_AT_MOST} pages of interfaces have one of {', '.join(among)}.")
            for each in page["NetworkInterfaces"]:
                owner = str(each.get("Attachment", {}).get("InstanceId", ""))
                interface = str(each.get("NetworkInterfaceId", "an interface"))
                found += [Holder(address, interface, owner) for address in _addresses(each) if address in wanted]
    return tuple(found)


def _addresses(interface: Any) -> tuple[str, ...]:
    v4 = [each["PrivateIpAddress"] for each in interface.get("PrivateIpAddresses", [])]
    v6 = [each["Ipv6Address"] for each in interface.get("Ipv6Addresses", [])]
    return tuple(str(ipaddress.ip_address(each)) for each in v4 + v6)


def try_to_switch_off(client: EC2Client, server: Server) -> None:
    """Ask for what `switch_off` does, dry: EC2 refuses it, and by the error's code says whether it would be allowed."""
    client.stop_instances(InstanceIds=[server.instance_id], Force=True, DryRun=True)


def switch_off(client: EC2Client, server: Server) -> None:
    """Order the machine off and return; whether it is off is for `see` to say. Twice is once.

    The guest's shutdown is skipped where that can be had: a graceful one takes as long as the guest likes (EC2 API
    reference, StopInstances: SkipOsShutdown). Older instance types refuse that, and the runtime's boto3 may not know
    it; then `Force` alone, which still tries a graceful shutdown first. What skipping may lose is what a power cut may
    lose; the machine that is switched off here is one that must not write any more.

    Raises:
        NoPowerSwitch: it is not an EC2 instance.
    """
    if server.instance_id.startswith("mi-"):
        raise NoPowerSwitch(f"{server.role} ({server.instance_id}) is no EC2 instance: switch it off by hand.")
    try:
        client.stop_instances(InstanceIds=[server.instance_id], Force=True, SkipOsShutdown=True)
    except ParamValidationError:
        client.stop_instances(InstanceIds=[server.instance_id], Force=True)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CANNOT_SKIP:
            raise
        client.stop_instances(InstanceIds=[server.instance_id], Force=True)
