"""Orders on a host: none is carried out after its time, and a damaged epoch is repaired by nothing but a stop."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.documents.pair import STATE, Pair

pytestmark = pytest.mark.testbed

DONE: dict[str, Any] = {"StatusCommand": "true"}
STOPPED: dict[str, Any] = {"StatusCommand": "false", "StopCommand": "true"}
DAMAGED = ("", "x", "seven standby", "-1 active", "1.5 active", "9999999999999999 active", "1x active", "007 standby")


def good_for(seconds: float) -> str:
    return str(int(time.time() + seconds))


def epoch_of(pair: Pair, role: str) -> str:
    return pair.inside(role, f"{STATE}/epoch").read_text().strip()


def test_a_start_that_comes_after_its_time_touches_nothing(pair: Pair) -> None:
    late = pair.run("ms2", "start", Epoch="2", NotAfter=good_for(-2), StartCommand="touch /run/started", **DONE)
    assert late.code == 1
    assert "refused: this start order was good until" in late.stderr
    assert "nothing was touched" in late.stderr
    assert epoch_of(pair, "ms2") == "1 standby"
    assert not pair.inside("ms2", "/run/started").exists()
    assert pair.run("ms2", "start", Epoch="2", NotAfter=good_for(30), StartCommand="true", **DONE).code == 0
    assert epoch_of(pair, "ms2") == "2 active"


def test_a_stop_that_comes_after_its_time_touches_nothing(pair: Pair) -> None:
    late = pair.run("ms1", "stop", Epoch="2", NotAfter=good_for(-2), **STOPPED)
    assert late.code == 1
    assert "refused: this stop order was good until" in late.stderr
    assert epoch_of(pair, "ms1") == "1 active"


def test_several_that_ask_a_host_at_once_leave_each_other_s_trial_file_alone(pair: Pair) -> None:
    young, old = (pair.inside("ms2", f"{STATE}/.ms-failover.{name}") for name in ("youngs", "oldone"))
    for each in (young, old):
        each.write_text("another one's")
    os.utime(old, (time.time() - 3600,) * 2)
    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(lambda _: pair.run("ms2", "status", **DONE).result["write_error"], range(8))]
    assert found == [""] * 8
    left = {each.name for each in young.parent.iterdir() if each.name.startswith(".ms-failover.")}
    assert left == {young.name}, "its own file is gone, and so is what was left long ago"


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_epoch_is_refused_by_all_but_the_stop_that_makes_the_host_the_standby(
    pair: Pair, damaged: str
) -> None:
    pair.host("ms2").files.write(f"{STATE}/epoch", f"{damaged}\n")
    assert "epoch is damaged" in pair.run("ms2", "status", **DONE).stderr
    start = pair.run("ms2", "start", Epoch="5", NotAfter=good_for(30), StartCommand="true", **DONE)
    keep = pair.run("ms2", "stop", Epoch="5", NotAfter=good_for(30), KeepRole="yes", **STOPPED)
    assert [start.code, keep.code] == [1, 1]
    assert "epoch is damaged" in start.stderr
    assert epoch_of(pair, "ms2") == damaged
    assert pair.run("ms2", "stop", Epoch="5", NotAfter=good_for(30), **STOPPED).code == 0
    assert epoch_of(pair, "ms2") == "5 standby"


def test_a_host_says_whether_it_can_connect_to_a_database(pair: Pair) -> None:
    for database, word in (("", "unasked"), ("127.0.0.1 22", "reachable"), ("127.0.0.1 9", "unreachable")):
        assert pair.run("ms1", "status", Database=database, **DONE).result["database"] == word
