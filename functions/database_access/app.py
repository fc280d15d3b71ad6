"""`database_access`: the access group and the network ACLs. Says who can get in to it, revokes and grants access.

Actions: status, foreign (by the owner's groups alone?), cut (does the network deny the server? a proof reads it twice),
could_cut (would our entries cut it off?), rights (may we edit both? tried dry), revoke_access, grant_access, keep_out.
The last three edit the stack's own group and our own entries only; the answer is about every one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, Self

from msfailover.adapters import clients, ec2_power, network_acls, permission_checks, security_groups
from msfailover.adapters.pair_table import PairTable
from msfailover.decisions import access, audit, fence, machine, network_fence
from msfailover.observations import AclEntry, NetworkAcl, Rule, Subnet
from msfailover.pair import FencedBy, PairState, Receipt, Server
from msfailover.request import BadRequest, epoch_in, role_in
from msfailover.runtime import observability
from msfailover.runtime.authority import Authority
from msfailover.runtime.environment import read
from msfailover.runtime.polling import attempts
from msfailover.runtime.settings import AccessSettings
from msfailover.verdict import Verdict, unknown

SETTINGS = read(AccessSettings, os.environ)
logger = observability.logger_for("database_access")
CALLS_AT_ONCE = 8


class AccessNotAsOrdered(Exception):
    """EC2 took the order, but the access group still does not read as it should."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    observability.begin(logger, event)
    action, server = event.get("action"), SETTINGS.pair.server(role_in(event))
    if action == "revoke_access":
        verdict = revoke_access(server, epoch_in(event))
    elif action == "grant_access":
        verdict = grant_access(server, epoch_in(event))
    elif action == "cut":
        verdict = cut(server, proof=event.get("proof") is True)
    elif action in ACTIONS:
        verdict = ACTIONS[str(action)](server)
    else:
        known = ", ".join(("revoke_access", "grant_access", "cut", *ACTIONS))
        raise BadRequest(f"action is {str(action)[:40]!r}, but one of {known} is needed.")
    logger.info(verdict.sentence, extra={"asked": action, "server": server.role, "answer": verdict.answer})
    return verdict.to_json()


def status(server: Server) -> Verdict:
    """Can the server get in to the database now, by the groups' rules? What EC2 does not say is unknown.

    The evidence holds `guarded` (private addresses behind the access group), `addresses` and `unconfigured` (EC2's of
    it), `stray` (rules not expected where it must be out); with ACLs `network` (is it cut off?), `denials` (ours).
    """
    with _Sight(server) as sight:
        return sight.with_network(server, sight.can_get_in(server))


def foreign(server: Server) -> Verdict:
    """Could the server get in with access revoked, by a rule of the owner's? Then no group could prove a fence here."""
    with _Sight(server) as sight:
        return sight.can_get_in(server, own_rules=False)


def cut(server: Server, *, proof: bool) -> Verdict:
    """Does no packet pass between the server and the database, by the network ACLs as they are now?

    In a `proof` it is read again after the time that EC2 may take until a change is in effect, where it takes any.
    """
    with _Sight(server) as sight:
        verdict = sight.is_cut(server)
    if proof and verdict.is_yes and SETTINGS.access_settles_s > 0:
        time.sleep(SETTINGS.access_settles_s)
        with _Sight(server) as sight:
            verdict = sight.is_cut(server)
    return verdict


def could_cut(server: Server) -> Verdict:
    """Would our own entries cut the server off, if they were written now? Writes nothing."""
    with _Sight(server) as sight:
        return sight.is_cut(server, written=True)


def rights(_server: Server) -> Verdict:
    """May we edit the access group and the network ACLs? Tried dry: nothing is changed."""
    try:
        calls = security_groups.attempts_of_each(clients.ec2(), SETTINGS.access_group, SETTINGS.database_port)
    except security_groups.UNREADABLE as error:
        return unknown(f"Whether the access group may be edited is not known: {error}")
    number = network_fence.number_for_trying(SETTINGS.first_entry)
    calls |= network_acls.attempts_of_each(clients.ec2(), SETTINGS.network_acls, number)
    return permission_checks.try_all(calls, "DryRunOperation")


def revoke_access(server: Server, epoch: int) -> Verdict:
    """Deny the server in the network ACLs and take its rules out of the access group, side by side; read both back.

    Returns:
        whether it can still get in, by any group's rules: an owner's broad rule makes this *yes*, and is named. Its
        evidence holds `network`, whether the network cuts it off.

    Raises:
        NoReceipt: no change away from this server is under way; a late order never takes the active server's access.
        AccessNotAsOrdered: its rules are still in the access group when the time is over. It may be cut off.
    """
    may = Authority(_state, lambda state: fence.demand_change(state, server.role, epoch))
    with _Order(server) as order:
        may()
        denied = order.put_out(server, may)
        return order.with_network(server, order.can_get_in(server), denied)


def grant_access(server: Server, epoch: int) -> Verdict:
    """Grant the server access, and nobody else: until its own rule is made, whatever other rules allow.

    Raises:
        NoReceipt: the other server's fence is not proven in this epoch.
        OtherServerCanGetIn: what the proof rests on, network, access group or power, does not keep it out any more.
        AccessNotAsOrdered: it is not so when the time is over. Throttled: EC2 refused to be read.
    """
    other = SETTINGS.pair.other(server.role)
    may = Authority(_state, lambda state: fence.demand_receipt(state, server.role, epoch))
    with _Order(server, other) as order:
        receipt = may()
        order.demand_out(other, receipt, order.put_out(other, may))
        order.lift(server, may)
        rule, granted = (server.address, SETTINGS.database_port, f"{server.role}, epoch {epoch}"), False
        for _ in attempts(SETTINGS.settle_s):
            may()
            granted = granted or security_groups.grant(clients.ec2_once(), SETTINGS.access_group, *rule)
            verdict = order.can_get_in(server)
            if granted and verdict.is_yes:
                return verdict
    security_groups.demand_read(verdict)
    taken = "" if granted else ", EC2 did not take its rule"
    raise AccessNotAsOrdered(f"{server.role} is not granted access{taken}: {verdict.sentence}")


def keep_out(server: Server) -> Verdict:
    """Put a server that must be out back out, as somebody granted it access by hand. Needs no change under way.

    Our entries that deny it are written again, what is not expected leaves the access group. The record is read before
    each cut: a failover to this very server may have begun meanwhile. Returns as `revoke_access`.

    Raises:
        NotToBeKeptOut: the record does not say that this server must be out.
        AccessNotAsOrdered: its rules are still in the access group when the time is over.
    """
    may = partial(_demand_out, server)
    may()
    with _Order(server, SETTINGS.pair.other(server.role)) as order:
        denied = order.put_out(server, may)
        order.tidy(server, may)
        return order.with_network(server, order.can_get_in(server), denied)


class _Sight:
    """Who can get in, as EC2 shows it. What does not depend on each other is asked for side by side.

    Which interfaces are whose is read once, a moment ago; rules and entries are read anew for each answer.
    """

    def __init__(self, *servers: Server) -> None:
        client = clients.ec2()
        self._threads = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE)
        self._members = {each.role: self._threads.submit(security_groups.membership, client, each) for each in servers}
        self._front = self._threads.submit(security_groups.interfaces_in_front, client, SETTINGS.access_group)
        self._acls: Future[list[NetworkAcl]] | None = self._threads.submit(_acls)
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
            rules = security_groups.inbound_rules(clients.ec2(), sorted(security_groups.groups_of(front)))
            member = self._members[server.role].result()
        except security_groups.UNREADABLE as error:
            return security_groups.unread(f"Whether {server.role} can get in", error)
        counting = [rule for rule in rules if own_rules or rule.group_id != SETTINGS.access_group]
        seen = (member.groups, member.addresses, counting, SETTINGS.ports)
        verdict = access.can_get_in(server, *seen, any_source=member.any_source)
        own = _unwanted(server, [rule for rule in rules if rule.group_id == SETTINGS.access_group])
        guarded = security_groups.guarded(front, SETTINGS.access_group)
        return verdict.having(guarded=guarded, stray=[str(each) for each in own], **member.told(server))

    def is_cut(self, server: Server, *, written: bool = False) -> Verdict:
        """Does no packet pass between the server and the database, by the ACLs as they are now?

        Args:
            server: one of those it was made for.
            written: whether to judge as if our entries for it were written.
        """
        if not SETTINGS.network_acls:
            return unknown(
                f"Whether {server.role} is cut off is not known: DatabaseNetworkAclIds names no network ACL."
            )
        numbers = self._numbers(server)
        try:
            front, acls = self._front.result(), self._acls_now()
            own, subnets = self._members[server.role].result().interfaces, self._subnets.result()
            gateways = security_groups.gateways_to(clients.ec2(), own, front, [each.subnet_id for each in subnets])
        except security_groups.UNREADABLE as error:
            return security_groups.unread(f"Whether {server.role} is cut off", error)
        read = (tuple(subnets), tuple(acls), gateways)
        ground = network_fence.Ground(server, own, tuple(front), SETTINGS.subnets, *read)
        verdict = network_fence.could_be_cut(ground, numbers) if written else network_fence.is_cut(ground)
        return verdict.having(
            guarded=security_groups.guarded(front, SETTINGS.access_group),
            denials=[str(each) for each in network_fence.denials_of(acls, ground.addresses, numbers)],
            useless=[str(each) for each in network_fence.useless(acls, ground.addresses, numbers)],
        )

    def with_network(self, server: Server, access: Verdict, network: Verdict | None = None) -> Verdict:
        """An answer about the groups, with what the network says in its evidence; unchanged where there are no ACLs."""
        if not SETTINGS.network_acls:
            return access
        network = network or self.is_cut(server)
        told = {name: network.evidence.get(name, []) for name in ("denials", "useless")}
        return access.having(network={"answer": network.answer.value, "sentence": network.sentence}, **told)

    @staticmethod
    def _numbers(server: Server) -> range:
        return network_fence.numbers_of(server.role, SETTINGS.first_entry)

    def _subnets_now(self) -> list[Subnet]:
        """The subnets that the database may be in; their networks change with no order."""
        if not SETTINGS.network_acls:
            return []
        return network_acls.subnets(clients.ec2(), network_fence.subnets_of(self._front.result(), SETTINGS.subnets))

    def _acls_now(self) -> list[NetworkAcl]:
        """The ACLs: as read at the beginning for the first who asks, read anew for everybody after."""
        first, self._acls = self._acls, None
        return first.result() if first is not None else _acls()


class _Order(_Sight):
    """What an order needs to see beside that: the access group's own rules.

    They are read apart from everybody's, so that access can be revoked whatever the owner's groups look like.
    """

    def __init__(self, *servers: Server) -> None:
        client, group = clients.ec2(), SETTINGS.access_group
        super().__init__(*servers)
        self._access_group = self._threads.submit(security_groups.rules_of_access_group, client, group)

    def put_out(self, server: Server, may: Callable[[], object]) -> Verdict:
        """Deny the server in the ACLs and revoke its access, side by side.

        Args:
            may: raises where the server need not be out (any more); asked before each cut.

        Returns:
            whether the network cuts it off, as read back.

        Raises:
            AccessNotAsOrdered: the access group still allows it when the time is over. It may be cut off all the same.
        """
        with ThreadPoolExecutor(max_workers=1) as beside:
            denied = beside.submit(self.deny, server, may)
            self._revoke(server, may)
        return denied.result()

    def tidy(self, server: Server, may: Callable[[], object]) -> None:
        """Take out our entries that deny addresses which are not the server's any more, nor anybody else's."""
        useless = network_fence.useless(acls := _acls(), self._known(server), self._numbers(server))
        for each in self._ours(server, acls) if useless else ():
            if each in useless:
                may()
                network_acls.is_deleted(clients.ec2_once(), each.acl_id, each.entry)  # or a minute later

    def deny(self, server: Server, may: Callable[[], object]) -> Verdict:
        """Write what the ACLs lack to deny the server, and read back whether it is cut off.

        What can't be written leaves it uncut, and is said; it keeps nothing else from being done.
        """
        if not SETTINGS.network_acls:
            return self.is_cut(server)
        numbers, problems = self._numbers(server), list[str]()
        try:
            for _ in attempts(SETTINGS.settle_s):
                if not (lacking := network_fence.missing(self._acls_now(), self._known(server), numbers)):
                    break
                may()
                unwritten = network_acls.put_each(clients.ec2_once(), lacking)
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
        if not SETTINGS.network_acls:
            return
        acls = list[NetworkAcl]()

        def ours() -> list[tuple[str, AclEntry]]:
            acls[:] = _acls()
            return [(each.acl_id, each.entry) for each in self._ours(server, acls)]

        for acl_id, entry in network_acls.delete_until_gone(clients.ec2_once(), ours, may, attempts(SETTINGS.settle_s)):
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
            found = self.can_get_in(other) if receipt.by is FencedBy.DATABASE else _power(other)
        security_groups.demand_read(found)
        fence.demand_holds(receipt, found)

    def _ours(self, server: Server, acls: list[NetworkAcl]) -> list[network_fence.Placed]:
        """The entries under the server's numbers that are ours to take out: not one that denies an address of another
        machine's, which another stack may have written that has the same numbers in this ACL."""
        others = network_fence.useless(acls, self._known(server), self._numbers(server))
        held = security_groups.held(clients.ec2(), [each.address for each in others])
        found = network_fence.denials(acls, self._numbers(server))
        return [each for each in found if not (each in others and each.address in held)]

    def _known(self, server: Server) -> tuple[str, ...]:
        return network_fence.addresses_of(server, self._members[server.role].result().interfaces)

    def _revoke(self, server: Server, may: Callable[[], object]) -> None:
        """Take all out of the access group but what allows the functions and the other server, and read that back.

        Whatever else stands in the stack's own group belongs to nobody, and may allow the server.
        """
        tries, unwanted = attempts(SETTINGS.settle_s), partial(_unwanted, server)
        there, group = self._access_group.result(), SETTINGS.access_group
        left = security_groups.revoke_until_gone(clients.ec2(), group, there, unwanted, may, tries)
        if left:
            seconds, names = SETTINGS.settle_s, ", ".join(map(str, left))
            raise AccessNotAsOrdered(f"{server.role} can still get in after {seconds:g} s, by {names}.")


def _power(server: Server) -> Verdict:
    """Is the server's machine off still? Somebody may have switched it on since that was proven."""
    try:
        seen = ec2_power.see(clients.ec2(), server)
    except ec2_power.MachineUnseen as error:
        return error.verdict
    return machine.is_on(server, seen, owned_before=machine.was_owner(server, _state(), _table().machines()))


def _demand_out(server: Server) -> None:
    audit.demand_out(_state(), server.role)


def _unwanted(server: Server, rules: list[Rule]) -> list[Rule]:
    """The access group's rules that are not expected where this server must be out."""
    return access.not_expected(rules, SETTINGS.functions_group, SETTINGS.pair.other(server.role).addresses)


def _acls() -> list[NetworkAcl]:
    return network_acls.acls_named(clients.ec2(), SETTINGS.network_acls)


def _table() -> PairTable:
    return PairTable(clients.dynamodb(), SETTINGS.table, SETTINGS.pair.name)


def _state() -> PairState:
    return _table().read()


ACTIONS: dict[str, Callable[[Server], Verdict]] = {
    each.__name__: each for each in (status, foreign, could_cut, rights, keep_out)
}
