"""What the page shows of a pair, from its status: text with how it is meant, never markup. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from rich.text import Text

from failoverctl import recovery
from failoverctl.render import SERVER_TITLES, facts, server_cells
from failoverctl.serving import BAD, DOUBTFUL, GOOD, in_order, red_step
from failoverctl.steps import Step

View = dict[str, Any]
BUSY, FAINT = "busy", "faint"
_HOW = (("green", GOOD), ("red", BAD), ("yellow", DOUBTFUL), ("cyan", BUSY), ("dim", FAINT))
"""The terminal's colours as what they mean; the page has colours of its own for each."""
_OUTCOMES = {"promoted": GOOD, "halted": BAD, "blocked": BAD, "rolled-back": DOUBTFUL}
_ANSWERS = {"yes": GOOD, "no": BAD}
_SHOWN = ("Task", "Wait", "Fail")
_SAME_STEP_S = 2.0
"""Seconds by which the start of a step may differ between the execution's history and the pair's own record."""


def pair_view(status: Mapping[str, Any], steps: Sequence[Step], execution: str) -> View:
    """Everything that the page shows of one pair.

    Args:
        status: as `status.read_status` gathers it, with its history.
        steps: of the execution that runs, or that ran last as far as it was read.
        execution: whose steps these are; they are shown with no other one.
    """
    record, head, problems = status["record"], status["headline"], status["problems"]
    first, (said, whole) = problems[0] if problems else None, in_order(status)
    return {
        "stack": status["stack"],
        "pair": status["pair"],
        "at": status["at"],
        "how": head["how"],
        "headline": head["sentence"],
        "epoch": record.get("epoch", 0),
        "mode": _mode(record, status["at"]),
        "active": record.get("active") or "",
        "well": status["well"],
        "cause": first,
        "in_order": {"sentence": said, "good": whole},
        "others": [each for each in problems[1:] if not each["follows"]],
        "follows": sorted({each["alarm"] or each["see"] for each in problems[1:] if each["follows"]}),
        "columns": list(SERVER_TITLES),
        "servers": [
            {"role": role, "cells": [pieces(each) for each in cells]} for role, cells in server_cells(status).items()
        ],
        "facts": [{"about": about, "said": pieces(said)} for about, said in facts(status)],
        "readiness": _readiness(status["readiness"]),
        "change": _change(status, steps, execution),
        "history": _history(status),
    }


def _mode(record: Mapping[str, Any], at: float) -> str:
    if record.get("error"):
        return ""
    in_maintenance = float(record.get("maintenance_until") or 0) > at
    return f"{record.get('mode', 'automatic')}{', in maintenance' if in_maintenance else ''}"


def pieces(said: Text) -> list[dict[str, str]]:
    """A text of the terminal as parts of one colour each: `{"text", "how"}`."""
    plain = said.plain
    edges = sorted({0, len(plain), *(each.start for each in said.spans), *(each.end for each in said.spans)})
    found = []
    for begin, end in pairwise(edges):
        styles = [str(each.style) for each in said.spans if each.start <= begin and end <= each.end]
        found.append({"text": plain[begin:end], "how": _meaning(styles[-1] if styles else str(said.style))})
    return found


def _meaning(style: str) -> str:
    return next((how for colour, how in _HOW if colour in style), "")


def _readiness(ready: Mapping[str, Any]) -> View:
    if not ready or ready.get("error"):
        return {"how": DOUBTFUL, "sentence": ready.get("error") or "It was not checked yet.", "at": 0, "checks": []}
    checks, outdated = ready.get("checks", ()), ready.get("outdated")
    shown = [
        {
            "name": each["name"],
            "how": FAINT if outdated else _ANSWERS.get(each["answer"], DOUBTFUL),
            "answer": each["answer"],
            "sentence": each["sentence"],
            "remedy": each.get("remedy", ""),
            "follows": [one["name"] for one in checks if one.get("because") == each["name"]],
        }
        for each in sorted(checks, key=lambda each: each["answer"] == "yes")
        if not each.get("because")
    ]
    how = DOUBTFUL if outdated else _ANSWERS.get(str(ready.get("answer")), DOUBTFUL)
    said = f"Checked before {outdated}: {ready.get('sentence')}" if outdated else str(ready.get("sentence"))
    return {"how": how, "sentence": said, "at": float(ready.get("at") or 0), "checks": shown}


def _change(status: Mapping[str, Any], steps: Sequence[Step], execution: str) -> View | None:
    """The change that runs, or else the last one; None before the first."""
    running, last = status["execution"], status["last_change"]
    if running and not running.get("error"):
        lease = status["record"].get("lease") or {}
        target = f" to {lease['target']}" if lease.get("execution") == running["arn"] else ""
        began = float(running["since"])
        return {
            "title": f"{running['action'] or 'An execution'}{target}",
            "state": "running",
            "how": BUSY,
            "began": began,
            "now": status["at"],
            "sentence": recovery.so_far(status["record"], status["at"], status["recovery_target_s"]),
            "steps": [_step(each, began) for each in steps if each.kind in _SHOWN and running["arn"] == execution],
        }
    if not last or last.get("error"):
        return None
    shown = _of_the_end(last, steps if last["execution"] == execution else ())
    began = min([each.start for each in shown] or [float(last["taken_at"])])
    return {
        "title": f"{last['action']} to {last['target']}",
        "state": last["outcome"],
        "how": _OUTCOMES.get(str(last["outcome"]), DOUBTFUL),
        "began": began,
        "now": float(last["ended_at"]),
        "sentence": last["sentence"],
        "steps": [_step(each, began) for each in shown],
    }


def _of_the_end(last: Mapping[str, Any], steps: Sequence[Step]) -> list[Step]:
    """The steps of a change that has ended: as they were read while it ran, the rest as the pair's history has it."""
    known = [each for each in steps if each.end is not None and each.kind in _SHOWN]
    ended_badly = red_step(last) if last["outcome"] in ("halted", "blocked") else ""
    for phase in last.get("phases", ()):
        name, start = str(phase["name"]), float(phase["start"])
        if not any(each.name == name and abs(each.start - start) < _SAME_STEP_S for each in known):
            known.append(Step(name, "Task", start, float(phase["end"]), failed=name == ended_badly))
    return sorted(known, key=lambda each: each.start)


def _step(step: Step, began: float) -> View:
    return {name: each for name, each in step.to_json(began).items() if name != "kind"}


def _history(status: Mapping[str, Any]) -> View:
    lines = status.get("history", ())
    if isinstance(lines, Mapping):
        return {"error": lines["error"], "lines": []}
    return {"error": "", "lines": [_line(each, status["recovery_target_s"]) for each in lines]}


def _line(line: Mapping[str, Any], target_s: float) -> View:
    noted = line["outcome"] == "noted"
    served = recovery.in_words(line, target_s)
    return {
        "at": float(line["ended_at"]),
        "epoch": line["epoch"],
        "what": line["action"] if noted else f"{line['action']} {line['source']} → {line['target']}",
        "outcome": "" if noted else line["outcome"],
        "how": "" if noted else _OUTCOMES.get(str(line["outcome"]), DOUBTFUL),
        "took_s": None if noted else round(float(line["ended_at"]) - float(line["taken_at"]), 1),
        "by": line["requested_by"],
        "reason": line.get("reason", ""),
        "sentence": line["sentence"],
        "served": pieces(served) if served else [],
        "execution": str(line.get("execution", "")).rsplit(":", 1)[-1],
    }
