"""The emulator's program, with what its EC2 leaves out about network interfaces put in: run by its own Python.

Documented by EC2's API reference and left out there: an instance has its primary interface with the private address
that was asked for (RunInstances, DescribeInstances), CreateNetworkInterface takes PrivateIpAddress, and
DescribeNetworkInterfaces selects by filters. Who owns an address rests on these, and so does each proof by power.
Nothing of moto or of the testbed is in here; what is not patched is the emulator's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# The emulator's Python has it; ours has not.
from ministack import app  # type: ignore[import-not-found, unused-ignore]
from ministack.services import ec2  # type: ignore[import-not-found, unused-ignore]

Parameters = Mapping[str, Any]

HELD_BY: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "addresses.private-ip-address": lambda each: [each["PrivateIpAddress"]],
    "ipv6-addresses.ipv6-address": lambda _: [],
    "attachment.instance-id": lambda each: [(each.get("Attachment") or {}).get("InstanceId", "")],
    "group-id": lambda each: [group["GroupId"] for group in each["Groups"]],
    "subnet-id": lambda each: [each["SubnetId"]],
}
"""What an interface has to be selected by, for each filter that this project uses."""


def create_interface(parameters: Parameters) -> Any:
    """CreateNetworkInterface, with the address that was asked for."""
    before = set(ec2._network_interfaces)
    ec2._create_network_interface(parameters)
    (made,) = set(ec2._network_interfaces) - before
    interface = ec2._network_interfaces[made]
    interface["PrivateIpAddress"] = ec2._p(parameters, "PrivateIpAddress") or interface["PrivateIpAddress"]
    shown = ec2._eni_fields_xml(interface, tag="networkInterface")
    return ec2._xml(200, "CreateNetworkInterfaceResponse", shown)


def describe_interfaces(parameters: Parameters) -> Any:
    """DescribeNetworkInterfaces, by filters. One that is not known here is refused, and never ignored."""
    filters = ec2._parse_filters(parameters)
    unknown = sorted(set(filters) - set(HELD_BY))
    if unknown:
        return ec2._error("InvalidParameterValue", f"The filter {unknown[0]} is not known here.", 400)
    asked = ec2._parse_member_list(parameters, "NetworkInterfaceId")
    shown = "".join(
        ec2._eni_fields_xml(each)
        for each in ec2._network_interfaces.values()
        if (not asked or each["NetworkInterfaceId"] in asked)
        and all(set(HELD_BY[name](each)) & set(values) for name, values in filters.items())
    )
    return ec2._xml(200, "DescribeNetworkInterfacesResponse", f"<networkInterfaceSet>{shown}</networkInterfaceSet>")


def run_instances(parameters: Parameters) -> Any:
    """RunInstances, each with its primary interface."""
    before = set(ec2._instances)
    answer = ec2._run_instances(parameters)
    for made in set(ec2._instances) - before:
        instance = ec2._instances[made]
        # What CreateNetworkInterface reads of its request: single values, as the emulator parses them.
        asked = {"SubnetId": [instance["SubnetId"]], "PrivateIpAddress": [instance["PrivateIpAddress"]]}
        known = set(ec2._network_interfaces)
        create_interface(asked)
        (interface,) = set(ec2._network_interfaces) - known
        ec2._attach_network_interface({"NetworkInterfaceId": [interface], "InstanceId": [made], "DeviceIndex": ["0"]})
    return answer


def shown_with_interfaces(instance: Mapping[str, Any]) -> str:
    """An instance as DescribeInstances shows it, with its interfaces."""
    own = [
        each
        for each in ec2._network_interfaces.values()
        if (each.get("Attachment") or {}).get("InstanceId") == instance["InstanceId"]
    ]
    interfaces = "".join(ec2._eni_fields_xml(each) for each in own)
    shown: str = _shown(instance)
    return shown.replace("<groupSet>", f"<networkInterfaceSet>{interfaces}</networkInterfaceSet><groupSet>", 1)


_shown = ec2._instance_xml


def main() -> None:
    """Put it in, and start the emulator."""
    ec2._instance_xml = shown_with_interfaces
    ec2._ACTION_MAP["CreateNetworkInterface"] = create_interface
    ec2._ACTION_MAP["DescribeNetworkInterfaces"] = describe_interfaces
    ec2._ACTION_MAP["RunInstances"] = run_instances
    app.main()


if __name__ == "__main__":
    main()
