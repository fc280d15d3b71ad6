"""Is the new server really active? Asked, not assumed."""

from __future__ import annotations

import pytest
from msfailover.decisions.promotion import is_active
from msfailover.verdict import Verdict, no, unknown, yes

from tests.samples import MS1

ANSWERS = yes("It answers.")
CONNECTED = yes("ms1 has 3 sessions.")
NONE = no("ms2 has no session.")
HERE = yes("ms.corp.example points to 10.0.0.11.", values=["10.0.0.11"])


def judged(
    admin: Verdict = ANSWERS, own: Verdict = CONNECTED, others: Verdict = NONE, record: Verdict = HERE
) -> Verdict:
    return is_active(MS1, admin, own, others, record)


def test_a_server_that_answers_is_connected_and_has_the_record_is_active() -> None:
    assert judged() == yes("ms1 is active: it answers, has its sessions, and the DNS record points to it.")


def test_any_of_its_addresses_will_do_for_the_record_however_it_is_written() -> None:
    assert judged(record=yes("It points to 2001:db8::11.", values=["2001:db8::11"])).is_yes
    assert judged(record=yes("It points to 2001:db8::11.", values=["2001:0DB8:0:0::11"])).is_yes
    assert judged(record=yes("It points to both.", values=["10.0.0.11", "2001:db8::11"])).is_yes


def test_another_ttl_than_ours_does_not_undo_a_promotion() -> None:
    assert judged(record=no("It points to 10.0.0.11.", values=["10.0.0.11"], ttl_s=300)).is_yes


def test_where_no_list_can_show_its_sessions_it_need_not_be_in_one_and_that_is_said() -> None:
    absent = no("ms1 has no session.")
    assert is_active(MS1, ANSWERS, absent, NONE, HERE).is_no
    found = is_active(MS1, ANSWERS, absent, NONE, HERE, listed=False)
    assert found.is_yes
    assert "the database's list can't show its sessions" in found.sentence
    assert "has its sessions" in is_active(MS1, ANSWERS, CONNECTED, NONE, HERE, listed=False).sentence
    for admin, others in ((no("It is silent."), NONE), (ANSWERS, yes("ms2 has 1 session."))):
        assert not is_active(MS1, admin, absent, others, HERE, listed=False).is_yes


def test_a_session_of_the_fenced_server_overrides_everything() -> None:
    assert judged(others=yes("ms2 has 1 session.")) == no("ms1 must not be called active: ms2 has 1 session.")


def test_what_cannot_be_said_of_the_fenced_server_does_not_undo_its_proven_fence() -> None:
    assert judged(others=unknown("1 session is of unknown origin.")).is_yes


@pytest.mark.parametrize("missing", ["admin", "own"])
@pytest.mark.parametrize("word", [no, unknown])
def test_a_server_not_known_to_answer_and_to_be_connected_is_not_active_yet(missing: str, word: object) -> None:
    verdict: Verdict = word("So it is.")  # type: ignore[operator]
    found = judged(admin=verdict) if missing == "admin" else judged(own=verdict)
    assert found == word("ms1 is not active yet: So it is.")  # type: ignore[operator]


def test_a_record_that_cannot_be_read_leaves_it_unknown() -> None:
    assert judged(record=unknown("Throttled.")) == unknown(
        "ms1 runs, but where the DNS record points is not known: Throttled."
    )


@pytest.mark.parametrize("values", [[], ["10.0.0.12"], ["10.0.0.11", "10.0.0.12"], ["old.corp.example"]])
def test_a_record_that_points_elsewhere_or_elsewhere_as_well_is_not_moved(values: list[str]) -> None:
    words = f"the name points to {values}."
    for word in (yes, no):
        assert judged(record=word(words, values=values)) == no(f"ms1 runs, but {words}")


def test_a_record_whose_values_were_not_said_is_not_moved() -> None:
    assert not judged(record=yes("It points somewhere.")).is_yes
