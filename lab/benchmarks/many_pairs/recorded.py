"""What each step of the deployed workflow asks of AWS, as the deployed functions do it in the simulation's world.

The real state machine and the real functions run in the world of memory (lab/simulation); every call that they make
goes through its gate, and is written down here with the state that it belongs to. Threads are run one after the other
there, so calls that go side by side inside a function count as one after the other. `calls.json` keeps what was found;
a test holds it to a fresh recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msfailover.pair import Role
from msfailover.questions import Question, of_readiness

from lab.simulation.bootstrap import Current
from lab.simulation.faults import Fault, Kind
from lab.simulation.injector import CALL_TAKES_S, Injector
from lab.simulation.runner import Runner
from lab.simulation.schedule import Schedule
from lab.testbed.cloud.patching import Patches

FILE = Path(__file__).with_name("calls.json")

UNSEEN = Schedule(ms1="partitioned", database="unseen", order=10_000)
"""The same where the database can prove nothing: power does."""
LOST = Schedule(ms1="dead", order=10_000)
"""The active server's zone is gone; its fence is proven by the database. One branch of a Parallel after the other."""
NOT_AWS = ("database.", "probe.", "wait", "end")
"""Places that are no call to AWS: they take their time, and have no quota."""


@dataclass
class Step:
    """One attempt of a task: the state, and what it did in that order.

    `did` has pairs of a place and the count at which it was come to in that run; `("wait", seconds)` is a pause.
    """

    state: str
    did: list[tuple[str, float]] = field(default_factory=list)
    error: str = ""


class Recorder:
    """Listens at the gate of the simulation's world."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.beside = Step("")
        """What was called outside of the workflow."""
        self._state, self._open, self._now = "", [self.beside], 0.0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen until the end of the block."""
        patches = Patches()
        call = patches.put(Injector, "call", None, why="to be listened to")
        send = patches.put(Injector, "send", None, why="to be listened to")
        Injector.call = lambda gate, place, *rest: self._called(call, gate, place, *rest)  # type: ignore
        Injector.send = lambda gate, place, *rest: self._called(send, gate, place, *rest)  # type: ignore
        come_to = patches.put(Injector, "come_to", None, why="to be listened to")
        Injector.come_to = lambda gate, place: self._came(come_to, gate, place)  # type: ignore
        try:
            yield
        finally:
            patches.undo()

    def _came(self, come_to: Any, gate: Any, place: str) -> Any:
        found = come_to(gate, place)
        if place.startswith("state:"):
            self._state = place.removeprefix("state:")
        elif not place.startswith("task:"):
            self._note(gate, place)
        return found

    def _note(self, gate: Any, place: str) -> None:
        now = Current.world.clock.time()
        step = self._open[-1]
        waited = now - self._now - CALL_TAKES_S
        if step.did and waited > 0.001:
            step.did.append(("wait", round(waited, 3)))
        step.did.append((place, gate.counts[place]))
        self._now = now

    def _called(self, call: Any, gate: Any, place: str, *rest: Any) -> Any:
        if place.startswith("ask:"):
            try:
                return call(gate, place, *rest)
            finally:
                self._open[-1].did.append(("end", 0))
        if not place.startswith("task:"):
            return call(gate, place, *rest)
        step = Step(self._state)
        running = Current.world.running
        if running and running[-1].endswith(":first"):
            self.steps.append(step)
        self._open.append(step)
        self._now = Current.world.clock.time()
        try:
            answer = call(gate, place, *rest)
            if isinstance(answer, Mapping) and answer.get("FunctionError"):
                body = answer["Payload"].getvalue()
                step.error = json.loads(body)["errorType"]
            return answer
        finally:
            self._open.pop()


def path() -> list[Step]:
    """A failover's tasks, each with what its first try did: of a lost server, and of one that only power can fence."""
    found = {each.state: each for each in (*_run(UNSEEN), *_run(LOST))}
    return list(found.values())


def throttled(steps: Sequence[Step]) -> dict[str, str]:
    """How the task ends whose call is throttled beyond the SDK's own tries: an error's name, or "" where it goes on.

    Args:
        steps: as `path` gives them. A call is known by its state, its place and its number among that step's.
    """
    found: dict[str, str] = {}
    for step in steps:
        for number, (place, count) in enumerate(step.did):
            if place.startswith(NOT_AWS):
                continue
            again = _run(replace(LOST, faults=(Fault(Kind.THROTTLE, place, int(count), 1),)))
            first = next((each for each in again if each.state == step.state and (place, count) in each.did), None)
            if first is not None:
                found[f"{step.state} {number}"] = first.error
    return found


def at_rest() -> dict[str, list[str]]:
    """What a run of each schedule's function asks of AWS at rest, by the function: `watch` for one probe."""
    found: dict[str, list[str]] = {}
    for name, event in (("watch", {"once": True}), ("audit", {}), ("replicate", {"action": "scheduled"})):
        found[name] = _asked(name, event)
    found["readiness"] = [each for question in of_readiness(Role.MS1).values() for each in _of_question(question)]
    found["readiness"] += [*READINESS_ITSELF, *_asked("pair", {"action": "keep_readiness", "readiness": KEPT})]
    return found


READINESS_ITSELF = ["dynamodb.get_item", "dynamodb.get_item", "dynamodb.put_item", "sns.get_topic_attributes"]
"""What readiness asks beside its questions: the record, the machines that were seen (read and written), the topic."""
KEPT = {"answer": "yes", "sentence": "Ready.", "at": 0.0, "checks": []}
NAMES = {"access": "database_access", "sessions": "database_sessions"}


def _of_question(question: Question) -> list[str]:
    name = NAMES.get(question.function, question.function)
    return [f"ask:{name}.{question.action}", *_asked(name, question.payload())]


def _asked(name: str, event: Mapping[str, Any]) -> list[str]:
    """What the second of two runs asks: the audit's first one in a process also makes sure of what it can't know."""
    once, twice = ([place for place, _ in _beside([(name, event)] * runs)] for runs in (1, 2))
    return [place for place in twice[len(once) :] if not place.startswith(NOT_AWS)]


def _beside(asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, float]]:
    runner, recorder = Runner(), Recorder()
    try:
        with recorder.listening():
            runner.at_rest(asked)
    finally:
        runner.close()
    return recorder.beside.did


def _run(schedule: Schedule) -> list[Step]:
    runner, recorder = Runner(), Recorder()
    try:
        with recorder.listening():
            runner.run(schedule)
    finally:
        runner.close()
    return recorder.steps


def anew() -> dict[str, Any]:
    """Everything that `calls.json` keeps, recorded now; takes a quarter of a minute."""
    steps = path()
    return {
        "steps": {each.state: [value if place == "wait" else place for place, value in each.did] for each in steps},
        "throttled": throttled(steps),
        "at_rest": at_rest(),
    }


def kept() -> dict[str, Any]:
    """What `calls.json` keeps."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def keep(found: Mapping[str, Any]) -> None:
    """Write `calls.json`."""
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    keep(anew())
