"""A zone is lost: many pairs of one account fail over at once, and the others go on as before."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.benchmarks.many_pairs import at_rest
from lab.benchmarks.many_pairs.events import Loop
from lab.benchmarks.many_pairs.failover import BETWEEN_PROBES_S, Failovers, Pair
from lab.benchmarks.many_pairs.quotas import QUOTAS, Account, Quota
from lab.benchmarks.many_pairs.workflow import HALTED, PROMOTED

HORIZON_S = 600.0
"""For how long a run goes on; who has not ended by then is counted as under way."""
PROBES_NEEDED = 4
FOLLOW = (1.0, 5.0)
"""How `follow_record` polls: seconds of its first pause, and of its longest."""


@dataclass(frozen=True)
class Result:
    """What one run came to. Times are seconds since the zone was lost."""

    pairs: tuple[Pair, ...]
    refused: Mapping[str, int]
    admitted: Mapping[str, int]
    most_running: int

    def counted(self, outcome: str) -> int:
        """How many ended so: "promoted", "halted", or "" for those that are under way."""
        return sum(each.outcome == outcome for each in self.pairs)

    def promoted_at(self, share: float) -> float:
        """When that share of all pairs was promoted; infinite where fewer were."""
        times = sorted(each.ended or 0.0 for each in self.pairs if each.outcome == PROMOTED)
        needed = math.ceil(share * len(self.pairs))
        return times[needed - 1] if len(times) >= needed else math.inf

    def halted_at(self) -> Counter[str]:
        """Where those that halted did, and by which error."""
        return Counter(each.halted_at for each in self.pairs if each.outcome == HALTED)


def zone_lost(
    failing: int,
    resting: int,
    seed: int,
    quotas: Sequence[Quota] = QUOTAS,
    follow: tuple[float, float] = FOLLOW,
    states: Mapping[str, Any] | None = None,
    horizon_s: float = HORIZON_S,
) -> Result:
    """Run it once.

    Args:
        failing: pairs whose active server is in the zone.
        resting: pairs of the account whose schedules run all the while; those that fail over are among them.
        seed: the same seed gives the same run.
        quotas: the account's.
        follow: how `follow_record` polls.
        states: the workflow's states; the deployed ones by default.
        horizon_s: seconds after which it ends.
    """
    loop, account, chance = Loop(), Account(quotas), random.Random(seed)
    account.at_once -= round(at_rest.at_once() * resting)
    failovers = Failovers(loop, account, seed, follow, states)
    pairs = [Pair(number, 0.0) for number in range(failing)]
    for each in pairs:
        each.began = BETWEEN_PROBES_S * (PROBES_NEEDED - 1) + chance.uniform(0, BETWEEN_PROBES_S)
        loop.begin(failovers.pair(each), each.began)
    at_rest.others(loop, account, seed, resting)
    while loop.now < horizon_s and not all(each.outcome for each in pairs):
        loop.run(loop.now + 10.0)
    return Result(tuple(pairs), dict(account.refused), dict(account.admitted), account.most_running)
