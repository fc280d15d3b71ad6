"""Slots: which are sent, which of them is taken, and what is kept after a probe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msfailover.decisions import slots
from msfailover.decisions.detection import Finding, Streak
from msfailover.decisions.slots import AHEAD_S, Following, Pace, Probed, Turn
from msfailover.observations import Signal
from msfailover.pair import Role
from msfailover.watching import RUN_LASTS_S, Run, Watching

NOW = 1_790_000_000_000
PACE = Pace(interval_s=5, timeout_s=2, threshold=4)
WELL, MUTE = (Signal.ANSWERS, Signal.ANSWERS), (Signal.SILENT, Signal.SILENT)


@pytest.mark.parametrize(
    ("interval_s", "spacing_s"), [(0.2, 1.0), (0.3, 1.2), (0.7, 1.4), (1.0, 1.0), (2.5, 2.5), (5, 5), (30, 30)]
)
def test_slots_are_whole_intervals_apart_and_a_second_at_least(interval_s: float, spacing_s: float) -> None:
    assert slots.spacing_s(interval_s) == pytest.approx(spacing_s)


def test_nothing_seeded_begins_an_interval_from_now_and_reaches_over_four_minutes() -> None:
    due = slots.to_seed(0, NOW, 5)
    assert (due[0], due[1] - due[0], len(due)) == (NOW + 5000, 5000, AHEAD_S / 5)
    assert due[-1] > NOW + 240_000


def test_what_is_seeded_already_is_not_seeded_again_and_the_next_are_whole_seconds_away() -> None:
    first = slots.to_seed(0, NOW, 5)
    second = slots.to_seed(first[-1], NOW + 60_400, 5)
    assert second[0] == first[-1] + 5000 - 600
    assert {(each - NOW - 60_400) % 1000 for each in second} == {0}
    assert len(second) == 12
    assert slots.to_seed(first[-1], NOW + 60_400, 1)[0] == first[-1] + 1000, "a second is not to become none"
    assert slots.to_seed(second[-1], NOW + 60_400, 5) == []


def test_two_calls_lost_and_the_third_a_minute_late_leave_no_gap() -> None:
    last = slots.to_seed(0, NOW, 5)[-1]
    assert slots.to_seed(last, NOW + 240_000, 5)[0] == last + 5000
    assert slots.ran_out(Watching(last, NOW + 238_000, NOW + 238_000), NOW + 240_000, 5).is_no


def test_slots_that_ran_out_begin_anew_and_the_call_itself_probes() -> None:
    assert slots.to_seed(NOW - 60_000, NOW, 5)[0] == NOW + 5000
    assert slots.ran_out(Watching(seeded_until_ms=NOW - 5000, probed_ms=NOW - 5000), NOW, 5).is_yes


def test_what_a_wrong_clock_wrote_is_not_believed() -> None:
    assert slots.to_seed(NOW + 86_400_000, NOW, 5)[0] == NOW + 5000


@pytest.mark.parametrize(
    ("kept", "answer"),
    [
        (Watching(NOW + 60_000, NOW - 10_000, probed_ms=NOW - 10_000), False),
        (Watching(NOW + 60_000, NOW - 10_000, probed_ms=NOW - 10_001), True),
        (Watching(NOW + 60_000, NOW - 10_000, probed_ms=NOW - 10_001, busy_until_ms=NOW + 1), False),
        (Watching(NOW + 60_000, NOW - 20_000, probed_ms=NOW - 1000, busy_until_ms=NOW + 1), True),
        (Watching(seeded_until_ms=NOW + 60_000), True),
    ],
)
def test_the_schedules_call_probes_where_nobody_has_within_twice_the_interval(kept: Watching, answer: bool) -> None:
    found = slots.ran_out(kept, NOW, 5)
    assert (found.is_yes, found.is_no) == (answer, not answer)
    assert found.sentence.endswith(".")


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (Watching(slot_ms=NOW), "taken already"),
        (Watching(slot_ms=NOW + 5000), "taken already"),
        (Watching(slot_ms=NOW - 5000, probed_ms=NOW), "has probed since"),
        (Watching(slot_ms=NOW - 5000, probed_ms=NOW - 2000, busy_until_ms=NOW + 1500), "for 1.5 s"),
        (Watching(slot_ms=NOW - 5000, probed_ms=NOW - 980), "1.0 s ago"),
    ],
)
def test_a_slot_is_dropped_with_its_reason(kept: Watching, why: str) -> None:
    found = slots.admit(NOW, kept, NOW + 20, 5)
    assert found.is_no
    assert why in found.sentence


@pytest.mark.parametrize("late_ms", [0, 30, 4000, 200_000])
def test_a_slot_that_nobody_probed_since_is_taken_however_late_it_comes(late_ms: int) -> None:
    kept = Watching(slot_ms=NOW - 5000, probed_ms=NOW - 4980, busy_until_ms=NOW - 1)
    assert slots.admit(NOW, kept, NOW + late_ms, 5).is_yes


def test_failures_are_in_a_row_over_a_slot_that_was_lost_and_not_over_a_minute() -> None:
    kept = Watching(probed_ms=NOW, streak_of=Role.MS1, failures=2)
    assert slots.streak_of(kept, NOW + 12_000, PACE) == Streak(Role.MS1, 2)
    assert slots.streak_of(kept, NOW + 60_000, PACE) == Streak()


def test_a_process_that_dies_while_it_is_busy_leaves_the_second_slot_after_it_to_others() -> None:
    goes_on = Following(Streak(Role.MS1, 1), True, 100.0)
    for wait_s in (0.0, 0.2, 2.5):
        assert 0 < slots.busy_for_s(goes_on, 100.0 - wait_s, PACE) <= PACE.interval_s
    assert slots.busy_for_s(replace(goes_on, goes_on=False), 90.0, PACE) == 0


def due_in(turn: Turn, pace: Pace, failures: int = 0) -> list[float]:
    """When the probes of a turn are due that each take no time."""
    at = [0.0]
    while (following := turn.following(Streak(Role.MS1, failures), at[-1], at[-1], pace)).goes_on:
        at.append(round(following.due, 3))
    return at


@pytest.mark.parametrize(
    ("interval_s", "at"), [(5, [0]), (1, [0]), (0.5, [0, 0.5]), (0.2, [0, 0.2, 0.4, 0.6, 0.8]), (0.7, [0, 0.7])]
)
def test_a_slot_has_the_probes_up_to_the_next_one(interval_s: float, at: list[float]) -> None:
    assert due_in(Turn.of_slot(NOW, 0.0, interval_s), Pace(interval_s, 0.5, 4)) == at


def test_a_suspicion_is_followed_up_at_twice_the_pace_beyond_its_slot() -> None:
    assert due_in(Turn.of_slot(NOW, 0.0, 5), PACE, failures=1)[:4] == [0, 2.5, 5, 7.5]
    assert due_in(Turn.of_slot(NOW, 0.0, 5), PACE, failures=4) == [0]


def test_a_minute_without_slots_is_probed_to_its_end_and_a_single_probe_stays_single() -> None:
    assert due_in(Turn.of_minute(0.0, 60, 2), PACE) == [float(each) for each in range(0, 60, 5)]
    assert due_in(Turn.alone(0.0), PACE, failures=1) == [0]


# ---- what is kept


def probed(at_s: float, **changed: object) -> Probed:
    whole = Probed(
        round(at_s * 1000), Role.MS1, 3, WELL, MUTE, "", "", Finding.HEALTHY, Streak(Role.MS1, 0), PACE.threshold
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


def keep(*probes: Probed) -> tuple[Watching, list[Run]]:
    kept, logged = Watching(), []
    for each in probes:
        kept, ended = slots.after_probe(kept, each, each.began_ms, 0, "me")
        logged += [ended] if ended else []
    return kept, logged


def test_probes_that_observe_the_same_are_one_run_with_the_longest_gap() -> None:
    kept, logged = keep(probed(1000), probed(1005), probed(1013), probed(1018))
    assert logged == []
    assert kept.run is not None
    assert (kept.run.from_s, kept.run.to_s, kept.run.count, kept.run.longest_gap_s) == (1000, 1018, 4, 8)


@pytest.mark.parametrize(
    "changed",
    [
        {"ms1": MUTE},
        {"ms2": None},
        {"asked": "power"},
        {"asked": "power", "answer": "yes"},
        {"finding": Finding.SILENT},
        {"active": Role.MS2},
        {"epoch": 4},
        {"threshold": 3},
    ],
)
def test_whatever_else_is_observed_ends_the_run(changed: dict[str, object]) -> None:
    kept, logged = keep(probed(1000), probed(1005), probed(1010, **changed))
    assert [(each.from_s, each.to_s, each.count) for each in logged] == [(1000, 1005, 2)]
    assert kept.run is not None
    assert (kept.run.count, kept.run.longest_gap_s) == (1, 5)


def test_a_run_is_logged_each_ten_minutes() -> None:
    _, logged = keep(*(probed(1000 + 5 * number) for number in range(500)))
    assert [each.count for each in logged] == [RUN_LASTS_S / 5] * 4


def test_a_streak_grows_within_a_run_and_is_the_one_after_its_last_probe() -> None:
    mute = {"ms1": MUTE, "finding": Finding.SILENT}
    kept, logged = keep(probed(1000), *(probed(1005 + n, **mute, streak=Streak(Role.MS1, n)) for n in (1, 2, 3)))
    assert len(logged) == 1
    assert kept.run is not None
    assert (kept.run.count, kept.run.failures, kept.failures, kept.streak_of) == (3, 3, 3, Role.MS1)


def test_the_slot_taken_last_stays_the_last_one_and_no_two_probes_are_kept_as_one() -> None:
    first, _ = slots.after_probe(Watching(slot_ms=NOW + 5000, probed_ms=NOW), probed(NOW / 1000), NOW, 0, "me")
    assert (first.slot_ms, first.probed_ms) == (NOW + 5000, NOW + 1)


def test_a_run_is_read_back_as_it_was_written() -> None:
    for each in (probed(1000), probed(1000.25, ms2=None, asked="power", answer="no")):
        run = keep(each)[0].run
        assert run is not None
        assert Run.from_json(run.to_json()) == run


@pytest.mark.parametrize("data", [{}, {"from": "x"}, [], None, {"from": 1, "to": 2, "count": "many"}])
def test_what_is_no_run_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"no run of probes|could not convert|invalid literal"):
        Run.from_json(data)  # type: ignore[arg-type]
