"""The audit's tick: what it asks, what it does about it, and what it publishes."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from msfailover.pair import PairState, Role
from msfailover.verdict import Verdict, no, unknown, yes

from tests.functions.answers import Answers, Asked, Raises
from tests.functions.conftest import Start
from tests.functions.record import Record
from tests.samples import lease, receipt, state

ACCESS, SESSIONS, DNS = "database-access", "database-sessions", "dns"


@pytest.fixture
def audit(run: Start, record: Record, answers: Answers) -> ModuleType:
    """The function, in front of a pair at rest that is as it should be."""
    record.put(state())
    see(answers, access={"ms1": yes("It can get in."), "ms2": no("It can't.")})
    answers.prepare(ACCESS, "keep_out", no("It can't get in any more."))
    answers.prepare("pair", "end_sessions", no("None is left."))
    answers.prepare("pair", "holder_runs", yes("It still runs."))
    answers.prepare("probe", "probe", {"ms1": UP, "ms2": DOWN})
    answers.prepare("server", "reaches", yes("It can."))
    answers.prepare("server", "stop_again", yes("It has stopped."))
    answers.prepare(DNS, "status", yes("It points to 10.0.0.11.", values=["10.0.0.11"]))
    return run("audit", TABLE_NAME=record.name)


def see(answers: Answers, access: dict[str, Verdict] | None = None, sessions: dict[str, Verdict] | None = None) -> None:
    where = {"guarded": ["10.0.0.30"], "database_addresses": ["10.0.0.30"]}
    of_active = {"ms1": yes("It has 2.", by_address=2)}
    for function, seen in ((ACCESS, access), (SESSIONS, of_active | (sessions or {}))):
        if seen is not None:

            def answer(asked: Asked, seen: dict[str, Verdict] = seen) -> Verdict:
                found = seen.get(asked["server"], no("It has none."))
                return found.having(**{**where, **found.evidence})

            answers.prepare(function, "status", answer)


UP, DOWN = {"admin": "answers", "port": "answers"}, {"admin": "refused", "port": "refused"}
RISKS = ("SplitBrainRisk", "AuditUnknown", "NotAsRecorded")


def published(told: str, *names: str) -> dict[str, Any]:
    """Metrics of a tick, from the line that carries them: those named, or else those of what was found."""
    lines = [json.loads(line) for line in told.splitlines() if '"CloudWatchMetrics"' in line]
    assert len(lines) == 1
    return {name: lines[0][name][0] for name in names or RISKS}


def done_by(answers: Answers) -> list[tuple[str, str]]:
    """What was done, not only asked, in order."""
    reading = ("status", "probe", "reaches", "stop_again", "holder_runs")
    return [(call["action"], call["server"]) for _, call in answers.asked if call["action"] not in reading]


def stopped(answers: Answers) -> list[tuple[str, int]]:
    """Who was told to stop, and in which epoch."""
    return [(call["server"], call["epoch"]) for _, call in answers.asked if call["action"] == "stop_again"]


def test_a_pair_that_is_well_is_let_alone(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.handler({}, None)["risk"]["answer"] == "no"
    assert done_by(answers) == []
    assert published(capsys.readouterr().out) == {
        "SplitBrainRisk": 0, "AuditUnknown": 0, "NotAsRecorded": 0
    }  # fmt: skip


@pytest.mark.parametrize("event", [{"action": "status"}, {"action": None}, {"action": ["check"], "detail-type": 1}])
def test_whatever_its_event_holds_it_does_the_one_thing_it_is_there_for(
    audit: ModuleType, answers: Answers, event: dict[str, Any]
) -> None:
    assert audit.handler(event, None)["risk"]["answer"] == "no"
    assert stopped(answers) == [("ms2", 1)]


def test_an_intruder_is_put_out_the_access_group_first_and_told_of(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    see(answers, access={"ms1": yes("In."), "ms2": yes("In, too.")}, sessions={"ms2": yes("It has 1 session.")})
    told = audit.handler({}, None)
    assert told["risk"]["answer"] == "yes"
    assert done_by(answers) == [("keep_out", "ms2"), ("end_sessions", "ms2")]
    did = [(each["act"], each["server"]) for each in told["done"]]
    assert did == [("keep_out", "ms2"), ("end_sessions", "ms2"), ("stop_again", "ms2")]
    assert published(capsys.readouterr().out)["SplitBrainRisk"] == 1


def test_told_not_to_act_it_only_tells(run: Start, record: Record, audit: ModuleType, answers: Answers) -> None:
    see(answers, sessions={"ms2": yes("It has 1 session.")})
    told = run("audit", TABLE_NAME=record.name, AUDIT_ACTS="no").handler({}, None)
    assert told["risk"]["answer"] == "yes"
    assert told["done"] == []
    assert done_by(answers) == []


def test_access_that_can_not_be_revoked_does_not_keep_it_from_ending_the_sessions(
    audit: ModuleType, answers: Answers
) -> None:
    see(answers, access={"ms1": yes("In."), "ms2": yes("In, too.")}, sessions={"ms2": yes("It has 1 session.")})
    answers.prepare(ACCESS, "keep_out", Raises("AccessNotAsOrdered"))
    told = audit.handler({}, None)
    assert done_by(answers) == [("keep_out", "ms2"), ("end_sessions", "ms2")]
    assert "AccessNotAsOrdered" in told["done"][0]["sentence"]


def test_what_can_not_be_asked_is_unknown_and_published_as_such(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.prepare(SESSIONS, "status", Raises("Unhandled"))
    assert audit.handler({}, None)["risk"]["answer"] == "unknown"
    assert done_by(answers) == []
    metrics = published(capsys.readouterr().out)
    assert (metrics["SplitBrainRisk"], metrics["AuditUnknown"]) == (0, 1)


def test_a_name_that_nobody_tells_of_is_no_risk_but_the_audit_is_blind(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.prepare(DNS, "status", unknown("The name servers do not tell."))
    assert audit.handler({}, None)["risk"]["answer"] == "no"
    assert published(capsys.readouterr().out)["AuditUnknown"] == 1


def test_a_fenced_servers_late_session_is_ended_while_the_change_still_runs(
    audit: ModuleType, answers: Answers, record: Record
) -> None:
    record.put(state(lease=lease(), receipt=receipt()))
    see(answers, access={"ms1": no("Revoked."), "ms2": yes("In.")}, sessions={"ms1": yes("It has 1 session.")})
    audit.handler({}, None)
    assert done_by(answers) == [("end_sessions", "ms1")]


def test_a_record_that_changes_while_it_reads_makes_it_read_again(
    audit: ModuleType, answers: Answers, record: Record
) -> None:
    moves = [state(lease=lease()), state(lease=lease(), receipt=receipt())]

    def name(_asked: Asked) -> Verdict:
        if moves:
            record.put(moves.pop(0))
        return yes("It points to 10.0.0.11.", values=["10.0.0.11"])

    answers.prepare(DNS, "status", name)
    sessions = {"ms1": no("It has none."), "ms2": yes("It has 1 session.")}
    see(answers, access={"ms1": no("Revoked."), "ms2": yes("In.")}, sessions=sessions)
    told = audit.handler({}, None)
    assert answers.actions(DNS) == ["status"] * 3
    assert told["risk"]["answer"] == "no", "ms2 is granted access by the change that is under way"
    assert done_by(answers) == []


def test_a_record_that_never_stands_still_is_not_judged(audit: ModuleType, answers: Answers, record: Record) -> None:
    answers.prepare(DNS, "status", lambda _: _moved(record))
    see(answers, sessions={"ms2": yes("It has 1 session.")})
    told = audit.handler({}, None)
    assert told["risk"]["answer"] == "unknown"
    assert told["findings"] == {}
    assert done_by(answers) == []


def _moved(record: Record) -> Verdict:
    record.table.change(lambda before: PairState(active=before.active, epoch=before.epoch + 1))
    return yes("It points to 10.0.0.11.", values=["10.0.0.11"])


def test_nothing_is_done_once_the_record_has_changed_after_the_judging(
    audit: ModuleType, answers: Answers, record: Record
) -> None:
    see(answers, access={"ms1": yes("In."), "ms2": yes("In, too.")}, sessions={"ms2": yes("It has 1 session.")})

    def keep_out(_asked: Asked) -> Verdict:
        record.put(state(lease=lease()))
        return no("Revoked.")

    answers.prepare(ACCESS, "keep_out", keep_out)
    told = audit.handler({}, None)
    assert done_by(answers) == [("keep_out", "ms2")]
    left = "It was left undone: the record has changed."
    assert told["done"][1] == {"act": "end_sessions", "server": "ms2", "sentence": left}


RECORDED = ("ActiveServer", "ChangeUnderWay", "Halted")
OPEN_ENDED = ("ModeNotAutomatic", "InMaintenance", "Unacknowledged")


def test_what_the_record_says_is_published_for_the_dashboard(
    audit: ModuleType, record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.handler({}, None)
    assert published(capsys.readouterr().out, *RECORDED) == dict(zip(RECORDED, (1, 0, 0), strict=True))
    record.put(state(lease=lease(), halted="MS2 did not start."))
    audit.handler({}, None)
    assert published(capsys.readouterr().out, *RECORDED) == dict(zip(RECORDED, (1, 1, 1), strict=True))


LEFT = no("The execution has ended (TIMED_OUT).")


@pytest.mark.parametrize(
    ("record_says", "holder", "found"),
    [
        (state(lease=lease()), LEFT, "yes"),
        (state(lease=lease()), yes("It still runs."), "no"),
        (state(lease=lease()), unknown("It has ended only just."), "unknown"),
        (state(lease=lease(), halted="MS2 did not start."), LEFT, None),
        (state(), LEFT, None),
    ],
    ids=["left", "runs", "not known", "halted for a person", "at rest"],
)
def test_a_lease_whose_execution_has_ended_without_saying_how_is_named(
    audit: ModuleType, answers: Answers, record: Record, capsys: pytest.CaptureFixture[str],
    record_says: PairState, holder: Verdict, found: str | None,
) -> None:  # fmt: skip
    record.put(record_says)
    answers.prepare("pair", "holder_runs", holder)
    told = audit.handler({}, None)
    assert told["findings"].get("not-recorded", {}).get("answer") == found
    assert ("holder_runs" in answers.actions("pair")) == (found is not None), "at rest it costs no call"
    assert published(capsys.readouterr().out)["NotAsRecorded"] == (1 if found == "yes" else 0)
    assert told["risk"]["answer"] == "no"
    if found == "yes":
        assert "failover to ms2 was left half done" in told["findings"]["not-recorded"]["sentence"]


def test_an_execution_that_ends_while_the_audit_reads_is_not_called_left(
    audit: ModuleType, answers: Answers, record: Record
) -> None:
    record.put(state(lease=lease()))

    def ended(_: Asked) -> Verdict:
        record.put(state(active=Role.MS2, epoch=2, version=9))
        return LEFT

    answers.prepare("pair", "holder_runs", ended)
    assert "not-recorded" not in audit.handler({}, None)["findings"]


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("ModeNotAutomatic", {"mode": "manual"}),
        ("InMaintenance", {"maintenance_until": 9_999_999_999.0}),
        ("Unacknowledged", {"acknowledged": False}),
    ],
)
def test_what_a_person_has_left_open_is_published_only_while_it_is_so(
    audit: ModuleType, record: Record, capsys: pytest.CaptureFixture[str], name: str, about: dict[str, Any]
) -> None:
    record.put(state(**about))
    audit.handler({}, None)
    said = capsys.readouterr().out
    assert [each for each in OPEN_ENDED if f'"{each}"' in said] == [name]
    assert published(said, name) == {name: 1}
    record.put(state(maintenance_until=1.0))
    audit.handler({}, None)
    said = capsys.readouterr().out
    assert [each for each in OPEN_ENDED if f'"{each}"' in said] == []


# ---- whose service runs ----------------------------------------------------------------------------------------------


def test_a_standby_is_told_to_stop_until_its_host_has_confirmed_it(audit: ModuleType, answers: Answers) -> None:
    answers.prepare("server", "stop_again", unknown("It has not said yet."))
    for _ in range(2):
        audit.handler({}, None)
    answers.prepare("server", "stop_again", yes("It has stopped."))
    for _ in range(3):
        audit.handler({}, None)
    assert stopped(answers) == [("ms2", 1)] * 3


def test_a_second_service_is_told_of_and_stopped_whatever_was_confirmed_before(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.handler({}, None)
    answers.prepare("probe", "probe", {"ms1": UP, "ms2": UP})
    capsys.readouterr()
    told = audit.handler({}, None)
    assert told["findings"]["two-services"]["answer"] == "yes"
    assert told["risk"]["answer"] == "no", "it has no way in to the database"
    assert stopped(answers) == [("ms2", 1)] * 2
    assert published(capsys.readouterr().out, "TwoServices", "NotAsRecorded", "AuditUnknown") == {
        "TwoServices": 1, "NotAsRecorded": 0, "AuditUnknown": 0
    }  # fmt: skip


def test_what_was_confirmed_in_one_epoch_is_asked_again_in_the_next(
    audit: ModuleType, answers: Answers, record: Record
) -> None:
    audit.handler({}, None)
    record.put(state(active=Role.MS2, epoch=2))
    audit.handler({}, None)
    assert stopped(answers) == [("ms2", 1), ("ms1", 2)]


def test_told_not_to_act_it_stops_nobody(run: Start, record: Record, audit: ModuleType, answers: Answers) -> None:
    answers.prepare("probe", "probe", {"ms1": UP, "ms2": UP})
    run("audit", TABLE_NAME=record.name, AUDIT_ACTS="no").handler({}, None)
    assert stopped(answers) == []


def test_an_active_server_without_its_database_is_told_of_and_nothing_is_done(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.prepare("server", "reaches", no("The database is unreachable from it."))
    told = audit.handler({}, None)
    assert told["findings"]["active-without-database"]["answer"] == "yes"
    assert done_by(answers) == []
    assert published(capsys.readouterr().out, "WithoutDatabase") == {"WithoutDatabase": 1}


@pytest.mark.parametrize("silent", ["probe", "server"])
def test_a_silent_probe_or_host_is_no_news_each_minute(
    audit: ModuleType, answers: Answers, capsys: pytest.CaptureFixture[str], silent: str
) -> None:
    answers.prepare(silent, "probe" if silent == "probe" else "reaches", Raises("TimeoutError"))
    assert audit.handler({}, None)["risk"]["answer"] == "no"
    assert published(capsys.readouterr().out)["AuditUnknown"] == 0


def test_where_the_active_server_is_in_no_list_any_more_its_path_is_checked_again(
    audit: ModuleType, answers: Answers
) -> None:
    answers.prepare("pair", "see_path", unknown("No session of the active server has been seen."))
    audit.handler({}, None)
    assert answers.actions("pair") == [], "it is seen as it was"
    for unseen, asked in ((unknown("Nobody answers."), []), (no("It has none."), ["see_path"])):
        see(answers, sessions={"ms1": unseen})
        audit.handler({}, None)
        assert answers.actions("pair") == asked
