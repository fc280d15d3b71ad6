"""What the functions of a stack are asked, and what readiness asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msfailover.pair import Role


@dataclass(frozen=True)
class Question:
    """A question to a function of the stack: `function` is a word for it, not its name; `more` goes with it."""

    function: str
    action: str
    server: Role | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        server = {"server": self.server.value} if self.server else {}
        return {"action": self.action, **server, **self.more}


def of_readiness(active: Role, second_probe: bool = False) -> dict[str, Question]:
    """What readiness has to ask, by a name for each. All of it reads; the rights are tried dry.

    Args:
        active: the active server.
        second_probe: whether there is one.
    """
    standby = active.other
    return {
        **({"both probes": Question("pair", "see_second_probe")} if second_probe else {}),
        "active host": Question("server", "runs", active),
        "standby host": Question("server", "check_standby", standby),
        "standby seen": Question("probe", "check_reachable", standby),
        "active answers": Question("probe", "check_serving", active),
        "certificate": Question("probe", "certificate", active),
        "resolved": Question("probe", "name"),
        "active access": Question("access", "status", active),
        "standby access": Question("access", "status", standby),
        "owner's groups, active": Question("access", "foreign", active),
        "owner's groups, standby": Question("access", "foreign", standby),
        "active sessions": Question("sessions", "status", active),
        "standby sessions": Question("sessions", "status", standby),
        "database rights": Question("sessions", "rights"),
        "record": Question("dns", "status", active),
        "files": Question("replicate", "status"),
        "network": Question("access", "could_cut", active),
        "right to the access group": Question("access", "rights", standby),
        "right to the name": Question("dns", "rights"),
        "machine ms1": Question("server", "machine", Role.MS1),
        "machine ms2": Question("server", "machine", Role.MS2),
        "right to ms1": Question("server", "rights", Role.MS1),
        "right to ms2": Question("server", "rights", Role.MS2),
        "right to replicate": Question("replicate", "rights"),
        "right to start a failover": Question("watch", "rights"),
    }
