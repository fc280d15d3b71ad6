"""The Management Agents find the active server by name and move when the name does."""

from __future__ import annotations

import random

import pytest

from lab.testbed.hosts.agents import Settings
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.conftest import Testbed


@pytest.mark.testbed
def test_agents_move_when_the_server_dies_and_the_name_changes(testbed: Testbed) -> None:
    agents = testbed.hosts.agents
    testbed.only_active("ms1")
    wait_until("all are on ms1", lambda: agents.counts() == {"ms1": 5, "ms2": 0, "none": 0}, deadline_s=20)
    testbed.hosts.kill_ms("ms1")
    wait_until("all have lost ms1", lambda: agents.counts()["none"] == 5, deadline_s=10)
    testbed.only_active("ms2")
    wait_until("all are on ms2", lambda: agents.counts() == {"ms1": 0, "ms2": 5, "none": 0}, deadline_s=30)
    for number in range(1, 6):
        life = [event for event in agents.events() if event.agent == number]
        assert [(event.event, event.server) for event in life[-3:]] == [
            ("connected", "ms1"), ("lost", "ms1"), ("connected", "ms2"),
        ]  # fmt: skip
        assert life[-3].at <= life[-2].at <= life[-1].at


@pytest.mark.testbed
def test_agents_notice_a_silent_death_by_their_heartbeat(testbed: Testbed) -> None:
    agents = testbed.hosts.agents
    testbed.only_active("ms2")
    wait_until("all are on ms2", lambda: agents.counts()["ms2"] == 5, deadline_s=30)
    testbed.hosts.machines.power_off("i-2")
    assert agents.counts()["ms2"] == 5
    wait_until("all have lost ms2", lambda: agents.counts()["none"] == 5, deadline_s=10)
    assert {event.why for event in agents.events()[-5:]} == {"TimeoutError"}


def test_pauses_grow_differ_and_have_an_end() -> None:
    settings = Settings(1, "name", 1, "certificate")
    draw = random.Random(1)
    means = [sum(settings.pause(attempt, draw) for _ in range(500)) / 500 for attempt in range(12)]
    assert means[0] < means[2] < means[5]
    assert all(settings.pause(50, draw) <= 10.0 for _ in range(500))
    assert len({settings.pause(3, draw) for _ in range(50)}) == 50
