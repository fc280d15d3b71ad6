"""What is decided from facts alone: obstacles that no made-up account shows, and what a value may differ by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msfailover.observations import AclEntry, Instance, Interface, NetworkAcl, Rule
from msfailover.pair import Role

from failoverctl.discovery import network, plan
from failoverctl.discovery.facts import Agent, Concurrency, Database, Endpoint, Facts, Host, Route, Secret, SubnetThere
from failoverctl.discovery.facts import Wanted as Given
from failoverctl.discovery.obstacles import obstacles
from failoverctl.discovery.parameters import ANY, MANDATORY, Value

LOCAL = (Route("10.0.0.0/16", "local"),)


def host(role: Role, address: str, subnet: str, **changes: Any) -> Host:
    """A server with one interface, and nothing wrong with it."""
    instance_id = f"i-{role.value:0>17}".replace("ms", "a0")
    interface = Interface(f"eni-{role.value}", subnet, frozenset({"sg-servers"}), (address,), instance_id=instance_id)
    instance = Instance(instance_id, "running", (address,), stop_protected=False)
    about: dict[str, Any] = {
        "instance": instance,
        "interfaces": (interface,),
        "vpc": "vpc-1",
        "agent": Agent("Online", role.value, address, "Linux"),
    }
    return Host(role, instance_id, **{**about, **changes})


def subnet(name: str, cidr: str, **changes: Any) -> SubnetThere:
    return replace(SubnetThere(name, "vpc-1", "eu-central-1a", (cidr,), 250, LOCAL), **changes)


def facts(**changes: Any) -> Facts:
    """A pair with PostgreSQL on RDS and nothing in the way."""
    entries = tuple(AclEntry(100, way, True, "-1", "0.0.0.0/0") for way in (True, False))
    about: dict[str, Any] = {
        "wanted": Given("i-1", "i-2", "tectia", "ms.corp.example"),
        "ms1": host(Role.MS1, "10.0.1.10", "subnet-1"),
        "ms2": host(Role.MS2, "10.0.2.10", "subnet-2"),
        "database": Database(
            "rds", "tectia", "postgres", "tectia.example", 5432, name="tectia", vpc="vpc-1",
            groups=("sg-database",), subnets=("subnet-3",),
        ),
        "subnets": {
            name: subnet(name, cidr)
            for name, cidr in (
                ("subnet-1", "10.0.1.0/24"), ("subnet-2", "10.0.2.0/24"), ("subnet-3", "10.0.3.0/24"),
            )
        },
        "acls": (NetworkAcl("acl-1", frozenset({"subnet-3"}), entries),),
        "endpoints": (Endpoint("secretsmanager", usable=True),),
        "secrets": (Secret("arn:aws:secretsmanager:eu-central-1:1:secret:ms-failover", "ms-failover"),),
        "concurrency": Concurrency(1000, 1000),
    }  # fmt: skip
    return Facts(**{**about, **changes})


def named(found: Facts) -> list[str]:
    return [each.name for each in obstacles(found)]


def test_nothing_is_in_the_way_of_the_sample() -> None:
    assert named(facts()) == []


def machine(**changes: Any) -> Host:
    well = host(Role.MS1, "10.0.1.10", "subnet-1")
    assert well.instance
    return replace(well, instance=replace(well.instance, **changes))


def interface(**changes: Any) -> Host:
    well = host(Role.MS1, "10.0.1.10", "subnet-1")
    return replace(well, interfaces=(replace(well.interfaces[0], **changes),))


@pytest.mark.parametrize(
    ("ms1", "name"),
    [
        (machine(root_device="instance-store"), "instance-store"),
        (machine(state="terminated"), "terminated"),
        (machine(stop_protected=None), "stop-protection"),
        (interface(prefixes=("10.0.1.16/28",)), "delegated-network"),
        (interface(private=("2001:db8::10",)), "ipv6-only"),
        (host(Role.MS1, "10.0.1.10", "subnet-1", windows=True), "no-linux"),
        (host(Role.MS1, "10.0.1.10", "subnet-1", agent=Agent("Inactive", platform="Linux")), "agent-offline"),
    ],
)
def test_what_a_machine_may_be_that_it_should_not(ms1: Host, name: str) -> None:
    assert name in named(facts(ms1=ms1))


def test_a_subnet_without_room_for_the_functions() -> None:
    subnets = {**facts().subnets, "subnet-2": subnet("subnet-2", "10.0.2.0/28", free=3)}
    assert named(facts(subnets=subnets)) == ["subnet-full"]


def test_a_rule_of_which_the_source_can_t_be_read_is_not_taken_for_harmless() -> None:
    rule = Rule("sg-database", "sgr-1", "tcp", 5432, 5432, prefix_list="pl-1", prefixes=None)
    (found,) = obstacles(facts(rules=(rule,)))
    assert found.name == "owner-rule"
    assert "can't be read" in found.sentence


def test_what_could_not_be_read_is_no_obstacle_and_no_parameter() -> None:
    found = facts(acls=None, endpoints=None, secrets=None, concurrency=None, rules=None, zones=None, records=None)
    assert named(found) == []
    known = {each.name for each in plan.values(found)}
    assert known.isdisjoint({"DatabaseNetworkAclIds", "DatabaseSecretArn", "HostedZoneId"})
    needed = {each.name for each in plan.missing(found, plan.values(found), {}) if each.needed}
    assert needed == {"DatabaseSecretArn", "HostedZoneId", "AdminTlsName"}


def test_our_own_entries_of_an_earlier_deployment_take_no_numbers() -> None:
    ours = tuple(AclEntry(30, way, False, "-1", "10.0.2.10/32") for way in (True, False))
    (acl,) = facts().acls or ()
    assert network.first_number(facts(acls=(replace(acl, entries=(*acl.entries, *ours)),))) == network.FIRST_NUMBER


def test_a_function_reaches_secrets_manager_through_nat() -> None:
    routes = (*LOCAL, Route("0.0.0.0/0", "nat-1"))
    subnets = {name: replace(each, routes=routes) for name, each in facts().subnets.items()}
    assert named(facts(endpoints=(), subnets=subnets)) == []
    assert named(facts(endpoints=(Endpoint("secretsmanager", usable=False),))) == ["no-secret-endpoint"]


def test_the_longest_route_counts() -> None:
    there = subnet("subnet-1", "10.0.1.0/24", routes=(*LOCAL, Route("10.0.3.0/24", "eni-1")))
    assert network.way_of(there, ["10.0.3.7", "10.0.4.7", "192.0.2.1"]) == ["eni-1", "local", ""]


def test_a_mandatory_parameter_is_never_proposed_from_nothing() -> None:
    nothing = Facts(Given("i-1", "i-2", "tectia", "ms.corp.example"), Host(Role.MS1, "i-1"), Host(Role.MS2, "i-2"))
    values = plan.values(nothing)
    assert [each.name for each in values] == ["RecordName"], "which was given"
    needed = [each.name for each in plan.missing(nothing, values, {}) if each.needed]
    assert set(MANDATORY) - {"RecordName"} <= set(needed)


def test_the_order_of_a_list_is_no_drift_and_another_proposal_is_none_either() -> None:
    known = [Value("DatabaseSubnetIds", "a,b", ""), Value("SubnetIds", "a,b", "", frozenset("abc")),
             Value("DatabaseTls", "verify", "", ANY)]  # fmt: skip
    assert plan.drift(known, {"DatabaseSubnetIds": "b, a", "SubnetIds": "c", "DatabaseTls": "off"}) == []
    found = plan.drift(known, {"DatabaseSubnetIds": "a", "SubnetIds": "c,d", "VpcId": "vpc-1"})
    assert [(each.name, each.was, each.now) for each in found] == [
        ("DatabaseSubnetIds", "a", "a,b"), ("SubnetIds", "c,d", "a,b"),
    ]  # fmt: skip


def test_a_full_network_acl_and_one_that_allows_first_would_not_cut() -> None:
    (acl,) = facts().acls or ()
    many = tuple(AclEntry(200 + number, False, True, "-1", f"10.7.{number}.0/24") for number in range(20))
    full = facts(acls=(replace(acl, entries=(*acl.entries, *many)),))
    assert named(full) == ["acl"]
    assert "more than 20 entries" in network.why_not_cut(full)
    first = facts(acls=(replace(acl, entries=(*acl.entries, AclEntry(7, True, True, "-1", "10.0.0.0/8"))),))
    assert named(first) == ["acl"]
    assert "DatabaseNetworkAclIds" not in {each.name for each in plan.values(first)}


def test_a_rule_counts_by_what_it_admits() -> None:
    def admitted(**source: Any) -> list[str]:
        return named(facts(rules=(Rule("sg-database", "sgr-1", "tcp", 5432, 5432, **source),)))

    assert admitted(prefix_list="pl-1", prefixes=("192.0.2.0/24", "10.0.2.0/24")) == ["owner-rule"]
    assert admitted(source_group="sg-servers") == ["owner-rule"]
    assert admitted(cidr="10.0.2.10/32") == ["owner-rule"]
    assert admitted(cidr="10.0.9.0/24") == admitted(source_group="sg-other") == []
