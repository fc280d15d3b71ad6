"""Deliberate defects of the proof by network, and of what it shares with the database's: object, path and ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from msfailover.adapters import security_groups
from msfailover.decisions import (
    attribution,
    audit,
    database_object,
    database_path,
    fence,
    network_fence,
    transitions,
)
from msfailover.pair import PairState, Role, Server
from msfailover.verdict import Verdict, no, yes

from lab.simulation.defects_in_functions import do_instead
from lab.testbed.cloud.patching import Patches

Functions = Mapping[str, ModuleType]
WHY = "a deliberate defect"


def outbound_ignored(patches: Patches, _found: Functions) -> None:
    first = network_fence._first
    patches.put(
        network_fence, "_first", lambda *asked, egress: None if egress else first(*asked, egress=False), why=WHY
    )


def order_ignored(patches: Patches, _found: Functions) -> None:
    first = network_fence._first

    def denials_first(entries: Any, address: str, *, egress: bool) -> Any:
        denied = first([each for each in entries if not each.allows], address, egress=egress)
        return denied if denied is not None else first(entries, address, egress=egress)

    patches.put(network_fence, "_first", denials_first, why=WHY)


def one_subnet(patches: Patches, _found: Functions) -> None:
    before = network_fence._before

    def of_the_first(ground: Any, subnet: Any) -> Any:
        return before(ground, subnet) if subnet == ground.subnets[0] else None

    patches.put(network_fence, "_before", of_the_first, why=WHY)


def configured_addresses(patches: Patches, _found: Functions) -> None:
    def first_only(server: Server, _own: object) -> tuple[str, ...]:
        return server.addresses[:1]

    patches.put(network_fence, "addresses_of", first_only, why=WHY)


def delegated_ignored(patches: Patches, _found: Functions) -> None:
    doubt = network_fence._server_in_doubt

    def overlooked(ground: Any) -> Any:
        return doubt(replace(ground, own=tuple(replace(each, prefixes=()) for each in ground.own)))

    patches.put(network_fence, "_server_in_doubt", overlooked, why=WHY)
    patches.put(security_groups.Membership, "addresses", property(_of_interfaces), why=WHY)


def _of_interfaces(found: security_groups.Membership) -> tuple[str, ...]:
    return tuple(address for each in found.interfaces for address in each.addresses)


def any_source_ignored(patches: Patches, _found: Functions) -> None:
    doubt = network_fence._server_in_doubt

    def overlooked(ground: Any) -> Any:
        return doubt(replace(ground, own=tuple(replace(each, any_source=False) for each in ground.own)))

    patches.put(network_fence, "_server_in_doubt", overlooked, why=WHY)


def gateway_ignored(patches: Patches, _found: Functions) -> None:
    patches.put(security_groups, "gateways_to", lambda *_: (), why=WHY)


def logins_show_the_way(patches: Patches, _found: Functions) -> None:
    def by_any(sessions: Verdict) -> str:
        return database_path.BY_ADDRESS if sessions.is_yes else ""

    patches.put(database_path, "seen_by", by_any, why=WHY)
    patches.put(database_path, "logged_in", lambda sessions: sessions, why=WHY)


def announced_is_seen(patches: Patches, found: Functions) -> None:
    def asked(server: Server, listing: Any, *more: Any, **how: Any) -> Any:
        return attribution.sessions_of(server, replace(listing, announced=""), *more, **how)

    patches.put(found["database_sessions"], "sessions_of", asked, why=WHY)


def moved_unnoticed(patches: Patches, found: Functions) -> None:
    def without(findings: Any) -> Verdict:
        return attribution.over_reads(findings).having(read_from=[])

    patches.put(found["database_sessions"], "over_reads", without, why=WHY)


def others_entries_taken(patches: Patches, _found: Functions) -> None:
    patches.put(security_groups, "held", lambda *_: frozenset(), why=WHY)


def hosts_word_is_enough(patches: Patches, found: Functions) -> None:
    do_instead(patches, found["probe"], "check_refusing", lambda *_: yes("They will refuse."))


def power_not_read_again(patches: Patches, found: Functions) -> None:
    patches.put(found["database_access"], "_power", lambda *_: no("It will be off."), why=WHY)
    patches.put(fence, "demand_off", lambda *_: None, why=WHY)


def one_interface(patches: Patches, _found: Functions) -> None:
    is_guarded = database_object.is_guarded

    def of_any(resolved: Any, guarded: Any) -> Verdict:
        known = list(guarded)
        answers = [is_guarded([each], known) for each in resolved]
        return next((each for each in answers if each.is_yes), is_guarded((), known))

    patches.put(database_object, "is_guarded", of_any, why=WHY)


def hidden_way_forgotten(patches: Patches, _found: Functions) -> None:
    patches.put(database_path, "hides", lambda *_: "", why=WHY)


def unseen_is_direct(patches: Patches, _found: Functions) -> None:
    patches.put(database_path, "is_unseen", lambda *_: False, why=WHY)


def path_not_demanded(patches: Patches, _found: Functions) -> None:
    patches.put(database_path, "is_direct", lambda *_: yes("It will be direct."), why=WHY)


def list_believed(patches: Patches, _found: Functions) -> None:
    patches.put(database_path, "list_is_believed", lambda *_: yes("It will show everybody."), why=WHY)


def object_not_checked(patches: Patches, _found: Functions) -> None:
    patches.put(database_object, "is_guarded", lambda *_: yes("It will be the right one."), why=WHY)


def one_port(patches: Patches, found: Functions) -> None:
    access = found["database_access"]
    settings = replace(access.handler.context.settings, other_ports=())
    patches.put(access, "handler", access.handler.within(settings=settings), why=WHY)


def effect_not_awaited(patches: Patches, found: Functions) -> None:
    cut = found["database_access"].cut

    def at_once(context: Any, asked: Any) -> Verdict:
        verdict: Verdict = cut(context, replace(asked, proof=False))
        return verdict

    do_instead(patches, found["database_access"], "cut", at_once)


def grant_not_settled(patches: Patches, _found: Functions) -> None:
    patches.put(transitions, "unsettled_s", lambda *_: 0.0, why=WHY)


def way_kept(patches: Patches, _found: Functions) -> None:
    at_rest = database_path.record_at_rest

    def kept(state: PairState, before: PairState, by: str) -> PairState:
        return state if by == database_path.LOST else at_rest(state, before, by)

    patches.put(database_path, "record_at_rest", kept, why=WHY)


def own_rule_missed(patches: Patches, _found: Functions) -> None:
    of_access = audit._of_access

    def without(out: Role, seen: Mapping[Role, audit.Seen]) -> Any:
        return of_access(out, {**seen, out: replace(seen[out], stray=())})

    patches.put(audit, "_of_access", without, why=WHY)


def entries_not_restored(patches: Patches, _found: Functions) -> None:
    of_access = audit._of_access

    def without(out: Role, seen: Mapping[Role, audit.Seen]) -> Any:
        return {name: each for name, each in of_access(out, seen).items() if name is not audit.Finding.NETWORK_OPEN}

    patches.put(audit, "_of_access", without, why=WHY)


def grant_assumed(patches: Patches, _found: Functions) -> None:
    grant = security_groups.grant
    patches.put(security_groups, "grant", lambda *asked: grant(*asked) or True, why=WHY)
