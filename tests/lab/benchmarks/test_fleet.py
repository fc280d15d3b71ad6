"""The simulated fleet: nobody is back before it can be, everybody is in the end, and the server is never overdrawn."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from lab.benchmarks.agents import compared
from lab.benchmarks.fleet import Fleet, share, simulate
from lab.benchmarks.takeover import Takeover
from lab.testbed.hosts.agents import Settings

SMALL = Fleet(agents=300, ttl_s=30.0, moved_s=5.0, serving_s=6.0)


def test_every_agent_comes_back_and_none_before_the_server_serves() -> None:
    back = simulate(SMALL)["back"]
    assert len(back) == 300
    assert back[0] >= SMALL.serving_s


def test_the_last_one_waits_no_longer_than_the_ttl_and_its_own_longest_pause() -> None:
    assert simulate(SMALL)["back_100_s"] <= SMALL.moved_s + SMALL.ttl_s + SMALL.settings.backoff_cap_s + 1


def test_without_a_cache_a_fleet_is_back_sooner() -> None:
    direct = simulate(Fleet(agents=300, ttl_s=0.0, moved_s=5.0, serving_s=6.0))
    assert direct["back_95_s"] < simulate(SMALL)["back_95_s"]


def test_the_server_finishes_no_more_handshakes_than_it_can() -> None:
    fleet = Fleet(agents=2000, ttl_s=0.0, moved_s=2.0, serving_s=2.0, handshakes_per_s=100.0, backlog=128)
    found = simulate(fleet)
    assert all(later - earlier >= 0.0099 for earlier, later in pairwise(found["back"]))
    assert found["attempts_at_new"] > 2000  # a full queue sends agents away, and they come again
    assert found["peak_connections_per_s"] == max(count for _, count in found["storm"])


def test_an_old_host_that_is_silent_costs_an_attempt_all_its_patience() -> None:
    silent = Fleet(agents=300, ttl_s=60.0, moved_s=5.0, serving_s=6.0, refused=False)
    refusing = Fleet(agents=300, ttl_s=60.0, moved_s=5.0, serving_s=6.0)
    assert simulate(silent)["back_95_s"] > simulate(refusing)["back_95_s"]


def test_an_agent_that_has_tried_in_vain_for_days_goes_on_trying() -> None:
    assert 0 < Settings(1, "", 0, "").pause(100_000, random.Random(1)) <= Settings(1, "", 0, "").backoff_cap_s


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    assert simulate(SMALL, 1) == simulate(SMALL, 1) != simulate(SMALL, 2)


@pytest.mark.parametrize(("part", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.95, 4.0), (1.0, 4.0)])
def test_a_share_is_the_moment_by_which_so_many_were_back(part: float, expected: float) -> None:
    assert share([1.0, 2.0, 3.0, 4.0], part) == expected


def taken(back: tuple[float, ...]) -> Takeover:
    return Takeover("crash", 0.5, 2.0, 2.2, back, 1.5, 0, ())


def test_the_simulation_is_believed_where_it_says_what_the_testbed_did() -> None:
    said = simulate(Fleet(agents=200, ttl_s=0.0, moved_s=1.5, serving_s=2.0, agents_per_resolver=1), 99)["back"]
    assert compared([taken(tuple(said))])["agrees"]


def test_the_simulation_is_not_believed_where_the_testbed_took_twice_as_long() -> None:
    said = simulate(Fleet(agents=200, ttl_s=0.0, moved_s=1.5, serving_s=2.0, agents_per_resolver=1), 99)["back"]
    assert not compared([taken(tuple(2 * at for at in said))])["agrees"]
