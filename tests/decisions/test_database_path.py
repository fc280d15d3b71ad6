"""Has the list been seen to work, and is the path direct? And does the database's name lead behind the access group?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from msfailover.decisions import database_path
from msfailover.decisions.database_object import about_the_database, is_guarded
from msfailover.pair import PairState, Role
from msfailover.verdict import Answer, Verdict, no, unknown, yes

from tests.samples import lease, state

SEEN = state()
UNSEEN = state(path_seen_epoch=-1, path_seen_by="")
BY_NAME = state(path_seen_epoch=1, path_seen_by=database_path.BY_NAME)
SERVES, SILENT = yes("It answers."), no("It is silent.")
NO_WRITER = unknown("What answers is a standby.", writer=False)
HAS, HAS_NONE = yes("ms1 has 2 sessions.", count=2, by_address=2), no("ms1 has no session.")
BEFORE = state(path_seen_epoch=0, path_seen_by=database_path.BY_ADDRESS)


@pytest.mark.parametrize(
    ("record", "vouched", "believed", "direct"),
    [
        (UNSEEN, False, Answer.UNKNOWN, Answer.UNKNOWN),
        (UNSEEN, True, Answer.UNKNOWN, Answer.YES),
        (SEEN, False, Answer.YES, Answer.YES),
        (BY_NAME, False, Answer.YES, Answer.NO),
        (BY_NAME, True, Answer.YES, Answer.YES),
        (BEFORE, False, Answer.UNKNOWN, Answer.UNKNOWN),
    ],
    ids=["never", "vouched", "seen", "by name", "by name, vouched", "in the epoch before"],
)
def test_only_what_was_seen_in_this_epoch_counts_and_a_name_shows_no_path(
    record: PairState, vouched: bool, believed: Answer, direct: Answer
) -> None:
    assert database_path.list_is_believed(record).answer is believed
    assert database_path.is_direct(record, vouched).answer is direct


def test_that_the_owner_vouches_is_said() -> None:
    assert "vouches" in database_path.is_direct(UNSEEN, True).sentence
    assert "vouches" not in database_path.is_direct(SEEN, True).sentence


def test_sessions_known_by_an_address_show_the_path_and_by_a_name_the_list() -> None:
    assert database_path.seen_by(yes("ms1 has 2 sessions.", count=2, by_address=1)) == database_path.BY_ADDRESS
    assert database_path.seen_by(yes("ms1 has 2 sessions.", count=2, by_address=0)) == database_path.BY_NAME
    assert database_path.seen_by(no("ms1 has no session.", by_address=1)) == ""
    assert database_path.seen_by(unknown("Nobody answers.")) == ""


def test_what_was_seen_is_kept_once_and_never_made_less() -> None:
    assert database_path.record(UNSEEN, 1, database_path.BY_ADDRESS) == SEEN
    assert database_path.record(SEEN, 1, database_path.BY_NAME) == SEEN
    assert database_path.record(BY_NAME, 1, database_path.BY_ADDRESS) == SEEN
    assert database_path.record(SEEN, 1, "") == SEEN
    assert database_path.record(SEEN, 0, database_path.BY_ADDRESS) == SEEN


def test_at_rest_it_is_kept_only_where_nothing_changed_meanwhile() -> None:
    before = UNSEEN
    assert database_path.record_at_rest(before, before, database_path.BY_ADDRESS) == SEEN
    moved = replace(before, epoch=2)
    assert database_path.record_at_rest(moved, before, database_path.BY_ADDRESS) == moved
    changing = replace(before, lease=lease())
    assert database_path.record_at_rest(changing, before, database_path.BY_ADDRESS) == changing


def test_in_a_change_it_is_kept_for_its_epoch_by_its_own_execution_only() -> None:
    changing = replace(SEEN, lease=lease())
    kept = database_path.record_in_change(changing, lease().execution, SERVES, HAS)
    assert (kept.path_seen_epoch, kept.path_seen_by) == (lease().epoch, database_path.BY_ADDRESS)
    assert database_path.record_in_change(changing, "another", SERVES, HAS) == changing
    assert database_path.record_in_change(SEEN, lease().execution, SERVES, HAS) == SEEN
    assert database_path.record_in_change(changing, "another", SERVES, HAS_NONE) == changing


@pytest.mark.parametrize(
    ("reads", "hides"),
    [
        ([(SERVES, HAS_NONE)], True),
        ([(SERVES, HAS_NONE), (SILENT, HAS_NONE)], True),
        ([(SERVES, HAS_NONE), (SERVES, HAS)], False),
        ([(SERVES, NO_WRITER)], True),
        ([(SILENT, HAS_NONE)], False),
        ([(SERVES, unknown("Nobody answers."))], False),
    ],
    ids=["in no list", "silent later", "seen later", "a standby", "never served", "no list"],
)
def test_a_new_server_that_served_and_was_in_no_list_is_not_put_out_on_what_was_seen_of_the_old_one(
    reads: list[tuple[Verdict, Verdict]], hides: bool
) -> None:
    record = replace(SEEN, lease=lease())
    for serves, sessions in reads:
        record = database_path.record_in_change(record, lease().execution, serves, sessions)
    back = replace(record, lease=lease(target=Role.MS1, epoch=3))
    assert bool(database_path.hides(Role.MS2, back)) is hides
    assert not database_path.hides(Role.MS1, record), "of the active server its own way counts"
    assert not database_path.hides(Role.MS2, replace(back, lease=None, epoch=3)), "in a later epoch it is read anew"


@pytest.mark.parametrize(
    ("resolved", "answer"),
    [
        (["10.0.0.30"], Answer.YES),
        (["10.0.0.30", "10.0.0.31"], Answer.YES),
        (["::ffff:10.0.0.30"], Answer.YES),
        ([], Answer.UNKNOWN),
        (["10.0.0.30", "10.0.0.40"], Answer.UNKNOWN),
        (["a name"], Answer.UNKNOWN),
    ],
)
def test_every_address_of_the_database_has_to_be_behind_the_access_group(resolved: list[str], answer: Answer) -> None:
    assert is_guarded(resolved, ["10.0.0.30", "10.0.0.31"]).answer is answer


def test_whom_the_group_keeps_out_says_nothing_of_a_database_elsewhere() -> None:
    revoked, granted = no("ms1 can't get in.", guarded=["10.0.0.30"]), yes("ms1 can get in.", guarded=["10.0.0.30"])
    elsewhere = no("ms1 has no session.", database_addresses=["10.0.0.40"])
    there = no("ms1 has no session.", database_addresses=["10.0.0.30"])
    assert about_the_database(revoked, there) == revoked
    assert about_the_database(revoked, elsewhere).answer is Answer.UNKNOWN
    assert about_the_database(revoked, unknown("Not asked.")).answer is Answer.UNKNOWN
    assert about_the_database(granted, elsewhere) == granted


def test_what_is_not_to_be_seen_any_more_is_not_believed_until_it_is_seen_again() -> None:
    lost = database_path.record_at_rest(SEEN, SEEN, database_path.LOST)
    assert database_path.list_is_believed(lost).answer is Answer.UNKNOWN
    assert database_path.is_direct(lost, False).answer is Answer.UNKNOWN
    assert database_path.is_direct(database_path.record_at_rest(lost, lost, database_path.BY_ADDRESS), False).is_yes
    for later in (replace(SEEN, lease=lease()), replace(SEEN, epoch=SEEN.epoch + 1)):
        assert database_path.record_at_rest(later, SEEN, database_path.LOST) == later, "a change has begun since"


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        ([(SERVES, HAS)], database_path.BY_ADDRESS),
        ([(SILENT, HAS)], database_path.BY_ADDRESS),
        ([(SERVES, HAS_NONE), (SERVES, HAS_NONE)], database_path.LOST),
        ([(SERVES, HAS_NONE), (SERVES, HAS)], database_path.BY_ADDRESS),
        ([(SERVES, HAS_NONE), (SILENT, HAS_NONE)], ""),
        ([(SILENT, HAS_NONE)], ""),
        ([(SERVES, unknown("Nobody answers."))], ""),
        ([(SERVES, NO_WRITER), (SERVES, NO_WRITER)], database_path.LOST),
        ([(SERVES, NO_WRITER), (SERVES, HAS)], database_path.BY_ADDRESS),
    ],
    ids=["seen", "silent, seen", "lost", "back", "dies meanwhile", "silent", "no list", "a standby", "a writer again"],
)
def test_only_of_a_server_that_serves_is_an_empty_list_a_word_about_its_way(
    reads: list[tuple[Verdict, Verdict]], found: str
) -> None:
    waiting = list(reads)
    assert database_path.observe(lambda: (*waiting.pop(0), HAS_NONE), range(len(reads))) == found


def test_sessions_are_demanded_unless_none_was_ever_seen_and_the_owner_vouches_or_they_were_lost() -> None:
    assert database_path.can_list(UNSEEN, False)
    assert not database_path.can_list(UNSEEN, True)
    for record in (SEEN, BY_NAME, BEFORE):
        assert database_path.can_list(record, True)
    for vouched in (True, False):
        assert not database_path.can_list(database_path.record_at_rest(SEEN, SEEN, database_path.LOST), vouched)


# ---- resumed the other way, and back again: whose way was seen, and whose not


def test_what_was_seen_of_the_new_server_alone_proves_nothing_of_the_old_one() -> None:
    """ms1 has never been seen: it was put out by power. The change halts after ms2 was seen, and is turned round."""
    seen = database_path.record_in_change(replace(UNSEEN, lease=lease()), lease().execution, SERVES, HAS)
    for later in (seen, replace(seen, lease=lease(target=Role.MS1, epoch=3)), replace(seen, lease=lease(epoch=4))):
        assert database_path.is_direct(later, False, Role.MS1).answer is Answer.UNKNOWN
        assert database_path.list_is_believed(later, Role.MS1).answer is Answer.UNKNOWN
        assert database_path.is_direct(later, False).answer is Answer.UNKNOWN
        assert database_path.is_direct(later, False, Role.MS2).is_yes
        assert database_path.list_is_believed(later, Role.MS2).is_yes
    active = replace(seen, active=Role.MS2, epoch=2, lease=None)
    assert database_path.is_direct(active, False).is_yes, "the change has ended: it is the active server now"
    assert database_path.record(active, 2, database_path.BY_ADDRESS) == active


def test_what_is_known_of_the_active_server_is_not_given_up_for_less_or_other() -> None:
    for known, sessions in ((SEEN, yes("ms2 has 1, by name.", by_address=0)), (BY_NAME, HAS)):
        changing = replace(known, lease=lease())
        assert database_path.record_in_change(changing, lease().execution, SERVES, sessions) == changing


@pytest.mark.parametrize("word", ["hidden", "unseen"])
def test_the_active_server_is_as_hidden_as_any_once_a_later_change_granted_it_access_again(word: str) -> None:
    """Resumed towards ms1 in epoch 3, ms1 serves and is in no list; resumed towards ms2 in epoch 4 it is to be out."""
    told = {f"path_{word}_epoch": 3, "path_seen_epoch": 2}
    record = replace(SEEN, lease=lease(epoch=4), **told)  # type: ignore[arg-type]

    def asks(server: Role) -> bool:
        return bool(database_path.hides(server, record)) or database_path.is_unseen(server, record)

    assert (asks(Role.MS1), asks(Role.MS2)) == (True, False)
    again = replace(record, path_seen_epoch=3)
    assert not (bool(database_path.hides(Role.MS1, again)) or database_path.is_unseen(Role.MS1, again))
