"""Whether the last readiness check is still about the pair as it is: after a change, or by what is seen now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ASKED_AGAIN_AFTER_S = 20.0
"""Seconds for which a check that is contradicted by what is seen is not asked for once more: it may stay so."""
_COPY = "standby's copy fresh"
_SILENT = {"silent", "unreachable"}


def with_age(
    ready: Mapping[str, Any], record: Mapping[str, Any], last: Mapping[str, Any] | None, copy: Mapping[str, Any]
) -> dict[str, Any]:
    """The last check, with what is to be made of it.

    Added are `outdated`, since when it is not about the pair as it is ("the last change"), empty where it is; and
    `waits`, whether all it found wanting is a copy that is on its way.
    """
    found = dict(ready)
    if not found or found.get("error"):
        return found
    at = float(found.get("at") or 0)
    changed = float(last["ended_at"]) if last and not last.get("error") else 0.0
    bad = {each["name"] for each in found.get("checks", ()) if each["answer"] != "yes"}
    came = float(copy.get("as_of") or 0) > at and not copy.get("of_before")
    found["outdated"] = "the last change" if record.get("lease") or at < changed else ""
    if bad == {_COPY} and came:
        found["outdated"] = found["outdated"] or "the standby's copy came"
    found["waits"] = bad == {_COPY} and bool(copy.get("on_its_way"))
    return found


def is_to_be_asked(status: Mapping[str, Any]) -> bool:
    """Mark a check that is seen not to hold any more as outdated, too; whether it is to be made anew.

    Args:
        status: as `status.read_status` gathers it.
    """
    ready = status["readiness"]
    if not ready or ready.get("error"):
        return False
    moving = status["record"].get("lease") or status["replication"].get("on_its_way")
    if ready["outdated"]:
        return not moving
    ready["outdated"] = _seen_otherwise(status)
    old = status["at"] - float(ready.get("at") or 0) > ASKED_AGAIN_AFTER_S
    return bool(ready["outdated"]) and old and not moving


def _seen_otherwise(status: Mapping[str, Any]) -> str:
    """What has changed since the check was made; empty where nothing of it is seen to have."""
    active = status["record"].get("active")
    if active not in status["servers"]:
        return ""
    seen = _seen(status, active)
    for each in status["readiness"].get("checks", ()):
        about, now = seen.get(each["name"], ("", None))
        # What was not known then, for a host that did not answer, say, is not contradicted by what a port answers.
        if now is not None and each["answer"] == ("no" if now else "yes"):
            return f"{about} changed"
    return ""


def _seen(status: Mapping[str, Any], active: str) -> dict[str, tuple[str, bool | None]]:
    """What is seen now of what some checks are about: yes, no, or None where it is not known."""
    standby = next(each for role, each in status["servers"].items() if role != active)
    serving = status["servers"][active]["observation"].get("admin")
    signals = {standby["observation"].get(name, "unknown") for name in ("admin", "port")}
    name = status["name"]
    stopped = False if "answers" in signals else True if signals == {"refused"} else None
    return {
        "active server serves": (f"what {active} answers", {"answers": True, "refused": False}.get(str(serving))),
        "standby is fit": ("what the standby answers", False if signals <= _SILENT else None),
        "standby is stopped": ("what the standby answers", stopped),
        "access as it should be": ("access", False if standby["access"].get("answer") == "yes" else None),
        "sessions as they should be": ("sessions", False if standby["sessions"].get("answer") == "yes" else None),
        "record as expected": ("the name", name["points_to"] == active if name["values"] else None),
    }
