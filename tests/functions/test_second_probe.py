"""A second probe behind the functions: the watchdog, the record, readiness, the audit."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients, step_functions
from msfailover.runtime.environment import BadSettings
from msfailover.verdict import Verdict, no, unknown, yes

from tests.functions.answers import Answers, Raises
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import OURS, lease, state

TWO = {"SECOND_PROBE_FUNCTION": "ms-failover-second-probe"}
MUTE = {"admin": "silent", "port": "silent", "sentence": "no answer within 2 s"}
THERE = {"admin": "refused", "port": "refused", "sentence": "refused"}
WELL = {"admin": "answers", "port": "answers", "sentence": "it answers"}
NOTHING = {"ms1": MUTE, "ms2": MUTE, "evidence": {"cut_off": True}}
ZONE_LOST = {"ms1": MUTE, "ms2": THERE, "evidence": {"cut_off": False}}
AT_REST = {"ms1": WELL, "ms2": THERE, "evidence": {"cut_off": False}}
FAILS = Raises("Sandbox.Timedout", "Task timed out after 30.00 seconds")
THRESHOLD = 3


@pytest.fixture
def watch(run: Start, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The watchdog of a pair with two probes, whose second one has been seen to reach both servers."""
    record.put(state(second_probe_epoch=1))
    answers.prepare("server", "power", yes("The instance of ms1 is running."))
    monkeypatch.setattr(step_functions, "start", lambda *_: OURS)
    return run("watch", TABLE_NAME=record.name, **TWO)


def started(watch: ModuleType, probes: int) -> int:
    return len([each for each in (watch.probe_once(watch.handler.context) for _ in range(probes)) if each])


@pytest.mark.parametrize("first", [NOTHING, FAILS], ids=["sees nothing", "can't be asked"])
def test_an_outage_that_only_the_second_probe_sees_is_found_at_the_threshold(
    watch: ModuleType, answers: Answers, first: Any
) -> None:
    answers.prepare("probe", "probe", first)
    answers.prepare("second-probe", "probe", ZONE_LOST)
    assert started(watch, THRESHOLD - 1) == 0
    assert started(watch, 1) == 1


@pytest.mark.parametrize("first", [NOTHING, FAILS], ids=["sees nothing", "can't be asked"])
@pytest.mark.parametrize(
    ("second", "epoch"),
    [(NOTHING, 1), (FAILS, 1), (ZONE_LOST, 0), (AT_REST, 1)],
    ids=["sees nothing", "can't be asked", "was never seen to reach both", "sees the active server"],
)
def test_nothing_is_started_on_a_second_probe_that_shows_no_outage(
    watch: ModuleType, record: Record, answers: Answers, first: Any, second: Any, epoch: int
) -> None:
    record.put(state(second_probe_epoch=epoch))
    answers.prepare("probe", "probe", first)
    answers.prepare("second-probe", "probe", second)
    assert started(watch, 3 * THRESHOLD) == 0


def test_while_the_first_probe_has_an_answer_the_second_one_is_not_asked(watch: ModuleType, answers: Answers) -> None:
    answers.prepare("probe", "probe", AT_REST, ZONE_LOST)
    started(watch, 2)
    assert answers.actions("second-probe") == []


def test_the_first_probe_is_waited_for_once_in_a_minute_and_asked_anew_in_the_next(
    watch: ModuleType, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.prepare("probe", "probe", FAILS)
    answers.prepare("second-probe", "probe", AT_REST)
    started(watch, 3)
    assert (len(answers.actions("probe")), len(answers.actions("second-probe"))) == (1, 3)
    watch._memory(watch.handler.context).second_until = time.monotonic()
    watch.handler({"once": True}, None)
    assert len(answers.actions("probe")) == 2


def test_two_probes_that_would_not_fit_into_a_tick_are_refused_when_the_watchdog_starts(run: Start) -> None:
    run("watch", PROBE_TIMEOUT_SECONDS="20")
    with pytest.raises(BadSettings, match="at most 3 is needed"):
        run("watch", PROBE_TIMEOUT_SECONDS="3.5", **TWO)


@pytest.fixture
def pair(run: Start, record: Record, answers: Answers) -> ModuleType:
    record.put(state())
    return run("pair", TABLE_NAME=record.name, **TWO)


@pytest.mark.parametrize("action", ["confirm_outage", "check_reachable", "check_serving"])
def test_the_workflow_asks_through_the_record_and_is_told_whose_answer_it_gets(
    pair: ModuleType, record: Record, answers: Answers, action: str
) -> None:
    record.put(state(second_probe_epoch=1, lease=lease()))
    asked = {"action": action, "server": "ms1", "fresh": True, "execution": OURS}
    answers.prepare("probe", action, unknown("Nothing.", cut_off=True))
    answers.prepare("second-probe", action, yes("It is so."))
    found = pair.handler(asked, None)
    assert (found["answer"], "what the second one sees" in found["sentence"]) == ("yes", True)
    assert answers.asked == [("probe", asked), ("second-probe", asked)]


def test_a_promotion_is_verified_through_the_second_probe_where_the_first_sees_nothing(
    pair: ModuleType, record: Record, answers: Answers
) -> None:
    record.put(state(second_probe_epoch=1, lease=lease()))
    answers.prepare("probe", "check_serving", unknown("Nothing.", cut_off=True))
    answers.prepare("second-probe", "check_serving", yes("ms2 answers."))
    answers.prepare(
        "database-sessions",
        "status",
        lambda asked: yes("Two.", by_address=2) if asked["server"] == "ms2" else no("None."),
    )
    answers.prepare("dns", "status", yes("It points to ms2.", values=["10.0.0.12"]))
    found = pair.handler({"action": "verify_promotion", "server": "ms2", "execution": OURS}, None)
    assert found["answer"] == "yes", found["sentence"]


def test_what_the_second_probe_reaches_at_rest_is_kept_for_the_epoch_and_dropped_when_it_is_lost(
    pair: ModuleType, record: Record, answers: Answers
) -> None:
    answers.prepare("probe", "probe", AT_REST)
    answers.prepare("second-probe", "probe", AT_REST, FAILS, ZONE_LOST)
    for answer, epoch in (("yes", 1), ("no", 1), ("no", -1)):
        assert pair.handler({"action": "see_second_probe"}, None)["answer"] == answer
        assert record.get().second_probe_epoch == epoch


@pytest.mark.parametrize("busy", [{"lease": lease()}, {"active": None, "epoch": 0}], ids=["a change", "not adopted"])
def test_while_the_pair_is_not_at_rest_no_probe_is_asked(
    pair: ModuleType, record: Record, answers: Answers, busy: dict[str, Any]
) -> None:
    record.put(state(**busy))
    assert pair.handler({"action": "see_second_probe"}, None)["answer"] == "unknown"
    assert answers.asked == []
    assert clients.probes() is not clients.functions(), "which waits for as long as a function may run"


def test_the_audit_sees_whose_service_runs_through_the_second_probe(
    run: Start, record: Record, answers: Answers
) -> None:
    found = run("audit", TABLE_NAME=record.name, **TWO)
    answers.prepare("probe", "probe", FAILS)
    answers.prepare("second-probe", "probe", AT_REST)
    seen = found._runs(found.handler.context, state(second_probe_epoch=1))
    assert [seen[role].answer for role in ("ms1", "ms2")] == ["yes", "no"]
    assert found._runs(found.handler.context, state())["ms1"].answer == "unknown"


def checked(readiness: ModuleType) -> dict[str, Any]:
    """What readiness says of each check, by its name."""
    return {each["name"]: each for each in readiness.handler({"action": "check"}, None)["checks"]}


@pytest.mark.parametrize(("compared", "ready"), [(yes("Both reach both."), "yes"), (no("It misses ms1."), "no")])
def test_readiness_says_whether_both_probes_reach_both_servers(
    run: Start, record: Record, answers: Answers, compared: Verdict, ready: str
) -> None:
    record.put(state())
    answers.prepare("pair", "see_second_probe", compared)
    answers.prepare("pair", "keep_readiness", yes("Kept."))
    checks = checked(run("readiness", TABLE_NAME=record.name, **TWO))
    found = checks["both probes"]
    assert (found["answer"], found["sentence"]) == (ready, compared.sentence)
    assert "both probes" not in checked(run("readiness", TABLE_NAME=record.name))


def test_readiness_asks_the_second_probe_where_the_first_one_fails(
    run: Start, record: Record, answers: Answers
) -> None:
    record.put(state(second_probe_epoch=1))
    answers.prepare("probe", "check_serving", FAILS)
    answers.prepare("second-probe", "check_serving", yes("ms1 answers."))
    checks = checked(run("readiness", TABLE_NAME=record.name, **TWO))
    assert checks["active server serves"]["answer"] == "yes"
