"""What a person can break on the testbed: each fault is listed with what takes it back, and that is one, too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.testbed.fault_injection import obey, table
from lab.testbed.faults import FAULTS


@pytest.mark.parametrize("name", FAULTS)
def test_what_takes_a_fault_back_can_be_done_to_the_same_server(name: str) -> None:
    undo = FAULTS[name].undo
    assert not undo or FAULTS[undo].of_a_server == FAULTS[name].of_a_server


def test_every_fault_stands_in_the_list() -> None:
    lines = table().splitlines()
    assert [line.split()[0] for line in lines[: len(FAULTS)]] == list(FAULTS)


def testbed(done: list[str]) -> Any:
    database = SimpleNamespace(kill=lambda: done.append("killed"))
    hosts = SimpleNamespace(kill_ms=done.append, database=database)
    return SimpleNamespace(hosts=hosts, record=lambda: {"active": "ms2"})


def test_a_fault_is_done_to_the_server_that_is_named_or_active_and_one_of_the_database_needs_none() -> None:
    done: list[str] = []
    assert obey(testbed(done), "kill active") == (True, "The server process of ms2 is killed.")
    assert obey(testbed(done), "database-down") == (True, "The database is down.")
    assert done == ["ms2", "killed"]


@pytest.mark.parametrize("line", ["kill", "kill ms3", "nix", "nix ms1", ""])
def test_what_is_no_fault_is_refused_with_those_there_are(line: str) -> None:
    done, sentence = obey(testbed([]), line)
    assert not done
    assert sentence.startswith(f"{line!r} is no fault: DO is one of kill, " if line else "DO is one of kill, ")
