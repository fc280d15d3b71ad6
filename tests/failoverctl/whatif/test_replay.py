"""A replay decides as the watchdog decided, and says what other settings would have made of the same days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msfailover.decisions import slots
from msfailover.decisions.slots import Pace
from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.watching import Run

from failoverctl.whatif.replay import BY_ITSELF, CHANGED, GOES_ON, replay, replay_otherwise, stretches_of
from lab.simulation.continuity.cloud import Manners
from lab.simulation.continuity.day import INTERVAL_S, THRESHOLD, TIMEOUT_S
from lab.simulation.continuity.day import run as run_day
from lab.testbed.cloud.patching import Patches

OWN = Pace(INTERVAL_S, TIMEOUT_S, THRESHOLD)
T0 = 1_790_000_000.0
WELL, REFUSED, SILENT = (Signal.ANSWERS,) * 2, (Signal.REFUSED,) * 2, (Signal.SILENT,) * 2


def run_of(begin: float, count: int, ms1: tuple[Signal, Signal] | None = WELL, **about: Any) -> Run:
    """A run of probes, five seconds apart, of a pair whose standby is as it should be."""
    end = begin + (count - 1) * INTERVAL_S
    found = Run(
        T0 + begin, T0 + end, count, INTERVAL_S, Role.MS1, 1, ms1, None if ms1 is None else REFUSED, "", "",
        "healthy" if ms1 == WELL else "silent", 0, THRESHOLD,
    )  # fmt: skip
    return replace(found, **about)


def outage(begin: float, probes: int, **about: Any) -> list[Run]:
    """Healthy, then silent for so many probes, then healthy again."""
    return [
        run_of(begin, 20),
        run_of(begin + 100, probes, SILENT, **about),
        run_of(begin + 100 + probes * INTERVAL_S, 20),
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_decides_as_the_deployed_function_did_probe_by_probe(seed: int) -> None:
    runs = list[Run]()
    last = list[Run]()
    real: Callable[..., Any] = slots.after_probe

    def noting(*given: Any, **named: Any) -> Any:
        after, ended = real(*given, **named)
        if ended is not None:
            runs.append(ended)
        last[:] = [after.run]
        return after, ended

    def listen(patches: Patches) -> None:
        patches.put(slots, "after_probe", noting, why="the log's lines are read here")

    # Nothing is killed between keeping a probe and logging the run, so that the log has every line.
    manners = replace(Manners(), kills=0.0, throttles=0)
    day = run_day(manners, seed, 6.0, 96, listen)
    replayed = replay([*runs, *last], OWN)
    assert len(day.started) >= 10
    decided = [each.at for each in replayed.takeovers]
    live = [at for at, _ in day.started]
    assert len(decided) == len(live)
    assert [abs(a - b) < 3 * TIMEOUT_S for a, b in zip(decided, live, strict=True)] == [True] * len(live)
    assert replayed.otherwise == 0


def test_an_outage_that_the_threshold_outlasts_is_no_takeover() -> None:
    assert replay(outage(0, THRESHOLD - 1), OWN).takeovers == []


def test_a_takeover_is_timed_from_the_first_failed_probe() -> None:
    (found,) = replay(outage(0, 12), OWN).takeovers
    assert (found.since - T0, found.at - T0, found.detection_s) == (100, 115, 15)
    assert found.why.endswith("(4 of 4 probes in a row)")


def test_a_server_that_was_back_before_the_takeover_was_over_made_it_needless() -> None:
    (short,), (long,) = replay(outage(0, 6), OWN).takeovers, replay(outage(0, 60), OWN).takeovers
    assert (short.ended, short.needless(60)) == (BY_ITSELF, True)
    assert (long.ended, long.needless(60)) == (BY_ITSELF, False)


def test_a_change_of_the_pair_ends_an_outage_and_is_never_called_needless() -> None:
    before = outage(0, 6)[:2]
    (found,) = replay([*before, run_of(130, 20, active=Role.MS2, epoch=2, ms2=WELL, ms1=REFUSED)], OWN).takeovers
    assert (found.ended, found.needless(60)) == (CHANGED, False)


def test_what_the_change_cut_short_is_undecided_for_a_higher_threshold() -> None:
    before = outage(0, 6)[:2]
    found = replay([*before, run_of(130, 20, active=Role.MS2, epoch=2, ms2=WELL, ms1=REFUSED)], Pace(5.0, 2.0, 8))
    assert (found.takeovers, found.undecided) == ([], 1)


def test_an_outage_that_goes_on_is_said_to() -> None:
    (found,) = replay(outage(0, 20)[:2], OWN).takeovers
    assert (found.ended, found.needless(60)) == (GOES_ON, False)


def test_a_refusal_without_a_session_is_decided_at_once() -> None:
    runs = [run_of(0, 20), run_of(100, 1, REFUSED, asked="sessions", answer="no", finding="gone")]
    (found,) = replay(runs, OWN).takeovers
    assert (found.finding, found.detection_s) == ("gone", 0)


def test_probes_that_could_not_be_asked_neither_add_nor_clear() -> None:
    runs = [
        run_of(0, 20), run_of(100, 3, SILENT), run_of(115, 2, None, finding="cut-off"), run_of(125, 1, SILENT)
    ]  # fmt: skip
    (found,) = replay(runs, OWN).takeovers
    assert found.at - T0 == 125


def test_failures_with_a_long_gap_between_them_are_not_in_a_row() -> None:
    assert replay([run_of(0, 3, SILENT), run_of(300, 3, SILENT)], OWN).takeovers == []


def test_what_the_code_names_otherwise_today_is_counted() -> None:
    assert replay([run_of(0, 20, finding="silent")], OWN).otherwise == 20


@pytest.mark.parametrize(("threshold", "interval_s", "takeovers"), [(1, 5, 1), (4, 5, 1), (12, 5, 0), (2, 30, 0)])
def test_other_settings_decide_otherwise_on_the_same_outage(threshold: int, interval_s: float, takeovers: int) -> None:
    stretches = stretches_of(outage(0, 4), OWN)
    assert len(replay_otherwise(stretches, Pace(interval_s, 2.0, threshold)).takeovers) == takeovers


def test_a_suspicion_is_followed_up_at_twice_the_pace() -> None:
    (found,) = replay_otherwise(stretches_of(outage(0, 12), OWN), Pace(10.0, 2.0, 4)).takeovers
    assert found.detection_s == 15


def test_a_longer_interval_takes_fewer_probes() -> None:
    stretches = stretches_of([run_of(0, 1000)], OWN)
    assert replay_otherwise(stretches, Pace(10.0, 2.0, 4)).probes == pytest.approx(500, abs=2)


def test_time_that_nobody_watched_is_not_made_up() -> None:
    stretches = stretches_of([run_of(0, 10), run_of(1000, 10)], OWN)
    assert [each.end - each.start for each in stretches] == [50, 50]
