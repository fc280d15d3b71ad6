"""Security groups: every rule in front of the database, and the one group of our own that is edited.

What stands in front of the database is read from its network interfaces: those that carry the access group. A changed
rule does not cut tracked connections (EC2 user guide, "Security group connection tracking"); ending sessions is not our
business here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from msfailover.adapters.clients import Throttled, may_pass
from msfailover.observations import Interface, Rule, parse_address
from msfailover.pair import Server
from msfailover.verdict import Verdict, unknown

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PAGES_AT_MOST = 20
TRANSIT_GATEWAY = "transit_gateway"


class AccessGroupNotAttached(Exception):
    """No network interface carries the stack's group: it guards nothing, so nothing can be said of who gets in."""


class TooManyRules(Exception):
    """More rules, interfaces, network ACLs or subnets than are read; what was not read can't be judged."""


UNREADABLE = (AccessGroupNotAttached, TooManyRules, ClientError, BotoCoreError)
"""What reading the network raises: the answer that rests on it is then unknown."""


def unread(what: str, error: Exception) -> Verdict:
    """The answer where the network could not be read: unknown, with whether that was for too many calls.

    Args:
        what: what is not known, as the beginning of a sentence.
        error: one of `UNREADABLE`.
    """
    throttled = {"throttled": True} if isinstance(error, Throttled) else {}
    return unknown(f"{what} is not known: {error}", **throttled)


def demand_read(answer: Verdict) -> None:
    """Raise `Throttled` where an answer is unknown for too many calls only: that is no finding, and the workflow tries
    the whole step again."""
    if answer.evidence.get("throttled"):
        raise Throttled({"Error": {"Code": "RequestLimitExceeded", "Message": answer.sentence}}, "Describe")


@dataclass(frozen=True)
class Membership:
    """What EC2 knows of a server's interfaces: `groups` is None where that can't be known."""

    groups: frozenset[str] | None
    interfaces: tuple[Interface, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that EC2 knows of it, and the networks that are delegated to it."""
        return tuple(address for each in self.interfaces for address in (*each.addresses, *each.prefixes))

    @property
    def any_source(self) -> bool:
        """Whether EC2 lets it send from any address."""
        return any(each.any_source for each in self.interfaces)

    def told(self, server: Server) -> dict[str, list[str]]:
        """For a verdict's evidence: `addresses`, and `unconfigured`, the private ones and the delegated networks among
        them that are configured nowhere. A public one is only another name of a private one."""
        configured = {parse_address(each) for each in server.addresses}
        private = [address for each in self.interfaces for address in each.private]
        networks = [prefix for each in self.interfaces for prefix in each.prefixes]
        unknown = [each for each in private if parse_address(each) not in configured]
        return {"addresses": list(self.addresses), "unconfigured": list(dict.fromkeys((*unknown, *networks)))}


def membership(client: EC2Client, server: Server) -> Membership:
    """The groups and interfaces of a server. A managed instance outside EC2 is a member of no group; but a machine of
    EC2's can be registered as one, too, and is a member of what the interfaces with its addresses are.

    A server's are the interfaces of the configured instance, and those that have its addresses, whoever's they are: a
    machine that was put in its place is the server, and may be a member of other groups.
    """
    managed = server.instance_id.startswith("mi-")
    asked = {
        "attachment.instance-id": [] if managed else [server.instance_id],
        "addresses.private-ip-address": [each for each in server.addresses if ":" not in each],
        "ipv6-addresses.ipv6-address": [each for each in server.addresses if ":" in each],
    }
    with ThreadPoolExecutor(max_workers=len(asked)) as threads:
        answers = [threads.submit(_interfaces, client, name, *values) for name, values in asked.items() if values]
        found = [interface for each in answers for interface in each.result()]
    if managed:  # an interface of another network may have the same address: what else it has is not the server's
        return Membership(groups_of(found))
    if not found:
        return Membership(None)
    return Membership(groups_of(found), tuple(dict.fromkeys(found)))


def held(client: EC2Client, addresses: Sequence[str]) -> frozenset[str]:
    """Those of some addresses that an interface of the account has, or may have: who has a public one is not asked."""
    public = [each for each in addresses if ":" not in each and ipaddress.ip_address(each).is_global]
    asked = {
        "addresses.private-ip-address": [each for each in addresses if ":" not in each and each not in public],
        "ipv6-addresses.ipv6-address": [each for each in addresses if ":" in each],
    }
    found = [each for name, values in asked.items() if values for each in _interfaces(client, name, *values)]
    return frozenset((*public, *(each for interface in found for each in interface.private)))


def gateways_to(
    client: EC2Client, own: Iterable[Interface], front: Iterable[Interface], subnets: Sequence[str]
) -> tuple[Interface, ...]:
    """The interfaces of transit gateways in the database's subnets, by which a server may come.

    Not asked of a server in the database's own VPC, whose packets pass none.

    Args:
        own: the server's interfaces; none where it is outside EC2.
        front: the database's.
        subnets: those that the database may be in.
    """
    own_networks, networks = {each.vpc_id for each in own}, {each.vpc_id for each in front}
    if not subnets or (own_networks and own_networks <= networks and len(networks) == 1):
        return ()
    return tuple(each for each in _interfaces(client, "subnet-id", *subnets) if each.kind == TRANSIT_GATEWAY)


def rules_in_front(client: EC2Client, access_group: str) -> list[Rule]:
    """Every inbound rule of every group on the interfaces that carry the access group.

    Raises:
        AccessGroupNotAttached: no interface carries it.
        TooManyRules: there are more than are read.
    """
    return inbound_rules(client, sorted(groups_of(interfaces_in_front(client, access_group))))


def groups_of(interfaces: Iterable[Interface]) -> frozenset[str]:
    """Every group on some interfaces."""
    return frozenset(group for each in interfaces for group in each.groups)


def interfaces_in_front(client: EC2Client, access_group: str) -> list[Interface]:
    """The database's interfaces, as far as EC2 can tell: those that carry the access group, and where one is a
    machine's, every other one of that machine, for the database may listen there, too.

    Raises:
        AccessGroupNotAttached: no interface carries it.
        TooManyRules: there are more interfaces than are read.
    """
    interfaces = _interfaces(client, "group-id", access_group)
    if not interfaces:
        raise AccessGroupNotAttached(
            f"The group {access_group} is attached to no network interface: attach it to the database beside its own"
            " groups. Nothing was changed."
        )
    machines = sorted({each.instance_id for each in interfaces if each.instance_id})
    beside = _interfaces(client, "attachment.instance-id", *machines) if machines else []
    return list(dict.fromkeys((*interfaces, *beside)))


def guarded(front: Iterable[Interface], access_group: str) -> list[str]:
    """The private addresses of the interfaces that carry the access group."""
    return [address for each in front if access_group in each.groups for address in each.private]


def rules_of_access_group(client: EC2Client, access_group: str) -> list[Rule]:
    """The inbound rules of the access group alone."""
    return inbound_rules(client, [access_group])


def revoke(client: EC2Client, access_group: str, rules: list[Rule]) -> None:
    """Take rules out of the access group. Rules that are gone already are as good as taken out."""
    for rule in rules:
        try:
            client.revoke_security_group_ingress(GroupId=access_group, SecurityGroupRuleIds=[rule.rule_id])
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise


def revoke_until_gone(
    client: EC2Client,
    access_group: str,
    rules: list[Rule],
    unwanted: Callable[[list[Rule]], list[Rule]],
    may: Callable[[], object],
    tries: Iterable[object],
) -> list[Rule]:
    """Take rules out of the access group until it reads as it should.

    Args:
        rules: what it held a moment ago.
        unwanted: those of some rules that are to go.
        may: raises where they need not (any more); asked before each cut.
        tries: for as long as EC2's answers may lag behind an order.

    Returns:
        what is still there.
    """
    left, taken = unwanted(rules), set[str]()
    for _ in tries if left else ():
        for rule in left:
            if rule.rule_id not in taken:  # once: EC2 may show it for a while yet, and a call would only put that off
                may()
                revoke(client, access_group, [rule])
                taken.add(rule.rule_id)
        left = unwanted(rules_of_access_group(client, access_group))
        if not left:
            break
    return left


def attempts_of_each(client: EC2Client, access_group: str, port: int) -> dict[str, Callable[[], object]]:
    """Every call that edits the access group, made dry, by its name. Raises as `rules_of_access_group` does."""
    rules = rules_of_access_group(client, access_group)
    return {
        "ec2:AuthorizeSecurityGroupIngress": lambda: try_to_grant(client, access_group, port),
        "ec2:RevokeSecurityGroupIngress": lambda: try_to_revoke(client, access_group, rules),
    }


def try_to_revoke(client: EC2Client, access_group: str, rules: list[Rule]) -> None:
    """Ask for what `revoke` does, dry: EC2 refuses it, and the error's code says whether it would have been allowed."""
    rule_ids = [rule.rule_id for rule in rules[:1]]
    client.revoke_security_group_ingress(GroupId=access_group, SecurityGroupRuleIds=rule_ids, DryRun=True)


NOBODY = "192.0.2.1"
"""An address that is nobody's (RFC 5737)."""


def try_to_grant(client: EC2Client, access_group: str, port: int) -> None:
    """Ask for what `grant` does, dry and for nobody; see `try_to_revoke`.

    For nobody, so that an API that ignored `DryRun` would not grant the standby access.
    """
    permission = _permission(NOBODY, port, "dry run")
    client.authorize_security_group_ingress(GroupId=access_group, IpPermissions=[permission], DryRun=True)


def _permission(address: str, port: int, description: str) -> Any:
    length, kind, name = (128, "Ipv6Ranges", "CidrIpv6") if ":" in address else (32, "IpRanges", "CidrIp")
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        kind: [{name: f"{address}/{length}", "Description": description}],
    }


def grant(client: EC2Client, access_group: str, address: str, port: int, description: str) -> bool:
    """Allow one address on one port. A rule that is there already is as good as made.

    Returns:
        whether EC2 took it; if not, it may be tried again, and what stands has to be read in any case.
    """
    permission = _permission(address, port, description)
    try:
        client.authorize_security_group_ingress(GroupId=access_group, IpPermissions=[permission])
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "InvalidPermission.Duplicate":
            return True
        if not may_pass(error):
            raise
        return False
    return True


def _interfaces(client: EC2Client, name: str, *values: str) -> list[Interface]:
    found: list[Interface] = []
    pages = client.get_paginator("describe_network_interfaces").paginate(Filters=[{"Name": name, "Values": values}])
    for number, page in enumerate(pages):
        if number >= PAGES_AT_MOST:
            raise TooManyRules(
                f"More than {PAGES_AT_MOST} pages of network interfaces have {name} {', '.join(values)}."
            )
        found += [_interface(each) for each in page["NetworkInterfaces"]]
    return found


def _interface(data: Any) -> Interface:
    fours = data.get("PrivateIpAddresses", [])
    public = [each.get("Association", {}).get("PublicIp") for each in (data, *fours)]
    return Interface(
        interface_id=str(data.get("NetworkInterfaceId", "")),
        subnet_id=str(data.get("SubnetId", "")),
        groups=frozenset(group["GroupId"] for group in data.get("Groups", [])),
        private=(
            *(each["PrivateIpAddress"] for each in fours),
            *(each["Ipv6Address"] for each in data.get("Ipv6Addresses", [])),
        ),
        public=tuple(dict.fromkeys(each for each in public if each)),
        requester=str(data.get("RequesterId", "")),
        instance_id=str(data.get("Attachment", {}).get("InstanceId", "")),
        prefixes=(
            *(each["Ipv4Prefix"] for each in data.get("Ipv4Prefixes", [])),
            *(each["Ipv6Prefix"] for each in data.get("Ipv6Prefixes", [])),
        ),
        any_source=data.get("SourceDestCheck") is False,
        vpc_id=str(data.get("VpcId", "")),
        kind=str(data.get("InterfaceType", "interface")),
    )


def inbound_rules(client: EC2Client, groups: list[str]) -> list[Rule]:
    """Every inbound rule of some groups. Raises TooManyRules where there are more than are read."""
    found: list[Rule] = []
    pages = client.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": groups}]
    )
    for number, page in enumerate(pages):
        if number >= PAGES_AT_MOST:
            raise TooManyRules(f"The groups {', '.join(groups)} have more rules than are read.")
        found += [_rule(client, each) for each in page["SecurityGroupRules"] if not each.get("IsEgress", False)]
    return found


def _rule(client: EC2Client, data: Any) -> Rule:
    prefix_list = data.get("PrefixListId")
    return Rule(
        group_id=data["GroupId"],
        rule_id=data["SecurityGroupRuleId"],
        protocol=str(data["IpProtocol"]),
        from_port=data.get("FromPort"),
        to_port=data.get("ToPort"),
        cidr=data.get("CidrIpv4") or data.get("CidrIpv6"),
        source_group=(data.get("ReferencedGroupInfo") or {}).get("GroupId"),
        prefix_list=prefix_list,
        prefixes=_prefixes(client, prefix_list) if prefix_list else None,
        description=data.get("Description", ""),
    )


def _prefixes(client: EC2Client, prefix_list: str) -> tuple[str, ...] | None:
    try:
        pages = client.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=prefix_list)
        return tuple(entry["Cidr"] for page in pages for entry in page["Entries"])
    except ClientError:
        return None  # the rule is then unreadable, and the answer that rests on it unknown
