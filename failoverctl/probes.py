"""What both probes see: whose answer is shown, as the workflow would take it, and where they differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Signals = Mapping[str, Any]
ROLES = ("ms1", "ms2")
PORTS = {"admin": "administration interface", "port": "agents' port"}
_SUBNET = re.compile(r"subnet-[0-9a-f]+")


def has_second(parameters: Mapping[str, str]) -> bool:
    """Whether the stack has a second probe."""
    return bool(_SUBNET.search(parameters.get("SecondProbeSubnetIds", "")))


def together(
    parameters: Mapping[str, str], first: Signals, second: Signals | None, record: Mapping[str, Any]
) -> tuple[Signals, dict[str, Any] | None]:
    """The signals to be shown, and what is to be said of the two probes; None where there is one.

    The second probe's answer is taken whole, where the first one can't be asked or sees neither server, and the second
    has been seen to reach both servers in this epoch.

    Args:
        first, second: each one's answer, or `{"error": sentence}`; no second where there is none.
        record: the pair's record as JSON.
    """
    if second is None:
        return first, None
    believed = not record.get("error") and record.get("second_probe_epoch") == record.get("epoch")
    by_second = believed and _sees_nothing(first) and not _sees_nothing(second)
    both = not (first.get("error") or second.get("error"))
    about = {
        "first_subnets": _subnets(parameters, "SubnetIds"),
        "second_subnets": _subnets(parameters, "SecondProbeSubnetIds"),
        "believed": believed,
        "shown": "second" if by_second else "first",
        "error": str(second.get("error") or ""),
        "differ": _differ(first, second) if both else [],
    }
    return second if by_second else first, about


def _subnets(parameters: Mapping[str, str], name: str) -> str:
    return ", ".join(_SUBNET.findall(parameters.get(name, "")))


def _sees_nothing(answer: Signals) -> bool:
    return bool(answer.get("error")) or (answer.get("evidence") or {}).get("cut_off") is True


def _differ(first: Signals, second: Signals) -> list[dict[str, str]]:
    pairs = [
        {"server": role, "port": port, "first": str(first[role][port]), "second": str(second[role][port])}
        for role in ROLES
        for port in PORTS
        if role in first and role in second
    ]
    return [each for each in pairs if each["first"] != each["second"]]


def only_second_sees(probes: Mapping[str, Any] | None, role: str, seen: tuple[str, ...] = ("answers",)) -> bool:
    """Whether a server's administration interface is seen so by the second probe, while the first one's answer counts.

    An active server that answers the second one is well, and the network before the first one is not.
    """
    if not probes or probes["shown"] != "first":
        return False
    return any(
        (each["server"], each["port"]) == (role, "admin") and each["second"] in seen for each in probes["differ"]
    )


def in_words(probes: Mapping[str, Any]) -> str:
    """Where the two differ, by subnet; empty where both see the same."""
    first, second = (f"from {probes[name]}" for name in ("first_subnets", "second_subnets"))
    if probes["error"]:
        return f"The second probe ({second}) can't be asked: {probes['error']}"
    if not probes["differ"]:
        return ""
    told = [
        f"{PORTS[each['port']]} of {each['server']}: {each['first']} {first}, {each['second']} {second}"
        for each in probes["differ"]
    ]
    return f"The two probes do not see the same. {'; '.join(told)}."
