"""The pair on AWS that is to be broken: its machines, where they stand, and whether it is a demo."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failoverctl import actions
from failoverctl.account import Account, Stack
from failoverctl.errors import CommandError, Exit, plainly

ROLES = ("ms1", "ms2")
DEMO_TAG = "ms-failover-demo"
"""On both instances of a demo (examples/demo/template.yaml); its value is the demo's stack."""
TAG = "ms-failover-acceptance"
"""On whatever an acceptance makes or changes, so that the next one finds what an interrupted one left."""


@dataclass(frozen=True)
class Server:
    """One machine of the pair.

    Args:
        role: "ms1" or "ms2".
        instance: its id.
        addresses: as the stack is configured.
        subnet: which its first interface stands in.
        demo: the demo's stack that it belongs to; empty for none.
    """

    role: str
    instance: str
    addresses: tuple[str, ...]
    subnet: str
    demo: str


@dataclass(frozen=True)
class Place:
    """The pair, and the account that it is in."""

    account: Account
    stack: Stack
    servers: Mapping[str, Server]
    vpc: str

    @property
    def demo(self) -> str:
        """The demo's stack that both servers belong to; empty where they do not belong to one."""
        found = {each.demo for each in self.servers.values()}
        return found.pop() if len(found) == 1 else ""

    @property
    def service(self) -> str:
        return self.stack.parameters["ServiceName"]

    @property
    def on_aws(self) -> bool:
        """Whether it is AWS that answers, and not a cloud of this machine's."""
        endpoint = str(self.account.client("ec2").meta.endpoint_url)
        return re.match(r"https://[a-z0-9.-]+\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)(/|$)", endpoint) is not None

    @property
    def database_subnets(self) -> list[str]:
        return re.findall(r"subnet-[0-9a-f]+", self.stack.parameters.get("DatabaseSubnetIds", ""))


def find_place(account: Account, stack: Stack) -> Place:
    """Read where the pair is. Raises CommandError where its machines are not EC2's, or can't be read."""
    given = stack.parameters
    wanted = {role: given[f"{role.capitalize()}InstanceId"] for role in ROLES}
    outside = [each for each in wanted.values() if not each.startswith("i-")]
    if outside:
        raise CommandError(
            f"{outside[0]} is no instance of EC2: acceptance reboots, stops and cuts machines off by EC2 only.",
            Exit.NOT_DONE,
        )
    with plainly("see the pair's instances"):
        answer = account.client("ec2").describe_instances(InstanceIds=list(wanted.values()))
    found = {each["InstanceId"]: each for group in answer["Reservations"] for each in group["Instances"]}
    servers = {role: _server(role, found[instance], given) for role, instance in wanted.items()}
    return Place(account, stack, servers, str(found[wanted["ms1"]].get("VpcId", "")))


def demand_demo(place: Place, named: str) -> None:
    """Raises CommandError where the pair is not a demo, and was not named.

    Args:
        named: the pair's name, as a person typed it; empty for none.
    """
    if named:
        actions.check_name(named, place.stack.pair)
    if not place.demo and not named:
        raise CommandError(
            f"The pair {place.stack.pair} is not a demo: its instances do not both bear the tag {DEMO_TAG}. Acceptance"
            " kills, cuts off and switches off what serves. Nothing was done. If that is what you want of it:"
            f" --pair {place.stack.pair}.",
            Exit.NOT_DONE,
        )


def _server(role: str, instance: Mapping[str, Any], given: Mapping[str, str]) -> Server:
    tags = {each["Key"]: each["Value"] for each in instance.get("Tags", [])}
    return Server(
        role,
        str(instance["InstanceId"]),
        # AWS gives a list as it was typed, moto as Python writes it.
        tuple(re.findall(r"[0-9A-Fa-f.:]{2,}", given[f"{role.capitalize()}Addresses"])),
        str(instance.get("SubnetId", "")),
        str(tags.get(DEMO_TAG, "")),
    )
