"""A fence by the network: what is asked for it, and that the owner's word does not stand for the right database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from msfailover.decisions import database_path, fence_proofs
from msfailover.pair import PairState, Role
from msfailover.questions import Question
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import NOW, lease, state

CHANGE = replace(state(lease=lease()), path_seen_epoch=0, path_seen_by="")
SEEN = replace(CHANGE, path_seen_epoch=CHANGE.epoch, path_seen_by=database_path.BY_ADDRESS)
STANDBY = unknown("What answers is not the database's writer.", writer=False)
WRITER = unknown("A session is hidden.", writer=True)
AWAY = unknown("The database does not answer.")


def proven(record: PairState, listed: Verdict) -> tuple[Answer, set[str]]:
    """What the network proves with that answer of the database, and the names of what was asked."""
    answers = {
        "cut": yes("ms1 is cut off.", guarded=["10.0.0.30"]),
        "addresses": yes("It leads to 10.0.0.30.", database_addresses=["10.0.0.30"]),
        "list": listed,
    }
    asked: set[str] = set()

    def ask_all(questions: Mapping[str, Question]) -> Mapping[str, Verdict]:
        asked.update(questions)
        return {name: answers[name] for name in questions}

    def keep(judge: fence_proofs.Judge) -> Verdict:
        return judge(record, lease().epoch, NOW)[0]

    return fence_proofs.by_network(Role.MS1, record, True, ask_all, keep).answer, asked


@pytest.mark.parametrize(
    ("listed", "answer"), [(STANDBY, Answer.UNKNOWN), (WRITER, Answer.YES), (AWAY, Answer.YES)],
    ids=["a standby", "the writer", "away"],
)  # fmt: skip
def test_the_owners_word_for_the_way_does_not_make_a_standby_the_database(listed: Verdict, answer: Answer) -> None:
    assert proven(CHANGE, listed)[0] is answer


def test_where_the_way_was_seen_the_database_is_not_asked_for_it_was_the_writer_that_showed_it() -> None:
    assert proven(SEEN, STANDBY) == (Answer.YES, {"cut", "addresses"})


def test_a_database_is_asked_for_sessions_from_every_address_that_ec2_knows_of_the_server() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Verdict:
        asked.append(question)
        return no("ms1 can't get in.", addresses=["10.0.0.11", "10.0.0.96/28"])

    fence_proofs.by_database(Role.MS1, 3, ask, lambda judge: judge(SEEN, lease().epoch, NOW)[0])
    listed = [each.payload() for each in asked if each.function == "sessions"]
    assert [each["addresses"] for each in listed] == [["10.0.0.11", "10.0.0.96/28"]]


@pytest.mark.parametrize(("vouched", "answer"), [(None, Answer.UNKNOWN), (False, Answer.UNKNOWN), (True, Answer.YES)])
def test_a_server_whose_way_is_hidden_is_out_by_the_owners_word_or_by_power_only(
    vouched: bool | None, answer: Answer
) -> None:
    """ms2 was granted access, served and was in no list; the change is turned back to ms1."""
    back = replace(SEEN, lease=replace(lease(), target=Role.MS1, epoch=3), path_hidden_epoch=2)

    def ask(question: Question) -> Verdict:
        if question.function == "sessions":
            return no("ms2 has no session.", counts=[0, 0, 0], database_addresses=["10.0.0.30"])
        return no("ms2 can't get in.", guarded=["10.0.0.30"])

    def ask_all(questions: Mapping[str, Question]) -> Mapping[str, Verdict]:
        answers = {
            "cut": yes("ms2 is cut off.", guarded=["10.0.0.30"]),
            "addresses": yes("It leads to 10.0.0.30.", database_addresses=["10.0.0.30"]),
        }
        return {name: answers[name] for name in questions}

    def keep(judge: fence_proofs.Judge) -> Verdict:
        return judge(back, 3, NOW)[0]

    assert fence_proofs.prove(Role.MS2, back, vouched, 3, ask, ask_all, keep).answer is answer
    seen = replace(back, path_hidden_epoch=-1)
    assert fence_proofs.prove(Role.MS2, seen, vouched, 3, ask, ask_all, keep).is_yes


@pytest.mark.parametrize("vouched", [None, False, True])
@pytest.mark.parametrize(
    ("seen", "runs", "refuses", "proven"),
    [
        (no("ms2 has no session."), no("It is stopped."), yes("Both refuse."), True),
        (no("ms2 has no session."), no("It is stopped."), no("One answers."), False),
        (no("ms2 has no session."), no("It is stopped."), unknown("Both are silent."), False),
        (no("ms2 has no session."), no("Its machine is off.", off=True), unknown("Both are silent."), True),
        (yes("ms2 has 2.", by_address=2), yes("It runs."), no("One answers."), True),
        (yes("ms2 has 2, by name.", by_address=0), yes("It runs."), no("One answers."), False),
        (yes("ms2 has 1.", by_address=0, only_logins=True), yes("It runs."), no("One answers."), False),
        (no("ms2 has no session."), yes("It runs."), yes("Both refuse."), False),
        (no("ms2 has no session."), unknown("Its host is silent."), yes("Both refuse."), False),
        (unknown("The database is silent."), unknown("Its host is silent."), unknown("Both are silent."), False),
    ],
)
def test_a_server_that_was_granted_access_and_that_nobody_saw_come_is_not_out_while_it_may_run(
    seen: Verdict, runs: Verdict, refuses: Verdict, proven: bool, vouched: bool | None
) -> None:
    """The change to ms2 was proven and turned back; whether it was started, and by which way it came, nobody saw."""
    back = replace(SEEN, lease=replace(lease(), target=Role.MS1, epoch=3), path_unseen_epoch=2)
    there = {"counts": [0, 0, 0], "database_addresses": ["10.0.0.30"]}

    def ask(question: Question) -> Verdict:
        if question.function == "sessions":
            return no("None.", **there) if "reads" in question.payload() else seen
        told = {"runs": runs, "check_refusing": refuses}
        return told.get(question.action, no("ms2 can't get in.", guarded=["10.0.0.30"]))

    def ask_all(questions: Mapping[str, Question]) -> Mapping[str, Verdict]:
        answers = {"cut": yes("It is cut off.", guarded=["10.0.0.30"]), "addresses": yes("There.", **there)}
        return {name: answers[name] for name in questions}

    found = fence_proofs.prove(Role.MS2, back, vouched, 3, ask, ask_all, lambda judge: judge(back, 3, NOW)[0])
    assert found.is_yes is (proven or vouched is True)
    assert fence_proofs.prove(
        Role.MS1, back, vouched, 3, ask, ask_all, lambda _: yes("The active server is not asked about.")
    ).is_yes
