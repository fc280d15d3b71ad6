"""How old the standby's copy is, and what the notification says of it when it is promoted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msfailover.decisions.replication import (
    Order,
    arrived,
    as_of_in,
    fresh_enough,
    is_fresh,
    may_run,
    sent,
    under_way,
    withheld_configuration,
)
from msfailover.decisions.transitions import conclude
from msfailover.freshness import Freshness
from msfailover.history import History, Outcome
from msfailover.pair import Role
from msfailover.runtime.notifications import of_end
from msfailover.verdict import Answer

from tests.samples import NOW, OURS, THEIRS, lease, receipt, state

WHOLE = {"complete": True, "as_of": NOW, "epoch": 1, "digest": "d"}


def files_line(outcome: Outcome, as_of: float, action: str = "failover") -> str:
    """What a message says of the files; empty where it says nothing."""
    before = state(lease=lease(action=action), receipt=receipt())
    after, line = conclude(before, OURS, outcome, "So it ended.", NOW)
    body = of_end("tectia", after, replace(line, files_as_of=as_of)).body
    return next((each for each in body.splitlines() if each.startswith("Files: ")), "")


def test_a_promotion_says_how_old_the_files_are_that_the_new_server_serves_with() -> None:
    said = files_line(Outcome.PROMOTED, NOW - 42)
    assert "ms2 serves with ms1's files as of" in said
    assert "42 s before this ended" in said


def test_an_age_that_is_not_known_is_said_to_be_unknown() -> None:
    assert "holds no whole set" in files_line(Outcome.PROMOTED, 0.0)


@pytest.mark.parametrize(("outcome", "action"), [(Outcome.PROMOTED, "adopt"), (Outcome.HALTED, "failover")])
def test_where_nobody_was_promoted_with_a_copy_nothing_is_said_of_it(outcome: Outcome, action: str) -> None:
    assert files_line(outcome, NOW, action) == ""


def test_the_history_keeps_it_and_reads_lines_from_before_it_was_kept() -> None:
    _, line = conclude(state(lease=lease(), receipt=receipt()), OURS, Outcome.PROMOTED, "", NOW)
    kept = replace(line, files_as_of=NOW - 42).to_json()
    assert History.from_json(kept).files_as_of == NOW - 42
    del kept["files_as_of"]
    assert History.from_json(kept).files_as_of == 0.0


def configuration_line(withheld: str, as_of: float) -> str:
    """What a message of a promotion says of the configuration; empty where it says nothing."""
    before = state(lease=lease(), receipt=receipt())
    after, line = conclude(before, OURS, Outcome.PROMOTED, "So it ended.", NOW)
    body = of_end("tectia", after, replace(line, files_as_of=NOW, config_withheld=withheld, config_as_of=as_of)).body
    return next((each for each in body.splitlines() if each.startswith("Configuration: ")), "")


def test_a_promotion_says_of_when_a_configuration_is_that_was_withheld() -> None:
    said = configuration_line("versions differ", NOW - 42)
    assert said.startswith("Configuration: ms2's is ms1's as of ")
    assert said.endswith("withheld: versions differ.")
    assert "never ms1's" in configuration_line("versions differ", 0.0)
    assert configuration_line("", 0.0) == ""


def test_the_history_keeps_why_a_configuration_was_withheld_and_reads_lines_from_before() -> None:
    _, line = conclude(state(lease=lease(), receipt=receipt()), OURS, Outcome.PROMOTED, "", NOW)
    kept = replace(line, config_withheld="x", config_as_of=NOW - 42).to_json()
    assert (History.from_json(kept).config_withheld, History.from_json(kept).config_as_of) == ("x", NOW - 42)
    del kept["config_withheld"]
    assert History.from_json(kept | {"config": "held back: x"}).config_withheld == "x"
    del kept["config_as_of"]
    assert (History.from_json(kept).config_withheld, History.from_json(kept).config_as_of) == ("", 0.0)


@pytest.mark.parametrize(
    ("before", "why"), [("held back: versions differ", "versions differ"), ("same", ""), ("sent", ""), ("", "")]
)
def test_a_freshness_that_was_stored_before_says_why_the_configuration_is_withheld(before: str, why: str) -> None:
    stored = {name: value for name, value in Freshness().to_json().items() if name != "config_withheld"}
    assert Freshness.from_json(stored | {"config": before}).config_withheld == why


def test_a_configuration_withheld_after_it_was_carried_once_is_known_though_the_age_stands_still() -> None:
    carried = WHOLE | {"config": "sent", "config_as_of": NOW}
    known = arrived(sent(Freshness(), "one", Order(Role.MS1, 1), NOW), "one", carried, NOW + 1)
    known = sent(known, "two", Order(Role.MS1, 1), NOW + 300)
    held = carried | {"config": "withheld", "config_withheld": "versions differ"}
    after = arrived(known, "two", held, NOW + 301)
    assert withheld_configuration(after, 1) == ("versions differ", NOW)
    assert after.as_of == NOW
    assert "withheld: versions differ;" in is_fresh(after, state(), NOW + 301, 1000).sentence
    assert withheld_configuration(after, 2) == ("", 0.0)


def test_a_standby_that_was_set_back_and_can_take_no_configuration_is_as_old_as_that_is() -> None:
    known = sent(Freshness(as_of=NOW, epoch=1), "two", Order(Role.MS1, 1), NOW + 300)
    older = WHOLE | {"as_of": NOW - 5000, "config_as_of": NOW - 5000, "config_withheld": "versions differ"}
    assert arrived(known, "two", older, NOW + 301).as_of == NOW - 5000
    assert arrived(known, "one", older, NOW + 301).as_of == NOW, "a late result says nothing of now"
    unknown = arrived(known, "two", older | {"as_of": 0, "config_as_of": 0}, NOW + 301)
    assert (unknown.as_of, unknown.config_as_of) == (NOW, 0)


def test_a_set_of_another_epoch_went_the_other_way_and_says_nothing_of_this_one() -> None:
    known = Freshness(as_of=NOW, epoch=1)
    assert as_of_in(known, 1) == NOW
    assert as_of_in(known, 2) == 0.0


def test_a_late_result_never_makes_a_copy_older_and_one_of_another_command_ends_nothing() -> None:
    known = sent(Freshness(as_of=NOW + 5, epoch=1), "second", Order(Role.MS1, 1), NOW + 6)
    after = arrived(known, "first", WHOLE, NOW + 6)
    assert (after.as_of, after.ended, after.last) == (NOW + 5, False, WHOLE)
    assert arrived(known, "second", {**WHOLE, "as_of": NOW + 6}, NOW + 7).as_of == NOW + 6


def test_a_time_from_the_future_is_taken_back_to_when_the_run_was_sent_and_holds_nothing_up() -> None:
    day = 86_400
    known = sent(Freshness(), "one", Order(Role.MS1, 1), NOW)
    result = {**WHOLE, "as_of": NOW + day, "started_at": NOW + day, "config_as_of": NOW + day - 60, "config": "sent"}
    after = arrived(known, "one", result, NOW + 5)
    assert (after.as_of, after.config_as_of) == (NOW, NOW - 60)
    late = arrived(after, "one", {**WHOLE, "as_of": NOW + 2}, NOW + 5)
    assert late.as_of == NOW + 2
    stuck = Freshness(as_of=NOW + day, epoch=1)  # as an earlier version of this kept it
    assert arrived(stuck, "another", {**WHOLE, "as_of": NOW + 3}, NOW + 5).as_of == NOW + 3
    assert arrived(Freshness(), "another", {**WHOLE, "as_of": NOW + day}, NOW + 5).as_of == 0, "not ours: not believed"


def test_a_clock_that_is_ahead_by_less_than_the_run_took_makes_no_copy_newer_than_its_order() -> None:
    known = sent(Freshness(), "one", Order(Role.MS1, 1), NOW)
    ahead = {**WHOLE, "as_of": NOW + 102, "started_at": NOW + 102, "seconds": 200.0}
    assert arrived(known, "one", ahead, NOW + 203).as_of == NOW, "it began 3 s after the order at the latest"
    well = {**WHOLE, "as_of": NOW + 2, "started_at": NOW + 2, "seconds": 200.0}
    assert arrived(known, "one", well, NOW + 203).as_of == NOW + 2
    assert arrived(known, "another", ahead, NOW + 203).as_of == 0, "not ours: not believed"


def test_a_host_whose_clock_is_behind_makes_no_copy_older_than_its_order() -> None:
    known = sent(Freshness(as_of=NOW - 300, epoch=1), "one", Order(Role.MS1, 1), NOW)
    slow = {**WHOLE, "as_of": NOW - 86_400, "started_at": NOW - 86_400}
    assert arrived(known, "one", slow, NOW + 5).as_of == NOW


def test_a_set_of_a_newer_epoch_replaces_a_later_one_and_an_older_epoch_never_does() -> None:
    known = Freshness(as_of=NOW, epoch=2)
    newer = arrived(known, "x", {**WHOLE, "as_of": NOW - 60, "epoch": 3}, NOW)
    assert (newer.as_of, newer.epoch) == (NOW - 60, 3)
    older = arrived(known, "x", {**WHOLE, "as_of": NOW + 1, "epoch": 1}, NOW + 1)
    assert (older.as_of, older.epoch) == (NOW, 2)


def test_the_oldest_directory_counts_and_a_configuration_that_is_withheld_is_said_with_its_age() -> None:
    held = "versions differ (7 here, 6 on the standby)"
    result = {**WHOLE, "as_of": NOW - 5000, "started_at": NOW, "config_withheld": held, "config_as_of": NOW - 5000}
    known = arrived(Freshness(), "x", result, NOW + 1)
    verdict = is_fresh(known, state(), NOW + 1, 4000)
    assert verdict.is_no
    assert "as of 5001 s ago" in verdict.sentence
    assert f"The configuration is withheld: {held}; the standby's is of 5001 s ago." in verdict.sentence


def test_a_configuration_that_was_never_carried_leaves_no_whole_set() -> None:
    held = "versions differ (7 here, 6 on the standby)"
    known = arrived(Freshness(), "x", {**WHOLE, "as_of": 0, "started_at": NOW, "config_withheld": held}, NOW)
    assert known.as_of == 0
    verdict = is_fresh(known, state(), NOW, 4000)
    assert verdict.answer is Answer.UNKNOWN
    assert "the standby's is not the active server's" in verdict.sentence


def test_a_run_is_under_way_until_its_result_is_known_or_its_limit_is_long_past() -> None:
    known = sent(Freshness(), "one", Order(Role.MS1, 1), NOW)
    assert under_way(known, NOW + 659, 600)
    assert not under_way(known, NOW + 661, 600)
    assert not under_way(arrived(known, "one", {}, NOW), NOW + 1, 600)


def test_only_the_execution_of_a_switchover_replicates_while_its_lease_is_held() -> None:
    held = state(lease=lease(action="switchover"))
    assert may_run(held, OURS)[1] == Order(Role.MS1, 1)
    for execution in (THEIRS, None):
        verdict, order = may_run(held, execution)
        assert order is None
        assert verdict.sentence == "Nothing is replicated while switchover to ms2 is under way."
    assert may_run(state(lease=lease(action="force")), OURS)[1] is None


def test_without_a_limit_the_copys_age_is_not_even_read() -> None:
    def read() -> Freshness:
        raise AssertionError("nobody needs it")

    assert fresh_enough(read, state(), NOW, 0) is None


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        (Freshness(as_of=NOW - 50, epoch=1), Answer.YES),
        (Freshness(as_of=NOW - 70, epoch=1), Answer.NO),
        (Freshness(as_of=NOW - 50, epoch=0), Answer.NO),
        (Freshness(), Answer.UNKNOWN),
        (Freshness(as_of=NOW + 3600, epoch=1), Answer.UNKNOWN),
    ],
)
def test_a_copy_of_another_epoch_of_no_age_or_too_old_is_not_fresh_enough(known: Freshness, answer: Answer) -> None:
    verdict = fresh_enough(lambda: known, state(), NOW, 60)
    assert verdict is not None
    assert verdict.answer is answer


def test_an_age_that_cannot_be_read_is_unknown_and_never_an_error() -> None:
    def read() -> Freshness:
        raise ValueError("torn")

    verdict = fresh_enough(read, state(), NOW, 60)
    assert verdict is not None
    assert (verdict.answer, "torn" in verdict.sentence) == (Answer.UNKNOWN, True)


def test_a_clock_that_is_set_back_makes_no_configuration_newer_that_is_withheld() -> None:
    held = {**WHOLE, "as_of": NOW - 8000, "config_as_of": NOW - 8000, "content_as_of": NOW - 8000}
    held |= {"config_withheld": "versions differ"}
    known = Freshness(as_of=NOW - 8000, epoch=1, config_as_of=NOW - 8000, config_withheld="versions differ")
    back = held | {"started_at": NOW - 1000, "seconds": 1.0}
    for before in (known, Freshness()):
        after = arrived(sent(before, "one", Order(Role.MS1, 1), NOW), "one", back, NOW + 2)
        assert (after.as_of, after.config_as_of) == (NOW - 8000, NOW - 8000)
    assert after.content_as_of == NOW - 8000


def test_a_configuration_that_is_withheld_does_not_become_newer_with_the_clock_that_dated_it() -> None:
    known = Freshness(as_of=NOW - 8000, epoch=1, config_as_of=NOW - 8000)  # by our clock: the host's was an hour ahead
    held = {**WHOLE, "as_of": NOW - 4400, "config_as_of": NOW - 4400, "started_at": NOW, "config_withheld": "versions"}
    after = arrived(sent(known, "one", Order(Role.MS1, 1), NOW), "one", held, NOW + 2)
    assert (after.as_of, after.config_as_of) == (NOW - 8000, NOW - 8000)
    carried = arrived(sent(after, "two", Order(Role.MS1, 1), NOW + 9), "two", {**WHOLE, "as_of": NOW + 9}, NOW + 9)
    assert carried.as_of == NOW + 9
