"""Is the old server out? Each way the fence is not proven, and who may rely on a proof."""

from __future__ import annotations

import pytest
from msfailover.decisions.fence import (
    NoReceipt,
    demand_change,
    demand_receipt,
    proof_by_database,
    proof_by_network,
    proof_by_power,
)
from msfailover.pair import FencedBy, PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import NOW, lease, receipt, state

REVOKED = no("ms1 can't get in.")
OPEN = yes("ms1 can get in by rule sgr-1.")
UNREAD = unknown("EC2 does not say.")
BELIEVED = yes("The list has shown sessions.")


def none_seen(*counts: int) -> Verdict:
    return no("ms1 has no session.", counts=list(counts))


def judged(access: Verdict = REVOKED, sessions: Verdict | None = None, access_after: Verdict = REVOKED) -> Verdict:
    verdict, proof = proof_by_database(
        Role.MS1, 2, access, none_seen(0, 0, 0) if sessions is None else sessions, access_after, 3, NOW, BELIEVED
    )
    assert (proof is not None) == verdict.is_yes, "a receipt is there exactly with a yes"
    return verdict


def test_a_revoked_access_and_three_reads_without_a_session_are_a_proof() -> None:
    verdict, proof = proof_by_database(Role.MS1, 2, REVOKED, none_seen(0, 0, 0), REVOKED, 3, NOW, BELIEVED)
    assert verdict == yes("ms1 is out: its access is revoked and 3 reads in a row found no session of it.")
    assert proof == receipt(evidence=(REVOKED.sentence, "ms1 has no session.", BELIEVED.sentence))


def test_a_list_that_has_not_shown_the_active_servers_sessions_proves_nothing() -> None:
    unseen = unknown("No session of the active server has been seen.")
    verdict, proof = proof_by_database(Role.MS1, 2, REVOKED, none_seen(0, 0, 0), REVOKED, 3, NOW, unseen)
    assert (verdict.answer, proof) == (Answer.UNKNOWN, None)
    assert unseen.sentence in verdict.sentence


CUT = yes("ms1 is cut off.", acls=["acl-1"])
RIGHT = yes("DatabaseHost leads to 10.0.0.30.")
DIRECT = yes("Its sessions were seen.")


def test_a_network_that_lets_nothing_pass_on_a_direct_path_to_the_right_database_is_a_proof() -> None:
    verdict, proof = proof_by_network(Role.MS1, 2, CUT, RIGHT, DIRECT, NOW)
    assert verdict.is_yes
    evidence = (CUT.sentence, RIGHT.sentence, DIRECT.sentence)
    assert proof == receipt(by=FencedBy.NETWORK, access="denied", sessions=(), evidence=evidence)


@pytest.mark.parametrize("doubt", [no("No."), unknown("Unknown.")], ids=lambda each: each.answer)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_network_in_doubt_about_cut_object_or_path_proves_nothing(at: int, doubt: Verdict) -> None:
    found = [CUT, RIGHT, DIRECT]
    found[at] = doubt
    verdict, proof = proof_by_network(Role.MS1, 2, found[0], found[1], found[2], NOW)
    assert (verdict.answer, proof) == (doubt.answer, None)
    assert doubt.sentence in verdict.sentence


@pytest.mark.parametrize("when", ["access", "access_after"])
@pytest.mark.parametrize(("answer", "access"), [(Answer.NO, OPEN), (Answer.UNKNOWN, UNREAD)])
def test_an_access_not_known_to_be_revoked_before_and_after_the_sessions_proves_nothing(
    when: str, answer: Answer, access: Verdict
) -> None:
    verdict = judged(access, REVOKED) if when == "access" else judged(access_after=access)
    assert verdict.answer is answer
    assert verdict.sentence == f"The fence of ms1 is not proven: {access.sentence}"


@pytest.mark.parametrize(
    ("answer", "sessions"),
    [
        (Answer.NO, yes("ms1 has 1 session.", counts=[0, 0, 1])),
        (Answer.UNKNOWN, unknown("1 session is of unknown origin.", counts=[0, 0, 0])),
        (Answer.UNKNOWN, unknown("The database does not answer.")),
    ],
)
def test_sessions_not_known_to_be_gone_prove_nothing(answer: Answer, sessions: Verdict) -> None:
    verdict = judged(sessions=sessions)
    assert verdict.answer is answer
    assert verdict.sentence == f"The fence of ms1 is not proven: {sessions.sentence}"


@pytest.mark.parametrize("counts", [[], [0], [0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0, 1]])
def test_fewer_reads_than_demanded_or_one_session_in_any_of_them_prove_nothing(counts: list[int]) -> None:
    verdict = judged(sessions=no("ms1 has no session.", counts=counts))
    assert verdict.answer is Answer.UNKNOWN
    assert verdict.sentence == (f"The fence of ms1 is not proven: 3 reads without a session are needed, got {counts}.")


def test_a_no_without_a_count_of_reads_proves_nothing() -> None:
    assert judged(sessions=no("ms1 has no session.")).answer is Answer.UNKNOWN


def test_a_machine_that_is_off_is_a_proof() -> None:
    verdict, proof = proof_by_power(Role.MS1, 2, no("the instance is stopped."), NOW)
    assert verdict == yes("ms1 is out: the instance is stopped.")
    assert proof == receipt(by=FencedBy.POWER, access="not asked", sessions=(), evidence=("the instance is stopped.",))


@pytest.mark.parametrize(
    ("answer", "power"),
    [(Answer.NO, yes("the instance is stopping.")), (Answer.UNKNOWN, unknown("EC2 does not say."))],
)
def test_a_machine_not_known_to_be_off_proves_nothing(answer: Answer, power: Verdict) -> None:
    verdict, proof = proof_by_power(Role.MS1, 2, power, NOW)
    assert proof is None
    assert verdict.answer is answer
    assert verdict.sentence == f"The fence of ms1 is not proven: {power.sentence}"


# ---- who may rely on it ----------------------------------------------------------------------------------------------

FENCED = state(lease=lease(), receipt=receipt())


def refusal(record: PairState, target: Role = Role.MS2, epoch: int = 2) -> str:
    with pytest.raises(NoReceipt) as caught:
        demand_receipt(record, target, epoch)
    return str(caught.value)


BY_NETWORK = receipt(by=FencedBy.NETWORK, access="denied", sessions=())
BY_POWER = receipt(by=FencedBy.POWER, access="not asked", sessions=())


@pytest.mark.parametrize("proof", [receipt(), BY_NETWORK, BY_POWER])
def test_the_target_of_a_change_may_rely_on_the_proof_of_that_change(proof: object) -> None:
    assert demand_receipt(state(lease=lease(), receipt=proof), Role.MS2, 2) == proof


NOT_UNDER_WAY = "is not granted access or started: epoch {} is not the change under way (failover to ms2 in epoch 2)."


def test_without_a_change_under_way_nobody_is_granted_access_or_started() -> None:
    words = "ms2 is not granted access or started: epoch 2 is not the change under way (none)."
    assert refusal(state(receipt=receipt())) == words


@pytest.mark.parametrize("epoch", [1, 3])
def test_an_order_of_another_epoch_lets_nobody_in(epoch: int) -> None:
    assert refusal(FENCED, epoch=epoch) == f"ms2 {NOT_UNDER_WAY.format(epoch)}"


def test_the_server_that_is_fenced_is_not_granted_access() -> None:
    assert refusal(FENCED, target=Role.MS1) == f"ms1 {NOT_UNDER_WAY.format(2)}"


def test_without_a_proof_nobody_is_granted_access_or_started() -> None:
    words = "ms2 is not granted access or started: no fence of ms1 has been proven."
    assert refusal(state(lease=lease())) == words


@pytest.mark.parametrize(
    ("proof", "what"), [(receipt(epoch=1), "ms1 in epoch 1"), (receipt(server=Role.MS2), "ms2 in epoch 2")]
)
def test_the_proof_of_another_change_is_of_no_use(proof: object, what: str) -> None:
    assert refusal(state(lease=lease(), receipt=proof)) == (
        f"ms2 is not granted access or started: the receipt is for {what}, needed is one for ms1 in epoch 2."
    )


@pytest.mark.parametrize(
    "proof", [receipt(sessions=()), receipt(sessions=(0, 1, 0)), receipt(access="allowed"), receipt(access="")]
)
def test_a_receipt_that_does_not_show_the_server_gone_is_none(proof: object) -> None:
    assert refusal(state(lease=lease(), receipt=proof)) == (
        "ms2 is not granted access or started: the receipt does not show ms1 gone."
    )


def test_a_server_may_be_acted_against_while_a_change_away_from_it_is_under_way() -> None:
    demand_change(state(lease=lease()), Role.MS1, 2)


@pytest.mark.parametrize(
    ("record", "server", "epoch"),
    [
        (state(), Role.MS1, 2),
        (state(active=Role.MS2, epoch=2), Role.MS2, 2),
        (state(active=Role.MS2, epoch=2, lease=lease(target=Role.MS1, epoch=3)), Role.MS2, 2),
        (state(lease=lease()), Role.MS2, 2),
        (state(lease=lease()), Role.MS1, 1),
        (state(lease=lease()), Role.MS1, 3),
    ],
    ids=["at rest", "moved", "on the way back", "the target", "an old epoch", "a future epoch"],
)
def test_a_late_or_doubled_order_revokes_nobodys_access(record: PairState, server: Role, epoch: int) -> None:
    with pytest.raises(NoReceipt) as caught:
        demand_change(record, server, epoch)
    assert str(caught.value) == f"{server} is left alone: no change away from it is under way in epoch {epoch}."
