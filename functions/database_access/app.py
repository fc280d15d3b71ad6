"""`database_access`: the access group and the network ACLs. Says who can get in to it, revokes and grants access.

Actions: status, foreign (by the owner's groups alone?), cut (does the network deny the server? a proof reads it twice),
could_cut (would our entries cut it off?), rights (may we edit both? tried dry), revoke_access, grant_access, keep_out.
The last three edit the stack's own group and our own entries only; the answer is about every one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from msfailover.adapters import clients, ec2_power, network_acls, permission_checks, security_groups
from msfailover.adapters.pair_table import PairTable
from msfailover.decisions import access, audit, fence, machine, network_fence
from msfailover.observations import AclEntry, NetworkAcl, Rule, Subnet
from msfailover.pair import FencedBy, PairState, Receipt, Role, Server
from msfailover.request import Order, order_in, role_in
from msfailover.runtime import observability
from msfailover.runtime.authority import Authority
from msfailover.runtime.environment import read
from msfailover.runtime.handler import Action, Context, Handler, log_of_server
from msfailover.runtime.settings import AccessSettings
from msfailover.verdict import Verdict, unknown

logger = observability.logger_for("database_access")
Access = Context[AccessSettings]
CALLS_AT_ONCE = 8


class AccessNotAsOrdered(Exception):
    """EC2 took the order, but the access group still does not read as it should."""


@dataclass(frozen=True)
class Cut:
    """Whether one server is cut off; a proof reads it twice."""

    role: Role
    proof: bool


def status(context: Access, role: Role) -> Verdict:
    """Can the server get in to the database now, by the groups' rules? What EC2 does not say is unknown.

    The evidence holds `guarded` (private addresses behind the access group), `addresses` and `unconfigured` (EC2's of
    it), `stray` (rules not expected where it must be out); with ACLs `network` (is it cut off?), `denials` (ours).
    """
    server = _server(context, role)
    with _Sight(context, server) as sight:
        return sight.with_network(server, sight.can_get_in(server))


def foreign(context: Access, role: Role) -> Verdict:
    """Could the server get in with access revoked, by a rule of the owner's? Then no group could prove a fence here."""
    server = _server(context, role)
    with _Sight(context, server) as sight:
        return sight.can_get_in(server, own_rules=False)


def cut(context: Access, asked: Cut) -> Verdict:
    """Does no packet pass between the server and the database, by the network ACLs as they are now?

    In a `proof` it is read again after the time that EC2 may take until a change is in effect, where it takes any.
    """
    server, settles_s = _server(context, asked.role), context.settings.access_settles_s
    with _Sight(context, server) as sight:
        verdict = sight.is_cut(server)
    if asked.proof and verdict.is_yes and settles_s > 0:
        context.clock.sleep(settles_s)
        with _Sight(context, server) as sight:
            verdict = sight.is_cut(server)
    return verdict


def could_cut(context: Access, role: Role) -> Verdict:
    """Would our own entries cut the server off, if they were written now? Writes nothing."""
    server = _server(context, role)
    with _Sight(context, server) as sight:
        return sight.is_cut(server, written=True)


def rights(context: Access, _role: Role) -> Verdict:
    """May we edit the access group and the network ACLs? Tried dry: nothing is changed."""
    settings, client = context.settings, context.clients.ec2()
    try:
        calls = security_groups.attempts_of_each(client, settings.access_group, settings.database_port)
    except security_groups.UNREADABLE as error:
        return unknown(f"Whether the access group may be edited is not known: {error}")
    number = network_fence.number_for_trying(settings.first_entry)
    calls |= network_acls.attempts_of_each(client, settings.network_acls, number)
    return permission_checks.try_all(calls, "DryRunOperation")


def revoke_access(context: Access, order: Order) -> Verdict:
    """Deny the server in the network ACLs and take its rules out of the access group, side by side; read both back.

    Returns:
        whether it can still get in, by any group's rules: an owner's broad rule makes this *yes*, and is named. Its
        evidence holds `network`, whether the network cuts it off.

    Raises:
        NoReceipt: no change away from this server is under way; a late order never takes the active server's access.
        AccessNotAsOrdered: its rules are still in the access group when the time is over. It may be cut off.
    """
    server = _server(context, order.role)
    may = Authority(partial(_state, context), lambda state: fence.demand_change(state, order.role, order.epoch))
    with _Edits(context, server) as edits:
        may()
        denied = edits.put_out(server, may)
        return edits.with_network(server, edits.can_get_in(server), denied)


def grant_access(context: Access, order: Order) -> Verdict:
    """Grant the server access, and nobody else: until its own rule is made, whatever other rules allow.

    Raises:
        NoReceipt: the other server's fence is not proven in this epoch.
        OtherServerCanGetIn: what the proof rests on, network, access group or power, does not keep it out any more.
        AccessNotAsOrdered: it is not so when the time is over. Throttled: EC2 refused to be read.
    """
    settings, server, other = context.settings, _server(context, order.role), _server(context, order.role.other)
    may = Authority(partial(_state, context), lambda state: fence.demand_receipt(state, order.role, order.epoch))
    with _Edits(context, server, other) as edits:
        receipt = may()
        edits.demand_out(other, receipt, edits.put_out(other, may))
        edits.lift(server, may)
        rule, granted = (server.address, settings.database_port, f"{order.role}, epoch {order.epoch}"), False
        for _ in context.attempts(settings.settle_s):
            may()
            granted = granted or security_groups.grant(context.clients.ec2_once(), settings.access_group, *rule)
            verdict = edits.can_get_in(server)
            if granted and verdict.is_yes:
                return verdict
    security_groups.demand_read(verdict)
    taken = "" if granted else ", EC2 did not take its rule"
    raise AccessNotAsOrdered(f"{server.role} is not granted access{taken}: {verdict.sentence}")


def keep_out(context: Access, role: Role) -> Verdict:
    """Put a server that must be out back out, as somebody granted it access by hand. Needs no change under way.

    Our entries that deny it are written again, what is not expected leaves the access group. The record is read before
    each cut: a failover to this very server may have begun meanwhile. Returns as `revoke_access`.

    Raises:
        NotToBeKeptOut: the record does not say that this server must be out.
        AccessNotAsOrdered: its rules are still in the access group when the time is over.
    """
    server, other, may = _server(context, role), _server(context, role.other), partial(_demand_out, context, role)
    may()
    with _Edits(context, server, other) as edits:
        denied = edits.put_out(server, may)
        edits.tidy(server, may)
        return edits.with_network(server, edits.can_get_in(server), denied)


class _Sight:
    """Who can get in, as EC2 shows it. What does not depend on each other is asked for side by side.

    Which interfaces are whose is read once, a moment ago; rules and entries are read anew for each answer.
    """

    def __init__(self, context: Access, *servers: Server) -> None:
        client = context.clients.ec2()
        self._context, self._settings, self._client = context, context.settings, client
        self._read_acls = partial(network_acls.acls_named, client, context.settings.network_acls)
        self._threads = context.threads(max_workers=CALLS_AT_ONCE)
        self._members = {each.role: self._threads.submit(security_groups.membership, client, each) for each in servers}
        self._front = self._threads.submit(security_groups.interfaces_in_front, client, context.settings.access_group)
        self._acls: Future[list[NetworkAcl]] | None = self._threads.submit(self._read_acls)
        self._subnets = self._threads.submit(self._subnets_now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def can_get_in(self, server: Server, *, own_rules: bool = True) -> Verdict:
        """Can the server get in, by the rules as they are now? What EC2 does not say is unknown.

        Args:
            server: one of those it was made for.
            own_rules: whether the access group's own rules count.
        """
        try:
            front = self._front.result()
            rules = security_groups.inbound_rules(self._client, sorted(security_groups.groups_of(front)))
            member = self._members[server.role].result()
        except security_groups.UNREADABLE as error:
            return security_groups.unread(f"Whether {server.role} can get in", error)
        counting = [rule for rule in rules if own_rules or rule.group_id != self._settings.access_group]
        seen = (member.groups, member.addresses, counting, self._settings.ports)
        verdict = access.can_get_in(server, *seen, any_source=member.any_source)
        own = self._unwanted(server, [rule for rule in rules if rule.group_id == self._settings.access_group])
        guarded = security_groups.guarded(front, self._settings.access_group)
        return verdict.having(guarded=guarded, stray=[str(each) for each in own], **member.told(server))

    def is_cut(self, server: Server, *, written: bool = False) -> Verdict:
        """Does no packet pass between the server and the database, by the ACLs as they are now?

        Args:
            server: one of those it was made for.
            written: whether to judge as if our entries for it were written.
        """
        if not self._settings.network_acls:
            return unknown(
                f"Whether {server.role} is cut off is not known: DatabaseNetworkAclIds names no network ACL."
            )
        numbers = self._numbers(server)
        try:
            front, acls = self._front.result(), self._acls_now()
            own, subnets = self._members[server.role].result().interfaces, self._subnets.result()
            gateways = security_groups.gateways_to(self._client, own, front, [each.subnet_id for each in subnets])
        except security_groups.UNREADABLE as error:
            return security_groups.unread(f"Whether {server.role} is cut off", error)
        read = (tuple(subnets), tuple(acls), gateways)
        ground = network_fence.Ground(server, own, tuple(front), self._settings.subnets, *read)
        verdict = network_fence.could_be_cut(ground, numbers) if written else network_fence.is_cut(ground)
        guarded = security_groups.guarded(front, self._settings.access_group)
        return verdict.having(guarded=guarded, **network_fence.told(ground, numbers))

    def with_network(self, server: Server, access: Verdict, network: Verdict | None = None) -> Verdict:
        """An answer about the groups, with what the network says in its evidence; unchanged where there are no ACLs."""
        if not self._settings.network_acls:
            return access
        network = network or self.is_cut(server)
        told = {name: network.evidence.get(name, []) for name in ("denials", "useless")}
        return access.having(network={"answer": network.answer.value, "sentence": network.sentence}, **told)

    def _numbers(self, server: Server) -> range:
        return network_fence.numbers_of(server.role, self._settings.first_entry)

    def _subnets_now(self) -> list[Subnet]:
        """The subnets that the database may be in; their networks change with no order."""
        if not self._settings.network_acls:
            return []
        wanted = network_fence.subnets_of(self._front.result(), self._settings.subnets)
        return network_acls.subnets(self._client, wanted)

    def _unwanted(self, server: Server, rules: list[Rule]) -> list[Rule]:
        """The access group's rules that are not expected where this server must be out."""
        others = self._settings.pair.other(server.role).addresses
        return access.not_expected(rules, self._settings.functions_group, others)

    def _acls_now(self) -> list[NetworkAcl]:
        """The ACLs: as read at the beginning for the first who asks, read anew for everybody after."""
        first, self._acls = self._acls, None
        return first.result() if first is not None else self._read_acls()


class _Edits(_Sight):
    """Sees as `_Sight`, and edits the access group and our own entries.

    That group's rules are read apart from everybody's, so that access can be revoked whatever the owner's groups are.
    """

    def __init__(self, context: Access, *servers: Server) -> None:
        super().__init__(context, *servers)
        group = self._settings.access_group
        self._access_group = self._threads.submit(security_groups.rules_of_access_group, self._client, group)

    def put_out(self, server: Server, may: Callable[[], object]) -> Verdict:
        """Deny the server in the ACLs and revoke its access, side by side.

        Args:
            may: raises where the server need not be out (any more); asked before each cut.

        Returns:
            whether the network cuts it off, as read back.

        Raises:
            AccessNotAsOrdered: the access group still allows it when the time is over. It may be cut off all the same.
        """
        with self._context.threads(max_workers=1) as beside:
            denied = beside.submit(self.deny, server, may)
            self._revoke(server, may)
        return denied.result()

    def tidy(self, server: Server, may: Callable[[], object]) -> None:
        """Take out our entries that deny addresses which are not the server's any more, nor anybody else's."""
        useless = network_fence.useless(acls := self._read_acls(), self._known(server), self._numbers(server))
        for each in self._ours(server, acls) if useless else ():
            if each in useless:
                may()
                network_acls.is_deleted(self._context.clients.ec2_once(), each.acl_id, each.entry)  # or a minute later

    def deny(self, server: Server, may: Callable[[], object]) -> Verdict:
        """Write what the ACLs lack to deny the server, and read back whether it is cut off.

        What can't be written leaves it uncut, and is said; it keeps nothing else from being done.
        """
        if not self._settings.network_acls:
            return self.is_cut(server)
        numbers, problems = self._numbers(server), list[str]()
        try:
            for _ in self._context.attempts(self._settings.settle_s):
                if not (lacking := network_fence.missing(self._acls_now(), self._known(server), numbers)):
                    break
                may()
                unwritten = network_acls.put_each(self._context.clients.ec2_once(), lacking)
                problems = [each.sentence for each in unwritten]
                if (verdict := self.is_cut(server)).is_yes:  # else EC2 may still show the older answer
                    return verdict
                if not all(each.passes for each in unwritten):
                    break
        except (*security_groups.UNREADABLE, network_fence.NoRoomForEntries) as error:
            problems = [str(error)]
        verdict = self.is_cut(server)
        return replace(verdict, sentence=" ".join((verdict.sentence, *([] if verdict.is_yes else problems[:1]))))

    def lift(self, server: Server, may: Callable[[], object]) -> None:
        """Take our denials of the server out of the ACLs and read that back. Raises AccessNotAsOrdered."""
        if not self._settings.network_acls:
            return
        acls, tries = list[NetworkAcl](), self._context.attempts(self._settings.settle_s)

        def ours() -> list[tuple[str, AclEntry]]:
            acls[:] = self._read_acls()
            return [(each.acl_id, each.entry) for each in self._ours(server, acls)]

        for acl_id, entry in network_acls.delete_until_gone(self._context.clients.ec2_once(), ours, may, tries):
            raise AccessNotAsOrdered(f"{server.role} is still denied, by {entry} of {acl_id}.")
        foreign = network_fence.denied_by_others(acls, server.address, self._numbers(server))
        if foreign:
            raise AccessNotAsOrdered(
                f"{server.role} is denied by {foreign}, which is no entry of this stack's for it and was left alone."
            )

    def demand_out(self, other: Server, receipt: Receipt, network: Verdict) -> None:
        """Demand that what the other server's proof rests on still reads as it did; raises as `fence.demand_holds`."""
        found = network
        if receipt.by is not FencedBy.NETWORK:
            found = self.can_get_in(other) if receipt.by is FencedBy.DATABASE else _power(self._context, other)
        security_groups.demand_read(found)
        fence.demand_holds(receipt, found)

    def _ours(self, server: Server, acls: list[NetworkAcl]) -> list[network_fence.Placed]:
        """The entries under the server's numbers that are ours to take out: not one that denies an address of another
        machine's, which another stack may have written that has the same numbers in this ACL."""
        others = network_fence.useless(acls, self._known(server), self._numbers(server))
        held = security_groups.held(self._client, [each.address for each in others])
        found = network_fence.denials(acls, self._numbers(server))
        return [each for each in found if not (each in others and each.address in held)]

    def _known(self, server: Server) -> tuple[str, ...]:
        return network_fence.addresses_of(server, self._members[server.role].result().interfaces)

    def _revoke(self, server: Server, may: Callable[[], object]) -> None:
        """Take all out of the access group but what allows the functions and the other server, and read that back.

        Whatever else stands in the stack's own group belongs to nobody, and may allow the server.
        """
        tries, unwanted = self._context.attempts(self._settings.settle_s), partial(self._unwanted, server)
        there, group = self._access_group.result(), self._settings.access_group
        left = security_groups.revoke_until_gone(self._client, group, there, unwanted, may, tries)
        if left:
            seconds, names = self._settings.settle_s, ", ".join(map(str, left))
            raise AccessNotAsOrdered(f"{server.role} can still get in after {seconds:g} s, by {names}.")


def _power(context: Access, server: Server) -> Verdict:
    """Is the server's machine off still? Somebody may have switched it on since that was proven."""
    try:
        seen = ec2_power.see(context.clients.ec2(), server)
    except ec2_power.MachineUnseen as error:
        return error.verdict
    table = PairTable.of(context)
    return machine.is_on(server, seen, owned_before=machine.was_owner(server, table.read(), table.machines()))


def _demand_out(context: Access, role: Role) -> None:
    audit.demand_out(_state(context), role)


def _server(context: Access, role: Role) -> Server:
    return context.settings.pair.server(role)


def _state(context: Access) -> PairState:
    return PairTable.of(context).read()


ACTIONS: dict[str, Action[AccessSettings, Any]] = {
    "revoke_access": Action(order_in, revoke_access),
    "grant_access": Action(order_in, grant_access),
    "cut": Action(lambda event: Cut(role_in(event), event.get("proof") is True), cut),
    "status": Action(role_in, status),
    "foreign": Action(role_in, foreign),
    "could_cut": Action(role_in, could_cut),
    "rights": Action(role_in, rights),
    "keep_out": Action(role_in, keep_out),
}
handler = Handler(logger, ACTIONS, Context(read(AccessSettings, os.environ), clients), log_of_server)
