"""One failover in the simulation: the deployed workflow's states, one after the other, with the calls that each makes.

What a task does is what `calls.json` keeps of it; how long a call takes is drawn as the testbed's CLOUD=aws draws it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msfailover.runtime.polling import attempts

from lab.benchmarks.many_pairs import recorded, workflow
from lab.benchmarks.many_pairs.events import Loop, Process
from lab.benchmarks.many_pairs.quotas import Account
from lab.benchmarks.many_pairs.workflow import AGAIN, HALTED, PROMOTED, Facts, Retries
from lab.testbed.cloud.manners.table import MANNERS, latency_of

SDK_TRIES = 3
"""botocore's tries of a call, as layers/msfailover/msfailover/adapters/clients.py sets them."""
SDK_BASE_S = 1.0
"""Full jitter: the pause after the n-th throttled try is drawn from 0 to this times
2**(n-1) (botocore, standard mode)."""
LOCAL_S = 0.02
"""What a step takes that asks no API: the database, a probe that is answered."""
BETWEEN_PROBES_S = 5.0
"""Seconds between two probes of the watchdog, by the template's default."""
FOLLOWS_S = 90.0
NO_LAMBDA = "Lambda.TooManyRequestsException"
HAS_TO_START = "VerifyPromotion"


@dataclass
class Pair:
    """One pair that fails over, and what became of it. Times are seconds since the zone was lost."""

    number: int
    began: float
    ended: float | None = None
    outcome: str = ""
    executions: int = 0
    retries: int = 0
    halted_at: str = ""
    steps: list[str] = field(default_factory=list)


@cache
def operation(call: str) -> str:
    """How the testbed's table of latencies names a call: `ec2.describe_instances` is `ec2.DescribeInstances`."""
    service, _, name = call.partition(".")
    return f"{service}.{''.join(word.capitalize() for word in name.split('_'))}"


@cache
def _latency(call: str) -> tuple[float, float]:
    service, _, name = operation(call).partition(".")
    dial = latency_of(service, name)
    low, high = MANNERS[dial].aws if dial else (10.0, 40.0)
    return low / 1000, high / 1000


@cache
def polls(seconds: float, first_s: float = 0.05, factor: float = 1.3, most_s: float = 1.0) -> tuple[float, ...]:
    """The pauses between questions, as the deployed `polling.attempts` makes them, until a result is there."""
    now, found = [0.0], list[float]()

    def sleep(pause: float) -> None:
        now[0] += pause
        found.append(pause)

    for _ in attempts(900.0, first_s, factor, most_s, sleep, lambda: now[0]):
        if now[0] >= seconds:
            break
    return tuple(found)


class Failovers:
    """Runs the failovers of many pairs against one account.

    Args:
        loop: virtual time.
        account: the quotas.
        seed: draws latencies and jitter.
        follow: how the record's way to the name servers is polled: seconds of the first and of the longest pause.
        states: the workflow's states; the deployed ones by default.
    """

    def __init__(
        self,
        loop: Loop,
        account: Account,
        seed: int,
        follow: tuple[float, float],
        states: Mapping[str, Any] | None = None,
    ) -> None:
        self.loop, self.account, self.chance, self.follow = loop, account, random.Random(seed), follow
        self.states = states or workflow.definition()["States"]
        kept = recorded.kept()
        self._did: Mapping[str, list[Any]] = kept["steps"]
        self._throttled: Mapping[str, str] = kept["throttled"]

    def pair(self, pair: Pair) -> Process:
        """A pair's failovers, one after the other until one is promoted or waits for a person."""
        while not pair.outcome:
            pair.executions += 1
            ended = yield from self._execution(pair)
            if ended == AGAIN:
                yield self.chance.uniform(0, BETWEEN_PROBES_S)
                continue
            pair.outcome, pair.ended = ended, self.loop.now

    def _execution(self, pair: Pair) -> Process:
        facts = Facts()
        while not (yield from self._call("states.start_execution", 1.0)):
            yield BETWEEN_PROBES_S
        ended = yield from self._walk(pair, facts, self.states, workflow.definition()["StartAt"])
        if ended == "Commit":
            return PROMOTED
        return HALTED if facts.down and facts.fit else AGAIN

    def _walk(self, pair: Pair, facts: Facts, states: Mapping[str, Any], at: str) -> Process:
        """Walk states until the end of their branch, or until it is decided; returns the last state's name."""
        while True:
            state = states[at]
            pair.steps.append(at)
            while not self.account.admit("states.transition", self.loop.now):
                yield 0.1
            yield self._drawn("states.transition")
            if at == "Conclude":
                return at
            kind = state["Type"]
            if kind == "Task":
                then = yield from self._task(pair, facts, at, state)
            elif kind == "Parallel":
                branches = [self._branch(pair, facts, each) for each in state["Branches"]]
                facts.joined(at, (yield branches))
                facts.ended = False
                then = state["Next"]
            elif kind == "Choice":
                then = facts.choose(at, state)
            else:
                if kind == "Wait":
                    yield workflow.limits()["PowerPauseSeconds"]
                then = state.get("Next")
            if at == "Commit" and then != "Conclude":
                return at
            if then is None:
                return at
            at = then

    def _branch(self, pair: Pair, facts: Facts, branch: Mapping[str, Any]) -> Process:
        last = yield from self._walk(pair, facts, branch["States"], branch["StartAt"])
        return branch["States"][last]["Type"] == "Task"

    def _task(self, pair: Pair, facts: Facts, name: str, state: Mapping[str, Any]) -> Process:
        retries = Retries(state, self.chance)
        if name == "EndSessions":
            facts.ended = True
        if name == "PowerOff":
            facts.power_tries += 1
        while True:
            error = yield from self._attempt(facts, name)
            if not error:
                if name == "VerifyPower":
                    return "PowerVerified"  # a lost zone's machine stays in stopping: it proves nothing
                if name == "UpdateRecord":
                    self.loop.begin(self._followed())
                return state.get("Next")
            pause = retries.pause(error)
            if pause is None:
                if name == "VerifyFence":
                    facts.fence_read = error == "NotYetFenced"
                then = workflow.caught(state, error)
                pair.halted_at = f"{name}: {error}"
                return then
            pair.retries += 1
            yield pause

    def _attempt(self, facts: Facts, name: str) -> Process:
        """One try of a task; returns the error that it ends with, or ""."""
        if not self.account.begin():
            return NO_LAMBDA
        running = 1
        try:
            yield self._drawn("lambda.invoke")
            for number, each in enumerate(self._did.get(name, ())):
                error = ""
                if isinstance(each, float):
                    yield each
                elif each == "end":
                    running -= 1
                    self.account.end()
                elif each.startswith("ask:"):
                    begun = self.account.begin()
                    running += begun
                    yield self._drawn("lambda.invoke")
                    error = "" if begun else self._throttled.get(f"{name} {number}", NO_LAMBDA) or NO_LAMBDA
                elif each.startswith(recorded.NOT_AWS):
                    yield LOCAL_S
                elif each == "ssm.get_command_invocation":
                    error = yield from self._result(name, number)
                elif not (yield from self._call(each)):
                    error = self._throttled.get(f"{name} {number}", "Throttled")
                elif (name, each) == ("StartServer", "ssm.send_command"):
                    facts.started = True
                if error:
                    return error
            return "StartNotSeen" if name == HAS_TO_START and not facts.started else ""
        finally:
            for _ in range(running):
                self.account.end()

    def _result(self, name: str, number: int) -> Process:
        """Ask for a command's result until it is there."""
        takes = self.chance.uniform(*MANNERS["command.starts"].aws) + self.chance.uniform(*MANNERS["command.late"].aws)
        for pause in (*polls(round(takes, 1)), 0.0):
            if not (yield from self._call("ssm.get_command_invocation")):
                return self._throttled.get(f"{name} {number}", "Throttled")
            yield pause
        return ""

    def _followed(self) -> Process:
        """What `follow_record` does, waited for by nobody: it shares Route 53's quota with those who are."""
        if not self.account.begin():
            return
        in_sync = self.loop.now + self.chance.uniform(*MANNERS["route53.pending"].aws)
        for pause in polls(FOLLOWS_S, self.follow[0], 1.6, self.follow[1]):
            answered = yield from self._call("route53.get_change")
            if answered and self.loop.now >= in_sync:
                break
            yield pause
        self.account.end()

    def _call(self, call: str, tries: float = SDK_TRIES) -> Process:
        """A call with the SDK's own tries; returns whether it was admitted."""
        for number in range(int(tries)):
            if self.account.admit(call, self.loop.now):
                yield self._drawn(call)
                return True
            if number + 1 < tries:
                yield self.chance.uniform(0, SDK_BASE_S * 2**number)
        return False

    def _drawn(self, call: str) -> float:
        if call == "states.transition":
            low, high = MANNERS[call].aws
            return self.chance.uniform(low, high) / 1000
        return self.chance.uniform(*_latency(call))
