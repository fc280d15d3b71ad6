"""A day of the watchdog in virtual time: nobody's probes are far apart, no outage counts twice, none is missed.

And that such a day can fail: with a defect planted in what makes it so, it does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from msfailover.adapters.watch_table import WatchTable
from msfailover.decisions import slots
from msfailover.decisions.detection import Streak
from msfailover.verdict import no, yes
from msfailover.watching import Watching

from lab.simulation.continuity.cloud import Manners
from lab.simulation.continuity.day import INTERVAL_S, Defect, broken, judge, run
from lab.testbed.cloud.patching import Patches

WHY = "to see that the test can fail"


def judged(manners: Manners, seed: int, hours: float, outages: int = 24, defect: Defect | None = None) -> list[str]:
    return broken(judge(run(manners, seed, hours, outages, defect), hours * 3600), manners)


def test_a_day_is_watched_without_a_gap_and_every_outage_is_found_once() -> None:
    day = run(Manners(), seed=1)
    found = judge(day, 86_400)
    assert broken(found, Manners()) == []
    assert found.outages >= 20
    assert len(day.kills) > 100
    assert day.lost_ticks > 20
    assert found.probes > 0.9 * 86_400 / INTERVAL_S


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_so_is_a_crueller_one(seed: int) -> None:
    assert judged(Manners(lost_ticks=0.3, doubled_messages=0.3, refused_entries=0.1, kills=0.1), seed, 4, 48) == []


def test_a_kind_day_costs_one_call_and_one_probe_for_each_interval() -> None:
    kind = Manners(0, 0, 0, 0.0, 0, 0, 0, 0, (0, 0), 0.2)
    day = run(kind, seed=1, hours=1, outages=0)
    assert broken(judge(day, 3600), kind) == []
    assert len(day.kept) == pytest.approx(3600 / INTERVAL_S, rel=0.02)
    assert day.calls == pytest.approx(3600 / INTERVAL_S + 60, rel=0.02)


def test_without_a_queue_the_schedules_calls_probe_by_themselves() -> None:
    """All day long SQS takes nothing; the schedule is punctual, else a minute that comes late is one without probes."""
    manners = Manners(late_tick_s=0, lost_ticks=0, refused_entries=1.0, kills=0, throttles=0)
    day = run(manners, seed=1, hours=1)
    gaps = [after.at - before.at for before, after in itertools.pairwise(day.kept)]
    assert max(gaps) <= 2 * INTERVAL_S
    assert judge(day, 3600).not_found == 0


def put(owner: object, name: str, value: object) -> Defect:
    def plant(patches: Patches) -> None:
        patches.put(owner, name, value, why=WHY)

    return plant


def _seeded_for_less(patches: Patches) -> None:
    patches.put(slots, "AHEAD_S", 60.0, why=WHY)


def _never_by_itself(patches: Patches) -> None:
    patches.put(slots, "AHEAD_S", 60.0, why=WHY)
    patches.put(slots, "ran_out", lambda *_: no("Never."), why=WHY)


def _every_write_wins(patches: Patches) -> None:
    keep: Callable[..., bool] = WatchTable.keep
    patches.put(WatchTable, "keep", lambda table, _, after: keep(table, table.read(), after) or True, why=WHY)
    patches.put(slots, "admit", lambda *_: yes("Always."), why=WHY)


def _dead_and_believed(patches: Patches) -> None:
    patches.put(slots, "busy_for_s", lambda *_: 60.0, why=WHY)
    patches.put(slots, "believed", lambda kept, *_: kept, why=WHY)


DEFECTS: dict[str, Defect] = {
    "slots are seeded for a minute only": _seeded_for_less,
    "and the schedule's call never probes": _never_by_itself,
    "every process counts": _every_write_wins,
    "the streak is not kept": put(slots, "streak_of", lambda *_: Streak()),
    "a dead process keeps the others out": _dead_and_believed,
    "every slot is dropped": put(slots, "admit", lambda *_: no("Never.")),
    "what was kept is not read": put(WatchTable, "read", lambda _: Watching()),
}


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS)
def test_a_planted_defect_is_found(defect: Defect) -> None:
    manners = Manners(kills=0.05, doubled_messages=0.3, late_message_s=3.0)
    assert any(judged(manners, seed, 2, 48, defect) for seed in (1, 2, 3))


def test_and_without_one_the_same_days_are_as_promised() -> None:
    manners = Manners(kills=0.05, doubled_messages=0.3, late_message_s=3.0)
    assert [judged(manners, seed, 2, 48) for seed in (1, 2, 3)] == [[], [], []]
