"""`database_access`: the door. Says who can get in to the database, shuts one server out, lets one in.

Actions: status, foreign (by the owner's groups alone?), rights (may we edit the door? tried dry), revoke, grant,
keep_out. The last three edit the stack's own group only; the answer is about every one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from botocore.exceptions import ClientError
from msfailover import audit, doors, fence, observing
from msfailover.adapters import aws, dry, security_groups
from msfailover.adapters.pair_table import PairTable
from msfailover.environment import read
from msfailover.evidence import Rule
from msfailover.pair import FencedBy, PairState, Server
from msfailover.request import BadRequest, epoch_in, role_in
from msfailover.settings import AccessSettings
from msfailover.verdict import Verdict, unknown
from msfailover.waiting import attempts

SETTINGS = read(AccessSettings, os.environ)
logger = observing.logger_for("database_access")


class DoorNotAsOrdered(Exception):
    """EC2 took the order, but the door still does not read as it should."""


class OtherServerCanGetIn(Exception):
    """A server was not let in because the other one can get in, or may be able to, as read this moment."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observing.begin(logger, event)
    action, server = event.get("action"), SETTINGS.pair.server(role_in(event))
    if action == "status":
        verdict = status(server)
    elif action == "foreign":
        verdict = foreign(server)
    elif action == "rights":
        verdict = rights()
    elif action == "revoke":
        verdict = revoke(server, epoch_in(event))
    elif action == "grant":
        verdict = grant(server, epoch_in(event))
    elif action == "keep_out":
        verdict = keep_out(server)
    else:
        known = "status, foreign, rights, revoke, grant, keep_out"
        raise BadRequest(f"action is {str(action)[:40]!r}, but one of {known} is needed.")
    logger.info(verdict.sentence, extra={"asked": action, "server": server.role, "answer": verdict.answer})
    return verdict.to_json()


def status(server: Server) -> Verdict:
    """Can the server get in to the database now? What EC2 does not tell is unknown."""
    with _Sight(server) as sight:
        return sight.can_get_in(server)


def foreign(server: Server) -> Verdict:
    """Could the server get in with the door shut, by a rule of the owner's? Then no fence could be proven here."""
    with _Sight(server) as sight:
        return sight.can_get_in(server, door=False)


def rights() -> Verdict:
    """May we edit the door? Tried dry: nothing is changed."""
    client, port = aws.ec2(), SETTINGS.database_port
    try:
        rules = security_groups.rules_of_door(client, SETTINGS.door_group)
    except (security_groups.TooManyRules, ClientError) as error:
        return unknown(f"Whether the door may be edited is not known: {error}")
    return dry.try_all(
        {
            "ec2:AuthorizeSecurityGroupIngress": lambda: security_groups.try_to_open(client, SETTINGS.door_group, port),
            "ec2:RevokeSecurityGroupIngress": lambda: security_groups.try_to_shut(client, SETTINGS.door_group, rules),
        },
        "DryRunOperation",
    )


def revoke(server: Server, epoch: int) -> Verdict:
    """Take the server's rules out of the door, and read back until they are gone.

    Returns:
        whether it can still get in, by any group's rules: an owner's broad rule makes this *yes*, and is named.

    Raises:
        NoReceipt: no change away from this server is under way; the active server is never shut out by a late order.
        DoorNotAsOrdered: its rules are still in the door when the time is over.
    """
    with _Order(server) as order:
        fence.demand_change(order.state(), server.role, epoch)
        order.shut(server)
        return order.can_get_in(server)


def grant(server: Server, epoch: int) -> Verdict:
    """Let the server in, and nobody else, and read back until it can get in.

    Raises:
        NoReceipt: the other server's fence is not proven in this epoch.
        OtherServerCanGetIn: the proof was by database, but the door does not read as shut any more.
        DoorNotAsOrdered: the server still can't get in when the time is over.
    """
    other = SETTINGS.pair.other(server.role)
    with _Order(server, other) as order:
        receipt = fence.demand_receipt(order.state(), server.role, epoch)
        order.shut(other)
        if receipt.by is FencedBy.DATABASE:
            others = order.can_get_in(other)
            if not others.is_no:
                raise OtherServerCanGetIn(f"{server.role} was not let in: {others.sentence}")
        security_groups.open_for(
            aws.ec2(), SETTINGS.door_group, server.address, SETTINGS.database_port, f"{server.role}, epoch {epoch}"
        )
        for _ in attempts(SETTINGS.settle_s):
            verdict = order.can_get_in(server)
            if verdict.is_yes:
                return verdict
    raise DoorNotAsOrdered(f"{server.role} was let in, but the door does not show it: {verdict.sentence}")


def keep_out(server: Server) -> Verdict:
    """Take out of the door what lets in a server that must be out, as somebody did by hand. Needs no change under way.

    The record is read again before each cut: a failover to this very server may have begun meanwhile.

    Returns:
        whether it can still get in, by any group's rules.

    Raises:
        NotToBeKeptOut: the record does not say that this server must be out.
        DoorNotAsOrdered: its rules are still in the door when the time is over.
    """
    addresses = security_groups.membership(aws.ec2(), server).addresses
    for _ in attempts(SETTINGS.settle_s):
        letting_in = doors.lets_in_through(
            security_groups.rules_of_door(aws.ec2(), SETTINGS.door_group), server, addresses
        )
        audit.demand_out(_state(), server.role)
        if not letting_in:
            return status(server)
        security_groups.shut(aws.ec2(), SETTINGS.door_group, letting_in)
    raise _still_open(server, letting_in)


class _Sight:
    """Who can get in, as EC2 shows it. What does not depend on each other is asked for side by side.

    Which interfaces belong to which groups is read once, a moment ago; the rules are read anew for each answer.
    """

    def __init__(self, *servers: Server) -> None:
        client = aws.ec2()
        self._threads = ThreadPoolExecutor(max_workers=5)
        self._members = {each.role: self._threads.submit(security_groups.membership, client, each) for each in servers}
        self._groups = self._threads.submit(security_groups.groups_in_front, client, SETTINGS.door_group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def can_get_in(self, server: Server, *, door: bool = True) -> Verdict:
        """Can the server get in, by the rules as they are now? What EC2 does not tell is unknown.

        Args:
            server: one of those it was made for.
            door: whether the door's own rules count.
        """
        try:
            rules = security_groups.inbound_rules(aws.ec2(), self._groups.result())
            rules = [rule for rule in rules if door or rule.group_id != SETTINGS.door_group]
            member = self._members[server.role].result()
        except (security_groups.DoorNotAttached, security_groups.TooManyRules, ClientError) as error:
            return unknown(f"Whether {server.role} can get in is not known: {error}")
        return doors.can_get_in(server, member.groups, member.addresses, rules, SETTINGS.database_port)


class _Order(_Sight):
    """What an order needs to see beside that: the record that allows it, and the door's own rules.

    Those are read apart from everybody's, so that a door can be shut whatever the owner's groups look like.
    """

    def __init__(self, *servers: Server) -> None:
        client, door = aws.ec2(), SETTINGS.door_group
        super().__init__(*servers)
        self._state = self._threads.submit(_state)
        self._door = self._threads.submit(security_groups.rules_of_door, client, door)

    def state(self) -> PairState:
        return self._state.result()

    def shut(self, server: Server) -> None:
        """Take the server's rules out of the door, and read back until they are gone. Raises DoorNotAsOrdered."""
        addresses = self._members[server.role].result().addresses
        letting_in = doors.lets_in_through(self._door.result(), server, addresses)
        if not letting_in:
            return
        for _ in attempts(SETTINGS.settle_s):
            security_groups.shut(aws.ec2(), SETTINGS.door_group, letting_in)
            rules = security_groups.rules_of_door(aws.ec2(), SETTINGS.door_group)
            letting_in = doors.lets_in_through(rules, server, addresses)
            if not letting_in:
                return
        raise _still_open(server, letting_in)


def _still_open(server: Server, letting_in: list[Rule]) -> DoorNotAsOrdered:
    rules = ", ".join(map(str, letting_in))
    return DoorNotAsOrdered(f"The door still lets {server.role} in after {SETTINGS.settle_s:g} s: {rules}.")


def _state() -> PairState:
    return PairTable(aws.dynamodb(), SETTINGS.table, SETTINGS.pair.name).read()
