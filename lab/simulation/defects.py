"""Deliberate defects, each a small patch of the functions or an edit of the workflow: the simulation's planted defects.

A simulation that finds nothing has shown something only if it finds these. One that survives is a hole in the
simulation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lab.simulation import defects_in_functions as functions
from lab.simulation import defects_in_network as network
from lab.simulation import defects_in_workflow as workflow
from lab.testbed.cloud.patching import Patches


@dataclass(frozen=True)
class Defect:
    """One thing done wrong on purpose.

    Args:
        name: what it is called by.
        sentence: what is wrong.
        patch: puts it into the functions.
        edit: puts it into the workflow's definition.
    """

    name: str
    sentence: str
    patch: Callable[[Patches, Mapping[str, ModuleType]], None] | None = None
    edit: Callable[[dict[str, Any]], None] | None = None

    def put(self, patches: Patches, found: Mapping[str, ModuleType], definition: str) -> str:
        """Put the defect in; returns the definition with its part of it."""
        if self.patch is not None:
            self.patch(patches, found)
        if self.edit is None:
            return definition
        machine: dict[str, Any] = json.loads(definition)
        self.edit(machine)
        edited = json.dumps(machine)
        if edited == json.dumps(json.loads(definition)):
            raise ValueError(f"the defect {self.name} changes nothing in the workflow any more")
        return edited


_ALL = (
    # ---- the proof of the fence
    Defect("proof-assumed", "The receipt is written without a proof.", functions.proof_assumed),
    Defect("access-not-read", "A revoke that failed is ignored: the proof does not read the access group.",
           functions.access_not_read),
    Defect("sessions-not-read", "The proof rests on the revoked access alone.", functions.sessions_not_read),
    Defect("one-read", "One read without a session is taken for proof.", functions.one_read),
    Defect("unknown-is-zero", "A session whose origin is hidden counts as somebody else's.",
           functions.unknown_is_zero),
    Defect("connections-uncounted", "A connection that has not logged in yet is left out of the proof.",
           functions.connections_uncounted),
    Defect("names-believed", "A name that a client gave itself makes its session somebody else's.",
           functions.names_believed),
    Defect("standby-believed", "A standby's list of sessions is taken for the writer's.", functions.standby_believed),
    Defect("unreachable-is-zero", "A database that can't be asked has no sessions.", functions.unreachable_is_zero),
    Defect("one-address", "Sessions are attributed by the server's first address only.", functions.one_address),
    Defect("owners-rules-unread", "Only the access group's own rules are read.", functions.owners_rules_unread),
    Defect("prefix-lists-unread", "A rule by prefix list is taken for one that allows nobody.",
           functions.prefix_lists_unread),
    Defect("stopping-is-proof", "A machine that is stopping is taken for one that is off.",
           functions.stopping_is_proof),
    Defect("any-instance-is-the-machine", "Nothing checks that the instance has the server's addresses.",
           functions.any_instance_is_the_machine),
    Defect("any-receipt", "A proof once written is good for every epoch and server.", functions.any_receipt),
    # ---- the proof by network, and what it shares with the database's
    Defect("outbound-ignored", "Only inbound entries are read.", network.outbound_ignored),
    Defect("order-ignored", "An entry that denies counts, whatever stands before it.", network.order_ignored),
    Defect("one-subnet", "Only the first subnet of the database is read.", network.one_subnet),
    Defect("first-address-denied", "Only the server's first address is denied and checked.",
           network.configured_addresses),
    Defect("effect-not-awaited", "An entry that EC2 shows is taken for one that is in effect.",
           network.effect_not_awaited),
    Defect("path-not-demanded", "Nobody asks whether something stands in between.", network.path_not_demanded),
    Defect("list-believed", "A list that has shown nothing of the active server is believed.", network.list_believed),
    Defect("object-not-checked", "Nobody asks whether the database is behind the access group.",
           network.object_not_checked),
    Defect("one-interface", "One address of the database behind the access group is enough.", network.one_interface),
    Defect("delegated-ignored", "A network that is delegated to the server's interface is ignored.",
           network.delegated_ignored),
    Defect("any-source-ignored", "Nothing checks that EC2 holds the server to its own addresses.",
           network.any_source_ignored),
    Defect("gateway-ignored", "A transit gateway in the database's subnet is taken for one before its border.",
           network.gateway_ignored),
    Defect("logins-show-the-way", "Whoever begins a login on the server's host shows its service's way.",
           network.logins_show_the_way),
    Defect("announced-is-seen", "An address that a proxy announces is taken for the one that packets come from.",
           network.announced_is_seen),
    Defect("moved-unnoticed", "Nobody asks where the list was read from that a proof rests on.",
           network.moved_unnoticed),
    Defect("others-entries-taken", "Every denial under our rule numbers is taken for one of ours.",
           network.others_entries_taken),
    Defect("hosts-word-is-enough", "A host's own word that its service is stopped is believed.",
           network.hosts_word_is_enough),
    Defect("power-not-read-again", "A machine that was off is taken for one that is off.",
           network.power_not_read_again),
    Defect("hidden-way-forgotten", "A server that served unseen is cut off like any other.",
           network.hidden_way_forgotten),
    Defect("unseen-is-direct", "A server that was started, and that nobody saw come, is cut off like any other.",
           network.unseen_is_direct),
    Defect("one-port", "Only the database's own port is checked.", network.one_port),
    Defect("way-kept", "A way that was seen is believed, though the active server comes by another one now.",
           network.way_kept),
    Defect("own-rule-missed", "A rule for the inactive server may stay while the network cuts it off.",
           network.own_rule_missed),
    Defect("entries-not-restored", "A deny entry that was removed by hand is not written again.",
           network.entries_not_restored),
    Defect("grant-not-settled", "A server is proven to be out while what grants it access may be on its way still.",
           network.grant_not_settled),
    # ---- who may act, and when
    Defect("grant-with-revoke", "The new server gets access while the old one's is revoked.",
           functions.grant_with_revoke),
    Defect("access-for-both", "The new server is granted access beside the old one's rule.", functions.both_access),
    Defect("grant-assumed", "A rule that EC2 did not take counts as made, where an owner's rule allows the server.",
           network.grant_assumed),
    Defect("epoch-not-compared", "Orders of any epoch are taken for the change under way.",
           functions.epoch_not_compared),
    Defect("foreign-execution", "Anybody's word is taken for an execution of the machine.",
           functions.foreign_execution),
    Defect("conclude-unproven", "A server is called active without a receipt.", functions.conclude_unproven),
    Defect("late-begin", "The lease is taken by whoever asks, however late.", functions.late_begin),
    Defect("late-end", "Sessions are ended for whoever asks, however late.", functions.late_end),
    Defect("late-acknowledgement", "An acknowledgement counts, whichever failover it is of.",
           functions.late_acknowledgement),
    Defect("late-setting", "A setting is written whatever was set since it was asked.", functions.late_setting),
    Defect("late-readiness", "Whatever readiness check comes last is kept.", functions.late_readiness),
    Defect("late-move", "The DNS record is updated by whoever asks, however late.", functions.late_move),
    Defect("orders-never-end", "An order is carried out whenever its host wakes.", functions.orders_never_end),
    Defect("epochs-unchecked", "What a host remembers of epochs is not read.", functions.epochs_unchecked),
    Defect("permission-kept", "What the record allowed once is not read again before each call that it allows.",
           functions.permission_kept),
    Defect("lease-expires", "A lease is free after ten seconds.", functions.lease_expires),
    Defect("resume-unasked", "resume takes over without asking whether the holder runs.", functions.resume_unasked),
    Defect("resume-at-once", "resume takes over while a call of the stopped one is on its way.",
           functions.resume_at_once),
    Defect("halt-gives-lease-back", "A change that stopped half done gives its lease back.",
           functions.halt_gives_lease_back),
    Defect("turn-back-same-epoch", "A change turned round keeps its epoch.", functions.turn_back_same_epoch),
    Defect("writes-unconditional", "The record is written whatever others wrote.", functions.writes_unconditional),
    Defect("conclude-once-only", "A change that is concluded twice fails the second time.",
           functions.conclude_once_only),
    Defect("ends-twice", "Every end of a change is written, also after another one.", functions.ends_twice),
    Defect("head-not-carried", "A line of the history is written, and the record keeps the chain's old head.",
           functions.head_not_carried),
    # ---- what moves the pair
    Defect("outage-not-confirmed", "A failover asks nobody whether the server is down.",
           functions.outage_not_confirmed),
    Defect("standby-not-checked", "Nothing checks that the standby is fit.", functions.standby_not_checked),
    Defect("silence-is-life", "A standby that the probe hears nothing of is taken for a fit one.",
           functions.silence_is_life),
    Defect("cut-off-is-down", "A probe that sees neither server is taken for an outage.", functions.cut_off_is_down),
    Defect("second-probe-believed", "A second probe counts though it has never reached the active server.",
           functions.second_probe_believed),
    Defect("mode-ignored", "Mode, maintenance and acknowledgement hold nothing.", functions.mode_ignored),
    Defect("not-to-acknowledge", "An automatic failover needs no acknowledgement.", functions.not_to_acknowledge),
    Defect("audit-forgets-lease", "The audit puts out whoever is not active, also mid-change.",
           functions.audit_forgets_lease),
    Defect("dry-run-takes-lease", "A dry run takes the lease.", functions.dry_run_takes_lease),
    # ---- the workflow
    Defect("verify-bypassed", "The workflow goes past VerifyFence.", edit=workflow.verify_bypassed),
    Defect("sessions-first", "Sessions are ended before access is revoked.", edit=workflow.sessions_first),
    Defect("waits-for-the-dead", "The fence waits for the old server to stop.", edit=workflow.waits_for_the_dead),
    Defect("failed-probe-is-down", "A probe that failed is taken for an outage.", edit=workflow.failed_probe_is_down),
    Defect("name-may-fail", "A name that was not moved is ignored.",
           functions.record_not_verified, workflow.name_may_fail),
    Defect("power-alone", "Once power is asked for, no other way of proof is tried again.",
           edit=workflow.power_alone),
    Defect("unfenced-promotes", "What can't be proven is promoted all the same.", functions.no_receipt_demanded,
           workflow.unfenced_promotes),
)  # fmt: skip

ALL: Mapping[str, Defect] = {each.name: each for each in _ALL}
