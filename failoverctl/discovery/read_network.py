"""EC2 and Systems Manager: the servers, their networks, and what stands before the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msfailover.observations import AclEntry, Instance, Interface, NetworkAcl, Rule
from msfailover.pair import Role

from failoverctl.discovery.facts import ACCESS_GROUP, Agent, Endpoint, Group, Host, Route, SubnetThere
from failoverctl.discovery.reader import Reader

NO_INSTANCE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
_TARGETS = (
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "GatewayId",
)


def host(reader: Reader, role: Role, instance_id: str) -> Host:
    """One of the servers, as EC2 and Systems Manager know it."""
    filters = [{"Key": "InstanceIds", "Values": [instance_id]}]
    agents = reader.all(
        "ssm",
        "describe_instance_information",
        "InstanceInformationList",
        f"the agent of {role}",
        ("InvalidInstanceId",),
        Filters=filters,
    )
    told = Host(role, instance_id, agent=_agent(agents[0]) if agents else None, asked=agents is not None)
    if told.managed:
        return told
    answer = reader.all(
        "ec2", "describe_instances", "Reservations", f"the instance of {role}", NO_INSTANCE, InstanceIds=[instance_id]
    )
    found = [each for group in answer or [] for each in group["Instances"]]
    return _on_ec2(reader, told, found[0]) if len(found) == 1 else told


def _on_ec2(reader: Reader, told: Host, data: Mapping[str, Any]) -> Host:
    attribute = reader.one(
        "ec2",
        "describe_instance_attribute",
        f"the stop protection of {told.role}",
        InstanceId=told.instance_id,
        Attribute="disableApiStop",
    )
    tags = {each["Key"]: each["Value"] for each in data.get("Tags", [])}
    listed = sorted(
        data.get("NetworkInterfaces", []), key=lambda each: each.get("Attachment", {}).get("DeviceIndex", 9)
    )
    interfaces = tuple(interface(each, told.instance_id) for each in listed)
    instance = Instance(
        id=told.instance_id,
        state=data["State"]["Name"],
        addresses=tuple(address for each in interfaces for address in each.private),
        stop_protected=(attribute or {}).get("DisableApiStop", {}).get("Value"),
        auto_scaling=tags.get("aws:autoscaling:groupName", ""),
        spot=data.get("InstanceLifecycle") == "spot",
        root_device=data.get("RootDeviceType", "ebs"),
    )
    return Host(
        told.role,
        told.instance_id,
        instance,
        interfaces,
        vpc=str(data.get("VpcId", "")),
        name=tags.get("Name", ""),
        windows=str(data.get("Platform", "")).lower() == "windows",
        profile="IamInstanceProfile" in data,
        agent=told.agent,
        asked=told.asked,
    )


def _agent(data: Mapping[str, Any]) -> Agent:
    return Agent(
        ping=str(data.get("PingStatus", "")),
        computer=str(data.get("ComputerName", "")),
        address=str(data.get("IPAddress", "")),
        platform=str(data.get("PlatformType", "")),
    )


def interface(data: Mapping[str, Any], instance_id: str = "") -> Interface:
    """A network interface as EC2 describes it, by itself or within an instance (which is told there by no field)."""
    four = [each["PrivateIpAddress"] for each in data.get("PrivateIpAddresses", [])]
    six = [each["Ipv6Address"] for each in data.get("Ipv6Addresses", [])]
    delegated = [each["Ipv4Prefix"] for each in data.get("Ipv4Prefixes", [])]
    delegated += [each["Ipv6Prefix"] for each in data.get("Ipv6Prefixes", [])]
    attached = data.get("Attachment") or {}
    return Interface(
        data["NetworkInterfaceId"],
        data.get("SubnetId", ""),
        frozenset(each["GroupId"] for each in data.get("Groups", [])),
        private=(*four, *six),
        instance_id=instance_id or str(attached.get("InstanceId", "")),
        prefixes=tuple(delegated),
    )


def subnets(reader: Reader, vpcs: Iterable[str]) -> dict[str, SubnetThere]:
    """Every subnet of some networks, with its routes, by id."""
    wanted = [{"Name": "vpc-id", "Values": sorted({each for each in vpcs if each})}]
    if not wanted[0]["Values"]:
        return {}
    found = reader.all("ec2", "describe_subnets", "Subnets", "the subnets", Filters=wanted)
    tables = reader.all("ec2", "describe_route_tables", "RouteTables", "the route tables", Filters=wanted)
    return {each["SubnetId"]: _subnet(each, tables) for each in found or []}


def _subnet(data: Mapping[str, Any], tables: list[Any] | None) -> SubnetThere:
    six = [each["Ipv6CidrBlock"] for each in data.get("Ipv6CidrBlockAssociationSet", [])]
    routes = None if tables is None else _routes(data, tables)
    return SubnetThere(
        data["SubnetId"],
        data["VpcId"],
        data.get("AvailabilityZone", ""),
        tuple(each for each in (data.get("CidrBlock"), *six) if each),
        int(data.get("AvailableIpAddressCount", 0)),
        routes,
    )


def _routes(subnet: Mapping[str, Any], tables: list[Any]) -> tuple[Route, ...]:
    """The routes of the subnet's own table, else of its network's main one."""
    own, main = [], []
    for table in tables:
        for each in table.get("Associations", []):
            if each.get("SubnetId") == subnet["SubnetId"]:
                own.append(table)
            elif each.get("Main") and table.get("VpcId") == subnet["VpcId"]:
                main.append(table)
    return tuple(_route(each) for table in (own or main)[:1] for each in table.get("Routes", []))


def _route(data: Mapping[str, Any]) -> Route:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    network = next((str(data[name]) for name in names if data.get(name)), "")
    return Route(network, next((str(data[name]) for name in _TARGETS if data.get(name)), "unknown"))


def acls(reader: Reader, vpcs: Iterable[str]) -> tuple[NetworkAcl, ...] | None:
    """Every network ACL of some networks."""
    wanted = [{"Name": "vpc-id", "Values": sorted({each for each in vpcs if each})}]
    if not wanted[0]["Values"]:
        return ()
    found = reader.all("ec2", "describe_network_acls", "NetworkAcls", "the network ACLs", Filters=wanted)
    return None if found is None else tuple(_acl(each) for each in found)


def _acl(data: Mapping[str, Any]) -> NetworkAcl:
    entries = tuple(
        AclEntry(
            int(each["RuleNumber"]),
            bool(each["Egress"]),
            each["RuleAction"] == "allow",
            str(each["Protocol"]),
            str(each.get("CidrBlock") or each.get("Ipv6CidrBlock") or ""),
        )
        for each in data.get("Entries", [])
    )
    before = frozenset(each["SubnetId"] for each in data.get("Associations", []) if each.get("SubnetId"))
    return NetworkAcl(data["NetworkAclId"], before, entries)


def groups(reader: Reader, group_ids: tuple[str, ...]) -> tuple[Group, ...]:
    """The database's groups; an access group of ours is known by its description."""
    if not group_ids:
        return ()
    found = reader.all(
        "ec2", "describe_security_groups", "SecurityGroups", "the database's security groups", GroupIds=list(group_ids)
    )
    described = {each["GroupId"]: str(each.get("Description", "")) for each in found or []}
    return tuple(Group(each, described.get(each, "").endswith(ACCESS_GROUP)) for each in group_ids)


def rules(reader: Reader, owners: list[str]) -> tuple[Rule, ...] | None:
    """Every inbound rule of the owner's groups; None where they could not be read."""
    if not owners:
        return ()
    found = reader.all(
        "ec2",
        "describe_security_group_rules",
        "SecurityGroupRules",
        "the rules of the database's groups",
        Filters=[{"Name": "group-id", "Values": owners}],
    )
    return None if found is None else tuple(_rule(reader, each) for each in found if not each.get("IsEgress"))


def _rule(reader: Reader, data: Mapping[str, Any]) -> Rule:
    listed = str(data.get("PrefixListId") or "")
    return Rule(
        data["GroupId"],
        data["SecurityGroupRuleId"],
        str(data["IpProtocol"]),
        data.get("FromPort"),
        data.get("ToPort"),
        cidr=data.get("CidrIpv4") or data.get("CidrIpv6"),
        source_group=(data.get("ReferencedGroupInfo") or {}).get("GroupId"),
        prefix_list=listed or None,
        prefixes=_prefixes(reader, listed) if listed else None,
    )


def _prefixes(reader: Reader, prefix_list: str) -> tuple[str, ...] | None:
    found = reader.all(
        "ec2", "get_managed_prefix_list_entries", "Entries", f"the list {prefix_list}", PrefixListId=prefix_list
    )
    return None if found is None else tuple(each["Cidr"] for each in found)


def endpoints(reader: Reader, vpc: str) -> tuple[Endpoint, ...] | None:
    """The interface endpoints of a network."""
    wanted = [{"Name": "vpc-id", "Values": [vpc]}]
    if not vpc:
        return ()
    found = reader.all("ec2", "describe_vpc_endpoints", "VpcEndpoints", "the network's endpoints", Filters=wanted)
    if found is None:
        return None
    prefix = f".{reader.region}."
    return tuple(
        Endpoint(
            str(each["ServiceName"]).rpartition(prefix)[2],
            str(each.get("State", "")).lower() == "available" and each.get("PrivateDnsEnabled") is True,
        )
        for each in found
        if each.get("VpcEndpointType") == "Interface"
    )
