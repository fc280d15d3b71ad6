"""A fleet of agents that comes back, as a discrete-event simulation. Their patience is the testbed's own code.

    t = 0     the active server is gone; each agent loses its connection, at once or when its heartbeat is missed
    moved_s   the name points to the new server, for whoever asks the name's own servers
    serving_s the new server takes connections

An agent waits as `testbed.hosts.agents.Settings.pause` says, asks its resolver, and tries. A resolver is shared by a
number of agents and remembers an answer for the record's time to live. The new server takes a number of TLS handshakes
a second, in order; what finds its queue full comes again after 1 and 3 s, as TCP does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from lab.testbed.hosts.agents import Settings

SYN_AGAIN_S = (0.0, 1.0, 3.0)


@dataclass(frozen=True)
class Fleet:
    """What is simulated; times in seconds from the failure.

    Args:
        agents: how many.
        ttl_s: how long a resolver remembers; 0 where the agents ask the name's own servers, as on the testbed.
        moved_s, serving_s: see the module.
        lost_s: an agent notices within this time, evenly spread; 0 where the connection is reset.
        agents_per_resolver: how many share one.
        refused: whether the old server's host refuses at once; otherwise an attempt takes all its patience.
        handshakes_per_s: what the new server can take.
        backlog: how many may wait for it.
        round_trip_s: of a network.
        settings: the agents' own.
    """

    agents: int
    ttl_s: float
    moved_s: float
    serving_s: float
    lost_s: float = 0.0
    agents_per_resolver: int = 50
    refused: bool = True
    handshakes_per_s: float = 500.0
    backlog: int = 512
    round_trip_s: float = 0.001
    settings: Settings = field(default_factory=lambda: Settings(0, "", 0, ""))


class _Server:
    """The new server: a queue of handshakes, and what arrived in each second."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._free = 0.0
        self.arrivals: Counter[int] = Counter()

    def take(self, now: float) -> float | None:
        """When the handshake of a connection that arrives now is done; None where the queue is full."""
        self.arrivals[int(now)] += 1
        waiting = max(0.0, self._free - now) * self._fleet.handshakes_per_s
        if waiting >= self._fleet.backlog:
            return None
        self._free = max(self._free, now) + 1 / self._fleet.handshakes_per_s
        return self._free


class _Resolver:
    """Remembers where the name pointed when it last asked."""

    def __init__(self, fleet: Fleet, draw: random.Random) -> None:
        self._fleet = fleet
        self._new = False
        self._until = draw.uniform(0, fleet.ttl_s)

    def knows_new(self, now: float) -> bool:
        if now >= self._until:
            self._new = now >= self._fleet.moved_s
            self._until = now + self._fleet.ttl_s
        return self._new


def simulate(fleet: Fleet, seed: int = 1) -> dict[str, Any]:
    """Let the fleet come back; returns when 50, 95 and 100 % were back, and the storm."""
    draw = random.Random(seed)
    environment, server = simpy.Environment(), _Server(fleet)
    resolvers = [_Resolver(fleet, draw) for _ in range(-(-fleet.agents // fleet.agents_per_resolver))]
    back: list[float] = []
    for number in range(fleet.agents):
        own = random.Random(draw.random())
        resolver = resolvers[number // fleet.agents_per_resolver]
        environment.process(_agent(environment, fleet, server, resolver, own, back))
    environment.run()
    back.sort()
    return {
        "agents": fleet.agents,
        "ttl_s": fleet.ttl_s,
        "moved_s": round(fleet.moved_s, 3),
        "back_50_s": round(share(back, 0.5), 2),
        "back_95_s": round(share(back, 0.95), 2),
        "back_100_s": round(back[-1], 2),
        "peak_connections_per_s": max(server.arrivals.values()),
        "attempts_at_new": sum(server.arrivals.values()),
        "storm": [[second, server.arrivals[second]] for second in sorted(server.arrivals)],
        "back": back,
        "curve": [round(share(back, percent / 20), 2) for percent in range(21)],
    }


def share(back: list[float], part: float) -> float:
    """By when a part of all were back, of sorted times."""
    return back[max(0, min(len(back), round(part * len(back))) - 1)]


def _agent(
    environment: simpy.Environment,
    fleet: Fleet,
    server: _Server,
    resolver: _Resolver,
    draw: random.Random,
    back: list[float],
) -> Generator[Any, Any, None]:
    settings, attempts = fleet.settings, 0
    yield environment.timeout(draw.uniform(0, fleet.lost_s))
    while True:
        yield environment.timeout(settings.pause(attempts, draw) + fleet.round_trip_s)
        attempts += 1
        if not resolver.knows_new(environment.now):
            if not fleet.refused:
                yield environment.timeout(settings.connect_within_s)
            continue
        if environment.now < fleet.serving_s:
            continue  # its host is there, and refuses at once
        began = environment.now
        for after in SYN_AGAIN_S:
            yield environment.timeout(max(0.0, began + after - environment.now))
            done = server.take(environment.now)
            if done is not None:
                break
        if done is None or done - began > settings.connect_within_s:
            yield environment.timeout(began + settings.connect_within_s - environment.now)
            continue
        yield environment.timeout(done - environment.now + 2 * fleet.round_trip_s)
        back.append(environment.now)
        return
