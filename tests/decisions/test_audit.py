"""Are the invariants true right now? Every combination of what is seen, at rest and while a change is under way."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msfailover.decisions.audit import (
    Act,
    Finding,
    Kind,
    NotToBeKeptOut,
    Seen,
    acts,
    demand_out,
    judge,
    must_be_out,
    split_brain_risk,
)
from msfailover.pair import FencedBy, PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import PAIR, lease, receipt, state

OPEN, REVOKED, HIDDEN = yes("It can get in by sgr-1."), no("It can't get in."), unknown("EC2 does not say.")
THERE, NONE, UNSEEN = yes("It has 2 sessions."), no("It has no session."), unknown("The database does not answer.")
OUT = Seen(REVOKED, NONE)
IN = Seen(OPEN, THERE)
HERE = yes("ms.corp.example points to 10.0.0.11.", values=["10.0.0.11"])
ELSEWHERE = yes("ms.corp.example points to 10.0.0.12.", values=["10.0.0.12"])

AT_REST = state()
UNPROVEN = state(lease=lease())
PROVEN = state(lease=lease(), receipt=receipt())
PROVEN_BY_POWER = state(lease=lease(), receipt=receipt(by=FencedBy.POWER, access="not asked", sessions=()))


def found(record: PairState, ms1: Seen, ms2: Seen, name: Verdict = HERE) -> dict[Finding, Answer]:
    judged = judge(record, PAIR, {Role.MS1: ms1, Role.MS2: ms2}, name)
    return {each.finding: each.verdict.answer for each in judged}


def wrong(record: PairState, ms1: Seen, ms2: Seen, name: Verdict = HERE) -> set[Finding]:
    return {finding for finding, answer in found(record, ms1, ms2, name).items() if answer is Answer.YES}


def risk(record: PairState, ms1: Seen, ms2: Seen, name: Verdict = HERE) -> Answer:
    return split_brain_risk(judge(record, PAIR, {Role.MS1: ms1, Role.MS2: ms2}, name)).answer


def wanted(record: PairState, ms1: Seen, ms2: Seen) -> tuple[Act, ...]:
    return acts(record, judge(record, PAIR, {Role.MS1: ms1, Role.MS2: ms2}, HERE))


def test_a_pair_at_rest_as_it_should_be_has_nothing_wrong() -> None:
    assert wrong(AT_REST, IN, OUT) == set()
    assert risk(AT_REST, IN, OUT) is Answer.NO


def test_a_pair_that_nobody_has_taken_into_care_is_not_judged() -> None:
    assert judge(PairState(), PAIR, {Role.MS1: IN, Role.MS2: IN}, HERE) == ()
    assert wanted(PairState(), IN, IN) == ()


def test_open_access_of_the_inactive_server_is_a_risk_though_it_has_no_session() -> None:
    assert wrong(AT_REST, IN, Seen(OPEN, NONE)) == {Finding.ACCESS_OPEN}
    assert risk(AT_REST, IN, Seen(OPEN, NONE)) is Answer.YES
    assert wanted(AT_REST, IN, Seen(OPEN, NONE)) == (Act(Kind.KEEP_OUT, Role.MS2),)


def test_a_rule_of_the_inactive_server_is_taken_out_though_the_network_cuts_it_off() -> None:
    cut = Seen(OPEN, NONE, network=yes("It is cut off."), direct=yes("Direct."), stray=("sgr-1",))
    assert wrong(AT_REST, IN, cut) == {Finding.STRAY_RULES}
    assert risk(AT_REST, IN, cut) is Answer.NO
    assert wanted(AT_REST, IN, cut) == (Act(Kind.KEEP_OUT, Role.MS2),)


def test_what_would_not_be_expected_of_the_active_server_is_no_finding() -> None:
    active = Seen(OPEN, THERE, stray=("sgr-1",))
    assert wrong(AT_REST, active, OUT) == set()


def test_sessions_of_the_inactive_server_are_a_risk_though_its_access_is_revoked() -> None:
    assert wrong(AT_REST, IN, Seen(REVOKED, THERE)) == {Finding.STRAY_SESSIONS}
    assert wanted(AT_REST, IN, Seen(REVOKED, THERE)) == (Act(Kind.END_SESSIONS, Role.MS2),)


def test_access_is_revoked_before_sessions_are_ended() -> None:
    assert [act.kind for act in wanted(AT_REST, IN, IN)] == [Kind.KEEP_OUT, Kind.END_SESSIONS]


def test_after_a_failover_it_is_the_first_server_that_must_be_out() -> None:
    after = state(active=Role.MS2, epoch=2, receipt=receipt())
    assert wanted(after, IN, IN) == (Act(Kind.KEEP_OUT, Role.MS1), Act(Kind.END_SESSIONS, Role.MS1))
    assert wrong(after, OUT, IN, ELSEWHERE) == set()


@pytest.mark.parametrize("access", [OPEN, REVOKED, HIDDEN])
@pytest.mark.parametrize("sessions", [THERE, NONE, UNSEEN])
@pytest.mark.parametrize("record", [AT_REST, UNPROVEN, PROVEN, PROVEN_BY_POWER])
def test_what_is_unknown_is_never_acted_on_and_never_called_well(
    record: PairState, access: Verdict, sessions: Verdict
) -> None:
    out = must_be_out(record)
    seen = Seen(access, sessions)
    others = IN if out else seen
    ms1, ms2 = (seen, others) if out is Role.MS1 else (others, seen)
    for act in wanted(record, ms1, ms2):
        assert act.server is out
        assert (access if act.kind is Kind.KEEP_OUT else sessions).is_yes
    judged = found(record, ms1, ms2)
    if sessions is UNSEEN and out is not None:
        assert judged[Finding.STRAY_SESSIONS] is Answer.UNKNOWN
        assert risk(record, ms1, ms2) is not Answer.NO


def test_before_the_proof_either_server_may_be_in_but_not_both() -> None:
    assert must_be_out(UNPROVEN) is None
    for ms1, ms2 in ((IN, OUT), (OUT, IN), (OUT, OUT), (Seen(OPEN, NONE), OUT)):
        assert risk(UNPROVEN, ms1, ms2) is Answer.NO
    for ms1, ms2 in ((IN, IN), (Seen(REVOKED, THERE), Seen(OPEN, NONE)), (Seen(OPEN, UNSEEN), IN)):
        assert wrong(UNPROVEN, ms1, ms2) == {Finding.BOTH_IN}
        assert wanted(UNPROVEN, ms1, ms2) == ()
    assert risk(UNPROVEN, IN, Seen(REVOKED, UNSEEN)) is Answer.UNKNOWN
    assert risk(UNPROVEN, OUT, Seen(HIDDEN, UNSEEN)) is Answer.NO


def test_from_the_receipt_on_the_fenced_server_must_be_out_whoever_the_record_calls_active() -> None:
    assert must_be_out(PROVEN) is Role.MS1
    assert risk(PROVEN, OUT, IN) is Answer.NO
    assert wanted(PROVEN, IN, IN) == (Act(Kind.KEEP_OUT, Role.MS1), Act(Kind.END_SESSIONS, Role.MS1))


def test_a_receipt_of_another_change_proves_nothing() -> None:
    assert must_be_out(state(lease=lease(epoch=3), receipt=receipt())) is None
    assert must_be_out(state(lease=lease(), receipt=receipt(server=Role.MS2))) is None


def test_a_server_without_power_needs_no_access_group_until_the_change_is_over() -> None:
    assert wrong(PROVEN_BY_POWER, Seen(OPEN, NONE), IN) == set()
    assert wrong(PROVEN_BY_POWER, Seen(OPEN, THERE), IN) == {Finding.STRAY_SESSIONS}
    over = state(active=Role.MS2, epoch=2, receipt=PROVEN_BY_POWER.receipt)
    assert wrong(over, Seen(OPEN, NONE), IN, ELSEWHERE) == {Finding.ACCESS_OPEN}


def test_a_pair_not_as_recorded_is_told_but_is_no_risk() -> None:
    assert wrong(AT_REST, Seen(REVOKED, THERE), OUT) == {Finding.ACTIVE_WITHOUT_ACCESS}
    assert wrong(AT_REST, IN, OUT, ELSEWHERE) == {Finding.NAME_ELSEWHERE}
    assert found(AT_REST, Seen(HIDDEN, THERE), OUT, unknown("No answer."))[Finding.NAME_ELSEWHERE] is Answer.UNKNOWN
    assert risk(AT_REST, Seen(REVOKED, THERE), OUT, ELSEWHERE) is Answer.NO


def test_while_a_change_is_under_way_the_name_and_the_active_access_group_are_not_judged() -> None:
    for record in (UNPROVEN, PROVEN):
        assert not {Finding.NAME_ELSEWHERE, Finding.ACTIVE_WITHOUT_ACCESS} & set(found(record, OUT, OUT, ELSEWHERE))


TORN: Mapping[str, PairState] = {
    "a lease for an epoch that is over": state(epoch=2, lease=lease(epoch=2)),
    "a receipt from the future": state(receipt=receipt(epoch=5)),
    "an active server that was proven to be out": state(epoch=2, receipt=receipt()),
}


@pytest.mark.parametrize("record", TORN.values(), ids=TORN.keys())
def test_a_record_that_contradicts_itself_is_a_risk(record: PairState) -> None:
    assert found(record, OUT, OUT)[Finding.RECORD_TORN] is Answer.YES
    assert risk(record, OUT, OUT) is Answer.YES


@pytest.mark.parametrize(
    ("record", "server"),
    [(AT_REST, Role.MS1), (UNPROVEN, Role.MS1), (UNPROVEN, Role.MS2), (PROVEN, Role.MS2), (PairState(), Role.MS2)],
)
def test_nobody_is_kept_out_but_who_must_be_out(record: PairState, server: Role) -> None:
    with pytest.raises(NotToBeKeptOut, match=f"{server} is left alone"):
        demand_out(record, server)


@pytest.mark.parametrize(("record", "server"), [(AT_REST, Role.MS2), (PROVEN, Role.MS1)])
def test_who_must_be_out_may_be_kept_out(record: PairState, server: Role) -> None:
    demand_out(record, server)


def test_the_risk_names_every_finding_with_its_sentence() -> None:
    told = split_brain_risk(judge(AT_REST, PAIR, {Role.MS1: IN, Role.MS2: IN}, HERE)).sentence
    assert told == "access-open: It can get in by sgr-1. stray-sessions: It has 2 sessions."
