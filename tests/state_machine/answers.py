"""What each step of the workflow can answer, and what that means for the pair: the model that the proof rests on.

The steps are known by the function and the action they ask, not by the names of their states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

SERVERS = ("ms1", "ms2")
GRANTS = {
    ("DatabaseAccessFunction", "grant_access"),
    ("ServerFunction", "start_server"),
    ("DnsFunction", "update_record"),
}
"""What must never be asked for before the other server's fence is proven."""

BEFORE_ANYTHING = {("ServerFunction", "restart_source")}
"""What may be asked for only while nothing was touched and nothing proven: a server that keeps its access."""

TOUCHES = GRANTS | {
    ("ServerFunction", "stop_source"),
    ("ServerFunction", "ask_source_to_stop"),
    ("ServerFunction", "power_off"),
    ("DatabaseAccessFunction", "revoke_access"),
    ("PairFunction", "end_sessions"),
}
PROVES = {("PairFunction", "verify_fence"), ("PairFunction", "verify_power")}

EVIDENCE: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "update_record": ({"change": "/change/C1"},),
    "revoke_access": ({"network": {"answer": "yes", "sentence": "because"}},),
}
"""What the answer to an action may bring along that the workflow goes by."""

Step = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """What is so, whatever the workflow's variables say.

    Args:
        proven: the server whose fence was proven for the change under way; empty for none.
        touched: whether anything that people would notice was ordered.
        recorded: the outcome that was written to the record; empty for none.
        notified: whether operators were notified (or it was tried).
        behind: whether the standby was refused the latest files.
        waived: whether it was asked, and answered, that its complete copy is enough: the source is lost.
    """

    proven: str = ""
    touched: bool = False
    recorded: str = ""
    notified: bool = False
    behind: bool = False
    waived: bool = False


@dataclass(frozen=True)
class Reply:
    """One way a step can end: its payload, or None for an error and its name; and what is so afterwards."""

    payload: Mapping[str, Any] | None
    truth: Truth
    error: str = "Some.Error"


def _plan(action: str, **changes: Any) -> dict[str, Any]:
    plan = {
        "action": action,
        "source": "ms1",
        "target": "ms2",
        "epoch": 2,
        "survey": False,
        "confirm": False,
        "graceful": False,
        "may_power_off": False,
        "named": None,
        "restart_first": False,
    }
    return {**plan, **changes}


PLANS = (
    _plan("failover", confirm=True, may_power_off=True),
    _plan("failover", confirm=True, may_power_off=True, restart_first=True),
    _plan("switchover", graceful=True),
    _plan("force", may_power_off=True),
    _plan("resume", may_power_off=True),
    _plan("resume"),
    _plan("adopt", survey=True, epoch=1),
)


def replies(step: Step, asked: Mapping[str, Any], truth: Truth) -> Iterator[Reply]:
    """Every way in which a step can end; one that demands a yes (`unless_yes`) fails on every other answer.

    Args:
        step: function and action.
        asked: the payload it got.
        truth: what was so before.
    """
    error = asked.get("unless_yes")
    for reply in _replies(step, asked, truth):
        refused = error and reply.payload is not None and reply.payload["answer"] != "yes"
        yield Reply(None, reply.truth, str(error)) if refused else reply


def _replies(step: Step, asked: Mapping[str, Any], truth: Truth) -> Iterator[Reply]:
    function, action = step
    if step in TOUCHES:
        truth = replace(truth, touched=True)
    if function == "Topic":
        truth = replace(truth, notified=True)
        yield Reply({}, truth)
    elif action == "begin":
        yield Reply({"admitted": False, "sentence": "no"}, truth)
        yield Reply({"admitted": True, "dry_run": True, "sentence": "yes", "plan": PLANS[0]}, truth)
        yield Reply({"admitted": False, "dry_run": True, "sentence": "no"}, truth)
        for plan in PLANS:
            # What is resumed has touched something already, in an execution before.
            resumed = replace(truth, touched=plan["action"] == "resume")
            yield Reply({"admitted": True, "sentence": "yes", "plan": plan}, resumed)
    elif action == "dry_run":
        yield Reply({"would": "promoted", "sentence": "because", "checks": []}, truth)
    elif action == "survey":
        yield from _verdicts(truth, ("no", "unknown"))
        for target, source in (SERVERS, SERVERS[::-1]):
            yield Reply({**_verdict("yes"), "target": target, "source": source, "epoch": 1}, truth)
    elif step in PROVES:
        yield from _verdicts(truth, ("no", "unknown"))
        yield Reply(_verdict("yes"), replace(truth, proven=str(asked["server"])))
    elif action == "turn_back":
        truth = replace(truth, proven="")  # another epoch: the proof of before is of no use
        yield Reply({"source": "ms2", "target": "ms1", "epoch": 3}, truth)
    elif action in ("conclude", "fall_back"):
        yield from (_concluded if action == "conclude" else _fallen_back)(asked, truth)
    elif action == "refuse":
        yield Reply({"outcome": "refused", "subject": "s", "message": "m"}, truth)
        silent = {"outcome": "refused", "subject": "", "message": ""}
        yield Reply(silent, replace(truth, notified=True))  # nobody has to be
    else:
        yield from _verdicts(truth, ("yes", "no", "unknown"))
        yield from (Reply({**_verdict("yes"), "evidence": each}, truth) for each in EVIDENCE.get(action, ()))
    # A copy that is only asked for comes after the change: nothing rests on it.
    refused = (function, action) == ("ReplicateFunction", "now")
    yield Reply(None, replace(truth, behind=truth.behind or refused))


def _fallen_back(asked: Mapping[str, Any], truth: Truth) -> Iterator[Reply]:
    for way in ("turn-back", "halt"):
        yield Reply({"way": way, "sentence": "because"}, truth)
    if asked["may_go_on"]:
        yield Reply({"way": "go-on", "sentence": "because"}, replace(truth, waived=True))


def _concluded(asked: Mapping[str, Any], truth: Truth) -> Iterator[Reply]:
    outcome = str(asked["outcome"])
    told = {"outcome": outcome, "sentence": "because", "subject": "s", "message": "m"}
    yield Reply(told, replace(truth, recorded=outcome))
    if outcome == "blocked":  # nobody has to be notified again
        yield Reply({**told, "message": ""}, replace(truth, recorded=outcome, notified=True))


def _verdict(answer: str) -> dict[str, Any]:
    return {"answer": answer, "sentence": "because", "evidence": {}}


def _verdicts(truth: Truth, answers: tuple[str, ...]) -> Iterator[Reply]:
    for answer in answers:
        yield Reply(_verdict(answer), truth)
