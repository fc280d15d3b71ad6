"""Is the configured instance the server's machine, is it on, and could it be switched off? (I8)

An instance id is only a name in the stack's parameters. The server is whatever machine has its addresses: so the state
of an instance says something about the server only if the instance owns *every* configured address, and no other
interface holds one, as EC2 shows it in the same moment.

A terminated instance owns nothing any more. It is believed to be off for good, but that it was the server's machine has
to have been seen before: at rest, in the epoch that is, it owned every address. And nobody may hold one now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msfailover.observations import Instance, IPAddress, Machine, parse_address
from msfailover.pair import PairState, Server
from msfailover.verdict import Verdict, no, unknown, yes

OFF = ("stopped", "terminated")


def outside_ec2(server: Server) -> Verdict | None:
    """What can be said of a server that is no EC2 instance; None where it is one."""
    if not server.instance_id.startswith("mi-"):
        return None
    return unknown(
        f"{server.role} ({server.instance_id}) is no EC2 instance; its power can't be seen from here.", outside=True
    )


def owns(server: Server, seen: Machine) -> Verdict:
    """Whether the configured instance owns every address of the server, and nobody else holds one.

    Args:
        server: the server.
        seen: as EC2 shows it now.
    """
    instance = seen.instance
    if instance is None:
        return unknown(f"EC2 does not know {server.role} ({server.instance_id}).")
    strangers = [each for each in seen.holders if each.instance_id != instance.id]
    if strangers:
        first = strangers[0]
        return no(
            f"the instance of {server.role} ({instance.id}) is not the machine that has its addresses:"
            f" {first.address} is held by {first}.",
            mismatch=True,
        )
    lacking = _without(server.addresses, instance.addresses)
    if lacking:
        return no(
            f"the instance of {server.role} ({instance.id}) does not own {', '.join(lacking)}, which"
            f" {'is' if len(lacking) == 1 else 'are'} configured as its.",
            mismatch=True,
        )
    unseen = _without(server.addresses, [each.address for each in seen.holders])
    if unseen:
        return unknown(f"EC2 contradicts itself on who holds {', '.join(unseen)} of {server.role}.")
    return yes(f"the instance of {server.role} ({instance.id}) owns every configured address.")


def is_on(server: Server, seen: Machine, *, owned_before: bool) -> Verdict:
    """Whether the server's machine runs. Only `stopped` and `terminated` are *no*, and only of the right instance.

    Args:
        server: the server.
        seen: as EC2 shows it now.
        owned_before: whether the instance was seen to own every address, at rest and in this epoch.
    """
    instance = seen.instance
    if instance is None:
        return unknown(f"EC2 does not know {server.role} ({server.instance_id}).")
    told = f"the instance of {server.role} ({instance.id}) is {instance.state}"
    if instance.state == "terminated":
        return _terminated(told, server, seen, owned_before)
    owner = owns(server, seen)
    if not owner.is_yes:
        return unknown(f"{told}, but that proves nothing: {owner.sentence}", state=instance.state, **owner.evidence)
    word = no if instance.state in OFF else yes
    return word(f"{told}, and owns every configured address.", state=instance.state)


def _terminated(told: str, server: Server, seen: Machine, owned_before: bool) -> Verdict:
    if seen.holders:
        first = seen.holders[0]
        return unknown(
            f"{told}, but {first.address} of {server.role} is held by {first}.", state="terminated", mismatch=True
        )
    if not owned_before:
        return unknown(
            f"{told}, and was not seen to be the machine of {server.role} in this epoch before.", state="terminated"
        )
    return no(f"{told}, was seen to be its machine before, and nobody holds its addresses.", state="terminated")


def can_be_switched_off(server: Server, instance: Instance) -> Verdict:
    """Whether an order to stop would be carried out, and last. What stands against it is named."""
    against = _against(instance)
    if against:
        return no(f"A fence of {server.role} by power would fail or not last: {' '.join(against)}")
    if instance.stop_protected is None:
        return unknown(f"Whether {instance.id} of {server.role} is protected from being stopped is not known.")
    return yes(f"{instance.id} of {server.role} can be switched off.")


def _against(instance: Instance) -> list[str]:
    found = []
    if instance.stop_protected:
        found.append(f"{instance.id} is protected from being stopped (DisableApiStop).")
    if instance.auto_scaling:
        found.append(
            f"{instance.id} belongs to the Auto Scaling group {instance.auto_scaling}, which replaces what is stopped."
        )
    if instance.spot:
        found.append(f"{instance.id} is a Spot instance, which EC2 stops, starts and ends by itself.")
    if instance.root_device != "ebs":
        found.append(f"{instance.id} has its root on an instance store, which can't be stopped, only terminated.")
    return found


def remembered(server: Server, state: PairState, at: float) -> dict[str, Any]:
    """What is kept of an observation at rest that showed the instance to own every address; see `was_owner`."""
    return {
        "instance": server.instance_id,
        "addresses": sorted(server.addresses),
        "epoch": state.epoch,
        "at": at,
    }


def was_owner(server: Server, state: PairState, kept: Mapping[str, Any]) -> bool:
    """Whether what was kept says that this instance owned these addresses, in the epoch that is."""
    found = kept.get(server.role.value)
    if not isinstance(found, Mapping):
        return False
    wanted = remembered(server, state, 0.0)
    return all(found.get(name) == wanted[name] for name in ("instance", "addresses", "epoch"))


def _without(wanted: tuple[str, ...], there: tuple[str, ...] | list[str]) -> list[str]:
    found = {_plain(each) for each in there}
    return [each for each in wanted if _plain(each) is None or _plain(each) not in found]


def _plain(text: str) -> IPAddress | None:
    return parse_address(text)
