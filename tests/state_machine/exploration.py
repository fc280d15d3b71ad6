"""Walks every path through the workflow, with its own expressions evaluated on every answer a step can give.

A state of the walk is a state of the machine, the values of its variables, and what is really so (`Truth`). Since the
conditions are evaluated and not read, a choice that takes *unknown* for yes is found however it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from lab.testbed.cloud import jsonata
from tests.state_machine.answers import BEFORE_ANYTHING, GRANTS, SERVERS, Reply, Step, Truth, replies

ATTEMPTS = re.compile(r"\$\{[A-Za-z]+Attempts\}")
"""The limits of loops: two is enough, since what loops twice and ends loops any number of times and ends."""

CONTEXT = {"Execution": {"Id": "execution"}, "State": {"EnteredTime": "2026-01-31T12:00:00Z"}}
Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Node:
    """A point of the walk; `variables` as JSON, so that two equal ones are one."""

    path: str
    variables: str
    truth: Truth


@dataclass(frozen=True)
class End:
    """How a machine or a branch ended: "Succeed", "Fail" or "End" (of a branch), with its output."""

    kind: str
    path: str
    output: str
    truth: Truth


@dataclass
class Walk:
    """What a walk saw: the edges, the ends, and each thing that must not be."""

    edges: dict[Node, list[Node]] = field(default_factory=dict)
    ends: set[End] = field(default_factory=set)
    breaches: list[str] = field(default_factory=list)
    inside: list[Walk] = field(default_factory=list)
    until_breach: bool = False

    def visited(self) -> set[str]:
        return {node.path for node in self.edges} | {path for each in self.inside for path in each.visited()}

    def all_breaches(self) -> list[str]:
        return self.breaches + [breach for each in self.inside for breach in each.all_breaches()]

    def endless(self) -> str | None:
        """The path of a state in a walk that never ends; None where every walk ends."""
        return self._cycle() or next((found for each in self.inside if (found := each.endless())), None)

    def _cycle(self) -> str | None:
        done: set[Node] = set()
        for root in self.edges:
            on_path, stack = {root}, [(root, iter(self.edges[root]))]
            while stack:
                node, following = stack[-1]
                step = next((each for each in following if each not in done), None)
                if step is None:
                    done.add(node)
                    on_path.discard(node)
                    stack.pop()
                elif step in on_path:
                    return step.path
                else:
                    on_path.add(step)
                    stack.append((step, iter(self.edges.get(step, []))))
        return None


def explore(machine: Mapping[str, Any], *, until_breach: bool = False) -> Walk:
    """Walk through the whole machine from its start, with nothing proven and nothing known.

    Args:
        machine: the definition.
        until_breach: stop at the first breach, for a machine that is wrong and so may have walks without end.
    """
    return _explore(_substituted(machine), "", {}, Truth(), until_breach)


def _substituted(machine: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(ATTEMPTS.sub("2", json.dumps(machine)))
    return found


def _explore(machine: Mapping[str, Any], prefix: str, variables: Variables, truth: Truth, until_breach: bool) -> Walk:
    walk = Walk(until_breach=until_breach)
    waiting = [_node(prefix + machine["StartAt"], variables, truth)]
    while waiting and not (until_breach and walk.all_breaches()):
        node = waiting.pop()
        if node in walk.edges:
            continue
        body = machine["States"][node.path.removeprefix(prefix)]
        walk.edges[node] = following = list(_Step(walk, prefix, node, body).following())
        waiting += following
    return walk


def _node(path: str, variables: Variables, truth: Truth) -> Node:
    return Node(path, json.dumps(variables, sort_keys=True), truth)


class _Step:
    """One state, entered with certain variables: where it can lead."""

    def __init__(self, walk: Walk, prefix: str, node: Node, body: Mapping[str, Any]) -> None:
        self.walk, self.prefix, self.node, self.body = walk, prefix, node, body
        self.variables: dict[str, Any] = json.loads(node.variables)

    def following(self) -> Iterator[Node]:
        kind = self.body["Type"]
        if kind == "Choice":
            yield self._chosen()
        elif kind in ("Succeed", "Fail"):
            self._end(kind, self.node.truth, {})
        elif kind == "Task":
            step, asked = self._asked()
            self._judge(step, asked)
            for reply in replies(step, asked, self.node.truth):
                yield from self._after(reply, {"Payload": reply.payload})
        elif kind == "Parallel":
            yield from self._parallel()
        else:
            yield from self._after(Reply({}, self.node.truth), {})

    def _asked(self) -> tuple[Step, dict[str, Any]]:
        arguments = self.body["Arguments"]
        if self.body["Resource"].endswith("sns:publish"):
            self._value(arguments, {})
            return ("Topic", "publish"), {}
        asked = self._value(arguments["Payload"], {})
        return (arguments["FunctionName"].strip("${}"), asked["action"]), asked

    def _judge(self, step: Step, asked: Mapping[str, Any]) -> None:
        if step in BEFORE_ANYTHING and (self.node.truth.touched or self.node.truth.proven):
            self.walk.breaches.append(f"{self.node.path} asks {step[0]} to {step[1]} after something was touched")
        if step not in GRANTS:
            return
        truth, server = self.node.truth, asked.get("server")
        others = [each for each in SERVERS if each != server]
        if server not in SERVERS or truth.proven not in others:
            self.walk.breaches.append(
                f"{self.node.path} asks {step[0]} to {step[1]} {server} with the fence of"
                f" {truth.proven or 'nobody'} proven; variables: {self.node.variables}"
            )

    def _after(self, reply: Reply, result: Any) -> Iterator[Node]:
        if reply.payload is None:
            yield from self._caught(reply.truth, reply.error)
            return
        changed = {**self.variables, **self._value(self.body.get("Assign", {}), {"result": result})}
        if self.body.get("End"):
            self._end("End", reply.truth, {"result": result})
        else:
            yield _node(self.prefix + self.body["Next"], changed, reply.truth)

    def _caught(self, truth: Truth, error_name: str = "Some.Error") -> Iterator[Node]:
        """An error that no retry makes go away. A retry that does is a reply like any other: it was asked the same."""
        names = {error_name, "States.ALL"}
        catch = next((each for each in self.body.get("Catch", []) if names & set(each["ErrorEquals"])), None)
        if catch is None:
            self._end("Fail", truth, {})
            return
        error = {"errorOutput": {"Error": error_name, "Cause": "it broke"}}
        changed = {**self.variables, **self._value(catch.get("Assign", {}), error)}
        yield _node(self.prefix + catch["Next"], changed, truth)

    def _chosen(self) -> Node:
        for choice in self.body["Choices"]:
            answer = self._value(choice["Condition"], {})
            if not isinstance(answer, bool):
                self.walk.breaches.append(f"{self.node.path}: {choice['Condition']} is {answer!r}, not true or false")
            if answer is True:
                return self._on(choice.get("Assign", {}), choice["Next"])
        return self._on(self.body.get("Assign", {}), self.body["Default"])

    def _on(self, assign: Mapping[str, Any], following: str) -> Node:
        """A rule's own values are assigned where it is taken, and the state's where none is."""
        return _node(self.prefix + following, {**self.variables, **self._value(assign, {})}, self.node.truth)

    def _parallel(self) -> Iterator[Node]:
        """Every combination of the branches' ends. What one branch proves, another must not rely on: they race."""
        ends: list[list[End]] = []
        for number, branch in enumerate(self.body["Branches"]):
            inside = _explore(
                branch, f"{self.node.path}/{number}/", self.variables, self.node.truth, self.walk.until_breach
            )
            self.walk.inside.append(inside)
            ends.append(sorted(inside.ends, key=repr))
        combinations: list[list[End]] = [[]]
        for branch_ends in ends:
            combinations = [[*before, end] for before in combinations for end in branch_ends]
        seen: set[str] = set()
        for combination in combinations:
            truth = self._merged(combination)
            outputs = [json.loads(end.output) for end in combination]
            key = json.dumps([outputs, repr(truth), any(end.kind == "Fail" for end in combination)])
            if key in seen:
                continue
            seen.add(key)
            if any(end.kind == "Fail" for end in combination):
                yield from self._caught(truth)
            else:
                yield from self._after(Reply({}, truth), outputs)
        # An expression can fail in any branch: whatever can be done was done by then, and nothing counts as proven.
        touched = any(end.truth.touched for branch_ends in ends for end in branch_ends)
        yield from self._caught(replace(self.node.truth, touched=touched, proven=""))

    def _merged(self, ends: list[End]) -> Truth:
        before = self.node.truth
        proven = {end.truth.proven for end in ends} - {before.proven}
        return replace(
            before,
            proven=proven.pop() if len(proven) == 1 else "" if proven else before.proven,
            touched=any(end.truth.touched for end in ends),
            behind=any(end.truth.behind for end in ends),
            waived=any(end.truth.waived for end in ends),
        )

    def _end(self, kind: str, truth: Truth, scope: Mapping[str, Any]) -> None:
        output = self._value(self.body.get("Output", {}), scope)
        self.walk.ends.add(End(kind, self.node.path, json.dumps(output, sort_keys=True), truth))

    def _value(self, written: Any, states: Mapping[str, Any]) -> Any:
        if isinstance(written, Mapping):
            return {key: self._value(each, states) for key, each in written.items()}
        if isinstance(written, list):
            return [self._value(each, states) for each in written]
        if not (isinstance(written, str) and written.startswith("{%")):
            return written
        expression = written[2:-2].strip()
        scope = {"input": {}, "context": CONTEXT, **states}
        named = {name: value for name, value in self.variables.items() if f"${name}" in expression}
        found, trouble = _evaluated(expression, json.dumps({**named, "states": scope}, sort_keys=True))
        if trouble:
            self.walk.breaches.append(f"{self.node.path}: {trouble} Variables: {self.node.variables}")
        return json.loads(found)


@cache
def _evaluated(expression: str, variables: str) -> tuple[str, str]:
    """The value as JSON, and what went wrong; the same few expressions meet the same few values again and again."""
    try:
        return json.dumps(jsonata.evaluate(expression, json.loads(variables))), ""
    except jsonata.QueryError as error:
        return "null", str(error)
