"""`pair`: who is let begin, what a dry run asks, which pair is adopted, and what the history keeps of an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import product
from types import ModuleType
from typing import Any

import pytest
from msfailover.adapters import clients
from msfailover.freshness import Freshness
from msfailover.pair import PairState, Role
from msfailover.verdict import Verdict, no, unknown, yes

from tests.functions.answers import Answers, Asked
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.functions.wire import Failure, Wire
from tests.samples import NOW, OURS, THEIRS, lease, receipt, state

READS = {
    *("check_reachable", "runs", "check_standby", "rights", "machine", "foreign", "could_cut"),
    *("addresses", "status", "confirm_outage"),
}
FAR = 4_000_000_000.0
ENTERED = {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Fence"}}
EXITED = {"type": "TaskStateExited", "stateExitedEventDetails": {"name": "Fence"}}


class Machine(Wire):
    """Step Functions: whether an execution runs, and the steps it made; counts what it was asked to start."""

    def __init__(self, client: Any) -> None:
        operations: dict[str, Callable[[Any], Any]] = {
            "DescribeExecution": lambda call: {"executionArn": call["executionArn"], "status": self.status},
            "GetExecutionHistory": lambda _: self.events(),
        }
        super().__init__(client, "sfn", operations)
        self.status = "FAILED"
        self.silent = False

    def events(self) -> dict[str, Any]:
        if self.silent:
            raise Failure("ThrottlingException")
        import datetime

        at = datetime.datetime.fromtimestamp(1_790_000_000, datetime.UTC)
        numbered = [
            ENTERED | {"id": 1, "timestamp": at},
            EXITED | {"id": 2, "timestamp": at + datetime.timedelta(0, 2)},
        ]
        return {"events": numbered}


@pytest.fixture
def machine(cloud: None) -> Iterator[Machine]:
    with Machine(clients.stepfunctions()) as made:
        yield made


@pytest.fixture
def pair(run: Start, record: Record, answers: Answers, machine: Machine) -> ModuleType:
    """The function, in front of functions that see a pair that is well, but for ms1, which is down."""

    def by_role(ms1: Verdict, ms2: Verdict) -> Callable[[Asked], Verdict]:
        return lambda asked: ms1 if asked["server"] == "ms1" else ms2

    answers.prepare("database-access", "rights", yes("The access group may be edited."))
    there = {"guarded": ["10.0.0.30"]}
    answers.prepare("database-access", "foreign", no("The owner's groups allow nobody.", **there))
    answers.prepare("database-access", "could_cut", unknown("There is no ACL.", **there))
    answers.prepare("database-sessions", "addresses", yes("It leads there.", database_addresses=["10.0.0.30"]))
    answers.prepare("database-sessions", "rights", yes("Sessions may be ended."))
    answers.prepare("database-sessions", "status", by_role(yes("ms1 has 3."), no("ms2 has none.")))
    answers.prepare("dns", "rights", yes("The record may be moved."))
    answers.prepare("probe", "check_reachable", yes("ms2 can be reached."))
    answers.prepare("server", "check_standby", yes("ms2 is fit."))
    answers.prepare("server", "rights", yes("ms1 may be switched off."))
    answers.prepare("server", "runs", by_role(yes("ms1 runs."), no("ms2 is stopped.")))
    answers.prepare("replicate", "rights", yes("It may be replicated."))
    answers.prepare("probe", "confirm_outage", yes("ms1 is gone."))
    return run("pair", TABLE_NAME=record.name)


def asked(action: str = "failover", by: str = "Ann", **more: Any) -> dict[str, Any]:
    return {"action": action, "reason": "ms1 is silent", "requested_by": by, **more}


def begin(pair: ModuleType, request: object, execution: str = OURS) -> dict[str, Any]:
    event = {"action": "begin", "request": request, "execution": execution, "entered": datetime.now(UTC).isoformat()}
    answer: dict[str, Any] = pair.handler(event, None)
    return answer


# ---- who is let begin: trigger, mode, and the state of the pair ------------------------------------------------------

STATES: dict[str, dict[str, Any]] = {
    "fresh": {},
    "maintenance": {"maintenance_until": FAR},
    "maintenance is over": {"maintenance_until": 1.0},
    "unacknowledged": {"acknowledged": False},
    "lease held": {"lease": lease(execution=THEIRS)},
    "halted": {"lease": lease(execution=THEIRS), "receipt": receipt(), "halted": "ms2 did not start."},
    "not adopted": {"active": None, "epoch": 0},
}
AT_REST = ("fresh", "maintenance is over")


def may_begin(trigger: str, mode: str, name: str) -> bool:
    """The rule: nobody begins beside a lease or without a pair; beyond that only watchdog and alarm are held."""
    if name in ("lease held", "halted", "not adopted"):
        return False
    return trigger == "Ann" or (mode == "automatic" and name in AT_REST)


TABLE = list(product(("watch", "alarm", "Ann"), ("automatic", "manual", "shadow"), STATES))


@pytest.mark.parametrize(("trigger", "mode", "name"), TABLE)
@pytest.mark.parametrize("dry", [False, True], ids=["for good", "dry"])
def test_no_way_in_forgets_mode_maintenance_acknowledgement_or_lease(
    pair: ModuleType, record: Record, trigger: str, mode: str, name: str, dry: bool
) -> None:
    before = state(mode=mode, **STATES[name])
    record.put(before)
    answer = begin(pair, asked(by=trigger, dry_run=dry))
    assert answer["admitted"] is may_begin(trigger, mode, name), answer["sentence"]
    assert answer["dry_run"] is dry
    held = record.get().lease
    if may_begin(trigger, mode, name) and not dry:
        assert held is not None
        assert (held.execution, held.requested_by, held.epoch) == (OURS, trigger, 2)
    else:
        assert record.get() == PairState(**{**vars(before), "version": 0}), "something was written"


@pytest.mark.parametrize(("trigger", "name"), list(product(("watch", "alarm", "Ann"), STATES)))
def test_a_refused_failover_of_the_machinerys_is_told_to_nobody_and_a_persons_is(
    pair: ModuleType, record: Record, trigger: str, name: str
) -> None:
    record.put(state(**STATES[name]))
    event = {"action": "refuse", "request": asked(by=trigger), "sentence": "Refused: so it is.", "execution": OURS}
    answer = pair.handler(event, None)
    assert answer["outcome"] == "refused"
    assert (answer["message"] == "") is (trigger != "Ann")
    assert record.get() == PairState(**{**vars(state(**STATES[name])), "version": 0})


@pytest.mark.parametrize("request_", [asked("switchover", "alarm"), {"action": "?"}, "no object", None])
def test_what_the_machinery_may_not_ask_for_is_told_since_somebody_has_set_it_up_wrongly(
    pair: ModuleType, request_: object
) -> None:
    event = {"action": "refuse", "request": request_, "sentence": "Refused: so it is.", "execution": OURS}
    assert "Refused: so it is." in pair.handler(event, None)["message"]


def test_an_execution_that_begins_twice_has_one_lease(pair: ModuleType, record: Record) -> None:
    record.put(state())
    first, second = begin(pair, asked()), begin(pair, asked())
    assert first["admitted"]
    assert second["admitted"]
    assert first["plan"]["epoch"] == second["plan"]["epoch"] == 2


def test_restart_first_is_planned_for_a_failover_alone(run: Start, record: Record, machine: Machine) -> None:
    for action, planned in (("failover", True), ("switchover", False), ("force", False)):
        record.put(state())
        function = run("pair", TABLE_NAME=record.name, RESTART_FIRST="yes")
        assert begin(function, asked(action))["plan"]["restart_first"] is planned


# ---- dry runs --------------------------------------------------------------------------------------------------------

BEFORE: dict[str, PairState] = {
    "failover": state(),
    "switchover": state(),
    "force": state(),
    "resume": state(lease=lease(execution=THEIRS), halted="It stopped."),
    "adopt": PairState(),
}


@pytest.mark.parametrize("action", list(BEFORE))
def test_a_dry_run_of_any_verb_asks_only_what_reads_and_writes_nothing(
    pair: ModuleType, record: Record, answers: Answers, action: str
) -> None:
    record.put(BEFORE[action])
    version = record.table.read().version
    request = asked(action, dry_run=True)
    assert begin(pair, request)["dry_run"] is True
    found = pair.handler({"action": "dry_run", "request": request, "execution": OURS}, None)
    assert found["would"] == "promoted", found
    assert len(found["checks"]) == len(answers.asked) > 0
    assert {str(payload["action"]) for _, payload in answers.asked} <= READS
    assert record.table.read().version == version
    assert record.table.history() == []


def test_a_dry_run_says_what_it_would_do_and_why_not(pair: ModuleType, record: Record, answers: Answers) -> None:
    record.put(state())
    answers.prepare("server", "check_standby", no("ms2 is not fit: it is stopped."))
    found = pair.handler({"action": "dry_run", "request": asked(dry_run=True), "execution": OURS}, None)
    assert found["would"] == "blocked"
    assert found["sentence"] == "Admitted: failover from ms1 to ms2, epoch 2. ms2 is not fit: it is stopped."
    (check,) = [each for each in found["checks"] if each["name"] == "standby"]
    assert check["answer"] == "no"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"action": "jump", "reason": "?", "dry_run": True}, "action is 'jump'"),
        (asked(by="watch", dry_run=True), "in manual mode a person decides"),
    ],
)
def test_a_dry_run_of_what_would_be_refused_says_so_and_asks_nobody(
    pair: ModuleType, record: Record, answers: Answers, request_: dict[str, Any], why: str
) -> None:
    record.put(state(mode="manual"))
    found = pair.handler({"action": "dry_run", "request": request_, "execution": OURS}, None)
    assert found["would"] == "refused"
    assert why in found["sentence"]
    assert answers.asked == []


# ---- registering a pair -----------------------------------------------------------------------------------------


def survey(pair: ModuleType, record: Record, named: str | None = None) -> dict[str, Any]:
    record.put(PairState())
    begin(pair, asked("adopt"))
    answer: dict[str, Any] = pair.handler({"action": "survey", "named": named, "execution": OURS}, None)
    return answer


def test_an_adoption_takes_the_one_that_runs_and_aims_at_it(pair: ModuleType, record: Record) -> None:
    answer = survey(pair, record)
    assert (answer["answer"], answer["target"], answer["source"]) == ("yes", "ms1", "ms2")
    held = record.get().lease
    assert held is not None
    assert held.target is Role.MS1


@pytest.mark.parametrize(
    ("other", "answer"),
    [(yes("ms2 runs, too."), "no"), (unknown("The host of ms2 is silent."), "unknown")],
    ids=["both run", "it can't tell"],
)
def test_an_adoption_refuses_where_both_run_and_where_it_can_not_tell(
    pair: ModuleType, record: Record, answers: Answers, other: Verdict, answer: str
) -> None:
    answers.prepare("server", "runs", lambda asked: yes("ms1 runs.") if asked["server"] == "ms1" else other)
    found = survey(pair, record)
    assert found["answer"] == answer
    assert "target" not in found
    pair.handler({"action": "conclude", "outcome": "refused", "sentence": found["sentence"], "execution": OURS}, None)
    after = record.get()
    assert (after.active, after.epoch, after.lease) == (None, 0, None)
    assert record.outcomes == ["refused"]


def test_an_adoption_that_is_told_nothing_by_a_failing_function_can_not_tell(
    pair: ModuleType, record: Record, answers: Answers
) -> None:
    answers.prepare("database-sessions", "status", Failure("TooManyRequestsException"))
    assert survey(pair, record)["answer"] == "unknown"


# ---- how it ended, and what is kept of it ----------------------------------------------------------------------------


def conclude(pair: ModuleType, outcome: str, execution: str = OURS) -> dict[str, Any]:
    event = {"action": "conclude", "outcome": outcome, "sentence": "So it ended.", "execution": execution}
    answer: dict[str, Any] = pair.handler(event, None)
    return answer


def test_the_history_keeps_epoch_actor_reason_receipt_and_the_times_of_each_phase(
    pair: ModuleType, record: Record
) -> None:
    record.put(state(lease=lease(requested_by="Ann"), receipt=receipt()))
    assert conclude(pair, "promoted")["outcome"] == "promoted"
    (line,) = record.table.history()
    assert (line["epoch"], line["requested_by"], line["reason"]) == (2, "Ann", "ms1 is silent")
    assert line["receipt"] == receipt().to_json()
    assert line["phases"] == [{"name": "Fence", "start": 1_790_000_000, "end": 1_790_000_002}]
    assert line["taken_at"] < line["ended_at"] or line["taken_at"] == lease().taken_at
    assert "expires_at" not in line, "kept for ever unless somebody says otherwise"


def test_the_history_expires_only_where_a_setting_says_so(run: Start, record: Record, machine: Machine) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    conclude(run("pair", TABLE_NAME=record.name, HISTORY_DAYS="30"), "promoted")
    (line,) = record.table.history()
    assert line["expires_at"] == int(line["ended_at"]) + 30 * 86400


def test_a_chronicle_that_can_not_be_read_holds_no_end_up(pair: ModuleType, record: Record, machine: Machine) -> None:
    machine.silent = True
    record.put(state(lease=lease(), receipt=receipt()))
    assert conclude(pair, "promoted")["outcome"] == "promoted"
    assert record.table.history()[0]["phases"] == []
    assert record.get().active is Role.MS2


def test_a_configuration_that_was_withheld_is_in_the_line_and_in_the_message(pair: ModuleType, record: Record) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    known = Freshness(as_of=NOW, epoch=1, config_withheld="versions differ", config_as_of=NOW)
    record.table.change_freshness(lambda _: known)
    message = conclude(pair, "promoted")["message"]
    line = record.table.history()[0]
    assert (line["config_withheld"], line["config_as_of"]) == ("versions differ", NOW)
    assert "Configuration: ms2's is ms1's as of" in message


def test_a_torn_item_of_the_copys_age_holds_no_end_up(pair: ModuleType, record: Record) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    record.tear_freshness()
    assert conclude(pair, "promoted")["outcome"] == "promoted"
    assert record.get().active is Role.MS2
    assert record.table.history()[0]["files_as_of"] == 0


def test_an_end_that_is_told_twice_is_one_end(pair: ModuleType, record: Record) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    first, second = conclude(pair, "promoted"), conclude(pair, "promoted")
    assert first == second
    assert record.outcomes == ["promoted"]
    assert record.get().epoch == 2


def test_a_failover_that_is_blocked_again_and_again_is_told_once(pair: ModuleType, record: Record) -> None:
    messages = []
    for number in range(3):
        execution = f"{OURS}-{number}"
        record.put(state(lease=lease(execution=execution)))
        messages.append(conclude(pair, "blocked", execution)["message"])
    assert "So it ended." in messages[0]
    assert messages[1:] == ["", ""]
    assert record.outcomes == ["blocked"] * 3


def test_a_blocked_failover_that_a_person_asked_for_is_told_each_time(pair: ModuleType, record: Record) -> None:
    for number in range(2):
        execution = f"{OURS}-{number}"
        record.put(state(lease=lease(execution=execution, requested_by="Ann")))
        assert conclude(pair, "blocked", execution)["message"] != ""


def test_the_history_is_in_the_order_in_which_it_happened(pair: ModuleType, record: Record) -> None:
    record.put(state(lease=lease()))
    conclude(pair, "stood-down")  # of epoch 2, which it never came to
    pair.handler({"action": "set_mode", "mode": "manual", "requested_by": "Ann"}, None)
    assert record.outcomes == ["noted", "stood-down"]


# ---- restart in place ------------------------------------------------------------------------------------------------


def test_a_restart_in_place_that_did_not_last_is_not_tried_again(
    pair: ModuleType, record: Record, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers.prepare("database-access", "status", no("Access is revoked to ms2."))
    event = {"action": "may_restart", "server": "ms1", "execution": OURS}
    record.put(state())
    assert pair.handler(event, None)["answer"] == "yes"
    record.put(state(lease=lease()))
    monkeypatch.setattr(pair.step_functions, "phases", lambda *_: [{"name": "RestartSource", "start": 1.0, "end": 2.0}])
    conclude(pair, "stood-down")
    again = pair.handler(event, None)
    assert again["answer"] == "no"
    assert "is not restarted again" in again["sentence"]


# ---- the way from the active server to the database ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serves", "sessions", "direct"),
    [
        (yes("It answers."), yes("ms1 has 2.", by_address=2), "yes"),
        (yes("It answers."), no("ms1 has none."), "unknown"),
        (no("It is silent."), no("ms1 has none."), "yes"),
        (yes("It answers."), unknown("Nobody answers."), "yes"),
    ],
    ids=["seen", "serves, and is in no list", "silent", "no list"],
)
def test_of_an_active_server_that_serves_unlisted_it_is_not_believed_that_its_way_is_direct(
    pair: ModuleType, record: Record, answers: Answers, serves: Verdict, sessions: Verdict, direct: str
) -> None:
    record.put(state())
    answers.prepare("probe", "check_serving", serves)
    answers.prepare("database-sessions", "status", sessions)
    assert pair.handler({"action": "see_path"}, None)["answer"] == direct
    answers.prepare("database-sessions", "status", yes("ms1 has 2.", by_address=2))
    assert pair.handler({"action": "see_path"}, None)["answer"] == "yes", "seen again, it is believed again"
