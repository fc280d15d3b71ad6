"""What stands in the way of a pair, by name: with what it means and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msfailover.observations import Rule, parse_network

from failoverctl.discovery import network
from failoverctl.discovery.facts import Database, Facts, Host, Record

CONCURRENCY_NEEDED = 20
"""Functions that may run at once, for one pair."""
GROUPS_AT_MOST = 5
"""Security groups of one network interface, unless the quota was raised (Amazon VPC quotas)."""
TTL_AT_MOST_S = 300
FREE_NEEDED = 8
"""Addresses that the functions in the network may need in one subnet, with some to spare."""
SECOND_PORTS = {"mysql": (33060, 33062), "oracle": (1521, 2484)}
"""What an engine may listen on beside its own port."""
RUNS_AGENT = ("ssm", "ssmmessages")
"""Endpoints that the SSM agent needs where there is no way to the internet."""


@dataclass(frozen=True)
class Obstacle:
    """Something in the way.

    Args:
        name: short, for programs and for docs/deploy.md.
        sentence: what was found and what it means.
        remedy: what to do.
        blocks: whether the pair can't work at all before that is done; others lessen it, or wait until later.
    """

    name: str
    sentence: str
    remedy: str
    blocks: bool = False


def obstacles(facts: Facts) -> list[Obstacle]:
    """Everything in the way, what blocks first."""
    found = [each for check in CHECKS for each in check(facts)]
    return sorted(found, key=lambda each: not each.blocks)


def _servers(facts: Facts) -> Iterator[Obstacle]:
    first, second = facts.hosts
    if first.instance_id == second.instance_id:
        yield Obstacle("same-server", f"{first.instance_id} was given twice.", "A pair is two servers.", blocks=True)
    if first.vpc and second.vpc and first.vpc != second.vpc:
        yield Obstacle(
            "two-networks",
            f"ms1 is in {first.vpc} and ms2 in {second.vpc}: VpcId can't name both.",
            "Move one of them: the functions stand in one network.",
            blocks=True,
        )
    for host in facts.hosts:
        yield from _machine(host)
        yield from _addresses(host)
        yield from _agent(facts, host)


def _machine(host: Host) -> Iterator[Obstacle]:
    """What keeps EC2 from switching the machine off, or on again."""
    who, known = f"{host.role} ({host.instance_id})", host.instance
    if host.windows or (host.agent and host.agent.platform == "Windows"):
        yield Obstacle("no-linux", f"{who} runs Windows.", "Servers on Linux are needed.", blocks=True)
    if known is None:
        return
    if known.state in ("terminated", "shutting-down"):
        yield Obstacle("terminated", f"{who} is {known.state}.", "Give the instance in its place.", blocks=True)
    if known.stop_protected is not False:
        told = "is protected against being stopped" if known.stop_protected else "does not show its stop protection"
        yield Obstacle(
            "stop-protection",
            f"{who} {told}: no fence by power while it is so.",
            f"aws ec2 modify-instance-attribute --no-disable-api-stop --instance-id {host.instance_id}",
        )
    if known.auto_scaling:
        yield Obstacle(
            "auto-scaling",
            f"{who} belongs to the Auto Scaling group {known.auto_scaling}, which replaces a stopped instance.",
            f"aws autoscaling detach-instances --should-decrement-desired-capacity --auto-scaling-group-name"
            f" {known.auto_scaling} --instance-ids {host.instance_id}",
        )
    if known.spot:
        yield Obstacle(
            "spot", f"{who} is a Spot instance: EC2 stops and ends it when it likes.", "Use an On-Demand instance."
        )
    if known.root_device == "instance-store":
        yield Obstacle(
            "instance-store", f"{who} has its root on an instance store: it can't be stopped.", "Use a type with EBS."
        )


def _addresses(host: Host) -> Iterator[Obstacle]:
    who = f"{host.role} ({host.instance_id})"
    delegated = [prefix for each in host.interfaces for prefix in each.prefixes]
    if delegated:
        yield Obstacle(
            "delegated-network",
            f"{', '.join(delegated)} is delegated to {who}: its sessions may come from any address there.",
            "aws ec2 unassign-private-ip-addresses (or unassign-ipv6-addresses) for that prefix",
        )
    if host.addresses and all(":" in each for each in host.addresses):
        yield Obstacle(
            "ipv6-only",
            f"{who} has IPv6 addresses only, and the functions in the network have none.",
            f"aws ec2 assign-private-ip-addresses, or an interface with IPv4 for {host.instance_id}",
            blocks=True,
        )


def _agent(facts: Facts, host: Host) -> Iterator[Obstacle]:
    who = f"{host.role} ({host.instance_id})"
    if not host.asked:
        return  # said among what could not be read
    if host.agent is None:
        yield Obstacle("no-agent", f"Systems Manager knows no agent on {who}.", _agent_remedy(facts, host), blocks=True)
    elif host.agent.ping != "Online":
        yield Obstacle(
            "agent-offline",
            f"The SSM agent on {who} is {host.agent.ping or 'silent'}.",
            _agent_remedy(facts, host),
            blocks=True,
        )


def _agent_remedy(facts: Facts, host: Host) -> str:
    told = "Start amazon-ssm-agent there"
    if host.instance is not None and not host.profile:
        told += "; give the instance a profile with AmazonSSMManagedInstanceCore"
    subnet = facts.subnets.get(host.subnets[0]) if host.subnets else None
    usable = {each.service for each in facts.endpoints or () if each.usable}
    ways = network.way_of(subnet, ["8.8.8.8"]) if subnet is not None and subnet.routes is not None else ["?"]
    if facts.endpoints is not None and ways == [""] and not set(RUNS_AGENT) <= usable:
        told += f"; its subnet has no default route, and the endpoints {', '.join(RUNS_AGENT)} are not all there"
    return f"{told}."


def _owner_rules(facts: Facts) -> Iterator[Obstacle]:
    """Rules of the owner's groups that admit a server: with one, revoking access proves nothing."""
    if facts.database is None:
        return
    ports = (facts.database.port, facts.database.tls_port, *SECOND_PORTS.get(facts.engine, ()))
    for rule in facts.rules or ():
        if not any(each and rule.covers(each) for each in ports):
            continue
        answers = {host.role.value: _admits(rule, host) for host in facts.hosts}
        admitted = [role for role, answer in answers.items() if answer]
        unclear = [role for role, answer in answers.items() if answer is None]
        if admitted:
            yield Obstacle(
                "owner-rule",
                f"{rule} admits {' and '.join(admitted)}, whatever the access group does.",
                f"After `failoverctl attach`: {_revoke(rule)}",
            )
        elif unclear:
            yield Obstacle(
                "owner-rule", f"Whether {rule} admits {' and '.join(unclear)} can't be read.", "Read it by hand."
            )


def _admits(rule: Rule, host: Host) -> bool | None:
    """Whether a rule's source is a server, or holds an address of it; None where that is not known."""
    if rule.source_group is not None:
        return rule.source_group in host.groups
    sources = (rule.cidr or "",) if rule.prefix_list is None else rule.prefixes
    if sources is None or any(parse_network(each) is None for each in sources):
        return None
    return any(network.holds(source, address) for source in sources for address in host.addresses)


def _revoke(rule: Rule) -> str:
    return (
        f"aws ec2 revoke-security-group-ingress --group-id {rule.group_id} --security-group-rule-ids {rule.rule_id}"
        " (and name there whoever else needs it)"
    )


def _database(facts: Facts) -> Iterator[Obstacle]:
    database = facts.database
    if database is None:
        return
    if database.copy_of:
        yield Obstacle(
            "read-replica",
            f"{database.id} is a read replica of {database.copy_of}.",
            "Give the writer: sessions on a replica prove nothing.",
            blocks=True,
        )
    if database.engine and not facts.engine:
        yield Obstacle(
            "engine",
            f"{database.id} is {database.engine}: its sessions can't be listed by this software.",
            "PostgreSQL, MySQL, MariaDB and Oracle are known.",
            blocks=True,
        )
    for each in database.proxies or ():
        yield Obstacle(
            "proxy",
            f"RDS Proxy {each} leads to {database.id}: sessions through it show its addresses.",
            f"Both servers must connect to {database.host} itself.",
        )
    owners = [each for each in facts.groups if not each.access]
    if len(owners) >= GROUPS_AT_MOST and len(owners) == len(facts.groups):
        yield Obstacle(
            "groups-full",
            f"{database.id} has {len(owners)} security groups, and an interface takes {GROUPS_AT_MOST} by default.",
            "Merge two of them, or have the quota raised: the access group has to go beside them.",
        )
    if facts.engine == "oracle" and database.options and not database.tls_port and database.kind != "ec2":
        yield Obstacle(
            "no-tls",
            f"{database.id} has no option SSL: the monitoring role's session travels in the clear.",
            "Add the option SSL to its option group, and run this again.",
        )


def _network(facts: Facts) -> Iterator[Obstacle]:
    database = facts.database
    if database is None:
        return
    within = {each.role.value: subnet for each in facts.hosts if (subnet := network.inside(facts, each))}
    for role, subnet in within.items():
        yield Obstacle(
            "database-subnet",
            f"{role} stands in {subnet}, a subnet of the database's: no network ACL stands between the two.",
            "Move the server, or the database, to a subnet of its own; until then database and power prove the fence.",
        )
    if not within:
        yield from _acls(facts)
    for host in facts.hosts:
        yield from _route(facts, host, database)


def _acls(facts: Facts) -> Iterator[Obstacle]:
    """What keeps entries in the database's network ACLs from cutting a server off, or has them cut too much."""
    own = "Give the database's subnets a network ACL of their own, and run this again."
    reason = network.why_not_cut(facts) if network.database_acls(facts) else ""
    for acl, others in network.sharing(facts).items():
        servers = network.servers_among(facts, others)
        if servers:
            reason = ""
            yield Obstacle(
                "acl-of-servers",
                f"{acl} stands before {', '.join(servers)}, too: entries there would cut the standby off from the"
                " active server and the functions. DatabaseNetworkAclIds is left out.",
                own,
            )
        else:
            yield Obstacle(
                "acl-shared",
                f"{acl} stands before {', '.join(others[:4])}, too: the standby will be cut off from those as well.",
                f"If something there needs the standby: {own[0].lower()}{own[1:]}",
            )
    if reason:
        yield Obstacle("acl", f"No fence by the network: {reason}", "See docs/deploy.md, the network ACLs.")


def _route(facts: Facts, host: Host, database: Database) -> Iterator[Obstacle]:
    """What the way from a server to the database leads through."""
    subnet = facts.subnets.get(host.subnets[0]) if host.subnets else None
    if subnet is None or subnet.routes is None:
        return
    ways = network.way_of(subnet, network.database_networks(facts, database))
    for target in dict.fromkeys(ways):
        if target == "":
            yield Obstacle(
                "no-route",
                f"{subnet.subnet_id} of {host.role} has no route to the database ({database.vpc}).",
                "Peer the networks, or add the route.",
                blocks=True,
            )
        elif target.startswith(("nat-", "igw-", "eni-", "i-", "vpce-")):
            yield Obstacle(
                "nat",
                f"The way from {host.role} to the database leads through {target}: its address is not seen there.",
                "Route it directly (peering, transit gateway): neither session list nor network ACL holds behind NAT.",
            )


def _functions(facts: Facts) -> Iterator[Obstacle]:
    """What the functions in the network lack."""
    known = facts.concurrency
    if known is not None and known.unreserved < CONCURRENCY_NEEDED:
        yield Obstacle(
            "concurrency",
            f"{known.unreserved} Lambda functions may run at once here; a pair needs room for {CONCURRENCY_NEEDED}.",
            "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384"
            " --desired-value 1000",
        )
    mine = [facts.subnets[each] for host in facts.hosts for each in host.subnets[:1] if each in facts.subnets]
    for subnet in dict.fromkeys(each.subnet_id for each in mine):
        free = facts.subnets[subnet].free
        if free < FREE_NEEDED:
            yield Obstacle(
                "subnet-full",
                f"{subnet} has {free} addresses free, and the functions need {FREE_NEEDED}.",
                "Name another subnet of that zone as SubnetIds.",
            )
    if facts.wanted.secret and facts.secrets == ():
        yield Obstacle(
            "no-secret",
            f"There is no secret {facts.wanted.secret} here.",
            "Make it as docs/databases.md says, or name another one (--secret).",
            blocks=True,
        )
    by_tokens = facts.wanted.given.get("DatabaseIamUser") and not facts.wanted.secret
    there = any(each.service == "secretsmanager" and each.usable for each in facts.endpoints or ())
    if (
        by_tokens
        or there
        or facts.endpoints is None
        or not facts.vpc
        or all(network.reaches_out(each) for each in mine)
    ):
        return
    yield Obstacle(
        "no-secret-endpoint",
        f"{facts.vpc or 'The network'} has no usable endpoint of Secrets Manager, and its subnets no NAT: the function"
        " that lists sessions can't read its password.",
        "aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --private-dns-enabled --service-name"
        " com.amazonaws.REGION.secretsmanager, or IAM tokens (--iam-user)",
        blocks=True,
    )


def _record(facts: Facts) -> Iterator[Obstacle]:
    zone, name = facts.zone(), facts.wanted.record
    if zone is None:
        return
    mine = [each for each in facts.records or () if each.zone_id == zone.zone_id]
    for each in mine:
        if not each.simple or each.type not in ("A", "AAAA"):
            kind = "an alias or has a routing policy" if not each.simple else f"of type {each.type}"
            yield Obstacle(
                "record-not-simple",
                f"{name} in {zone.zone_id} is {kind}: only a simple A or AAAA record is changed.",
                "Replace it by a simple record with the active server's address.",
                blocks=True,
            )
            continue
        yield from _simple_record(facts, each)
    others = sorted({each.zone_id for each in facts.records or () if each.zone_id != zone.zone_id})
    if others:
        yield Obstacle(
            "record-twice",
            f"{name} is in {', '.join(others)}, too: only the record in {zone.zone_id} is changed.",
            "Remove it there, if any agent resolves it there; one stack changes one record.",
        )


def _simple_record(facts: Facts, record: Record) -> Iterator[Obstacle]:
    servers = {address for each in facts.hosts for address in each.addresses}
    if record.ttl_s > TTL_AT_MOST_S:
        yield Obstacle(
            "record-ttl",
            f"The record's TTL is {record.ttl_s} s: until then caches hold the old server's address.",
            f"Lower it to at most {TTL_AT_MOST_S} s now; RecordTtlSeconds is in effect from the first change on.",
        )
    strange = [each for each in record.values if each not in servers]
    if strange and servers:
        yield Obstacle(
            "record-elsewhere",
            f"The record leads to {', '.join(strange[:3])}, which is neither server's address.",
            "Is it a balancer's or a NAT's? The record has to hold the active server's own address.",
        )


CHECKS: tuple[Callable[[Facts], Iterator[Obstacle]], ...] = (
    _servers,
    _database,
    _owner_rules,
    _network,
    _functions,
    _record,
)
