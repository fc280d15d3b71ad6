"""The simulated watchdog: it finds what must be found, and is told apart from the real one by nothing but its clock."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from lab.benchmarks import detection, recordings
from lab.benchmarks.detection import DEFAULTS, Watchdog, judge, replay, time_to_detect, watch
from lab.benchmarks.outages import OUTAGES, CutOff, Hang, LostPackets, ShortPartition, WatchdogCutOff
from lab.testbed.cloud.manners.table import MANNERS
from tests.environments import complete, start


@pytest.mark.parametrize("name", OUTAGES)
def test_every_outage_is_found_within_the_window_and_what_a_probe_takes(name: str) -> None:
    window = DEFAULTS.interval_s * DEFAULTS.threshold
    found = time_to_detect(OUTAGES[name], DEFAULTS, 30, 1)
    assert max(found) <= window + DEFAULTS.timeout_s + detection.ASKING_S + detection.LATE_S


def test_a_crash_needs_one_probe_and_a_hang_needs_them_all() -> None:
    crash, hang = (max(time_to_detect(OUTAGES[name], DEFAULTS, 30, 1)) for name in ("crash", "hang"))
    assert crash <= DEFAULTS.interval_s + detection.LATE_S + 0.2
    assert hang > DEFAULTS.interval_s * (DEFAULTS.threshold - 1) / 2


def test_a_watchdog_that_is_cut_off_itself_starts_nothing_however_long_it_lasts() -> None:
    assert watch(WatchdogCutOff(900.0), Watchdog(1.0, 2), 7.0, random.Random(1), 900.0) is None


def test_a_partition_shorter_than_the_threshold_needs_starts_nothing() -> None:
    draw = random.Random(1)
    found = [watch(ShortPartition(4.0), DEFAULTS, draw.uniform(0, 60), draw, 60.0) for _ in range(50)]
    assert found == [None] * 50


def test_the_confirming_probe_takes_back_a_start_when_the_server_is_there_again() -> None:
    ended_meanwhile = watch(CutOff(1.3), Watchdog(1.0, 2, 0.5), 5.0, random.Random(1), 10.0)
    assert ended_meanwhile is not None
    assert not ended_meanwhile.confirmed


def test_a_lost_first_packet_is_forgiven_by_two_seconds_and_not_by_half_a_second() -> None:
    rain, draw = LostPackets(60.0, 0.3), random.Random(1)

    def lost(timeout_s: float) -> int:
        return sum(not rain.see(1.0, timeout_s, draw).observation.host_is_there for _ in range(400))

    assert lost(2.0) < lost(0.5) / 2


def test_more_patience_finds_later_and_starts_less_in_vain() -> None:
    hasty, patient = judge(Watchdog(5.0, 2), 12, 20), judge(Watchdog(5.0, 6), 12, 20)
    assert hasty["detect_s"]["hang"]["median"] < patient["detect_s"]["hang"]["median"]
    assert hasty["false_alarms_per_year"] > patient["false_alarms_per_year"]


def test_an_outage_that_is_never_found_counts_as_never() -> None:
    assert time_to_detect(Hang(0.0), DEFAULTS, 2, 1) == [math.inf, math.inf]


def test_the_recorded_outages_are_found_and_the_short_partition_is_not() -> None:
    recorded = json.loads(Path(recordings.__file__).with_name("outages.json").read_text())
    found = {each["name"]: each for each in replay(recorded, 40)}
    assert {name for name, each in found.items() if each["must_be_found"]} == {"crash", "hang", "partition"}
    assert all(each["taken_over"] == 1.0 for each in found.values() if each["must_be_found"])
    assert found["short partition"]["taken_over"] == 0.0


def test_its_defaults_are_the_functions_own_and_its_messages_as_late_as_the_local_clouds() -> None:
    settings = {"PROBE_INTERVAL_SECONDS": "", "FAILURE_THRESHOLD": ""}
    real = start("watch", {**complete("watch"), **settings})
    settled = real.handler.context.settings
    assert Watchdog(settled.interval_s, settled.threshold, settled.timeout_s) == DEFAULTS
    assert start("probe", complete("probe")).FRESH_SHARE == detection.FRESH_SHARE
    assert MANNERS["queue.late"].aws == (0, detection.LATE_S)
