"""Whether the second probe may be relied on: what it was seen to reach, at rest, in this epoch."""

from __future__ import annotations

from typing import Any

import pytest
from msfailover.decisions.second_probe import compare, record_at_rest
from msfailover.pair import PairState
from msfailover.verdict import Answer, no, unknown, yes

from tests.samples import lease, state

HERE, SILENT = {"admin": "refused", "port": "silent"}, {"admin": "silent", "port": "unreachable"}
SERVES = {"ms1": {"admin": "answers", "port": "answers"}, "ms2": HERE}
REFUSED = {"ms1": HERE, "ms2": HERE}
BOTH, NOTHING = SERVES, {"ms1": SILENT, "ms2": SILENT}
MS1, MS2 = {**SERVES, "ms2": SILENT}, {"ms1": SILENT, "ms2": HERE}


@pytest.mark.parametrize(
    ("first", "second", "answer", "misses"),
    [
        (BOTH, BOTH, Answer.YES, False),
        (BOTH, MS2, Answer.NO, True),
        (BOTH, NOTHING, Answer.NO, True),
        (MS1, MS2, Answer.NO, True),
        (MS2, BOTH, Answer.NO, False),
        (NOTHING, BOTH, Answer.NO, False),
        (MS1, MS1, Answer.UNKNOWN, False),
        (NOTHING, NOTHING, Answer.UNKNOWN, False),
        ({"error": "Throttled"}, BOTH, Answer.NO, False),
        (BOTH, {"error": "Throttled"}, Answer.NO, False),
        (BOTH, {}, Answer.NO, True),
        (SERVES, {"ms1": {"admin": "silent", "port": "answers"}, "ms2": HERE}, Answer.NO, True),
        (SERVES, {"ms1": {"admin": "refused", "port": "refused"}, "ms2": HERE}, Answer.NO, True),
        (SERVES, {"ms1": {"admin": "wrong certificate", "port": "answers"}, "ms2": HERE}, Answer.NO, True),
        (REFUSED, REFUSED, Answer.UNKNOWN, False),
        (BOTH, {"ms1": "nonsense", "ms2": {"admin": 7}}, Answer.NO, True),
    ],
)  # fmt: skip
def test_both_probes_have_to_see_the_same_of_each_port(first: Any, second: Any, answer: Answer, misses: bool) -> None:
    found = compare(first, second)
    assert (found.answer, found.evidence.get("misses") is True) == (answer, misses)


BELIEVED = state(epoch=4, second_probe_epoch=4)
SEEN, MISSED = yes("Both."), no("It misses ms1.", misses=True)


@pytest.mark.parametrize(
    ("before", "found", "believed"),
    [
        (state(epoch=4), SEEN, True),
        (state(epoch=4), unknown("Neither."), False),
        (state(epoch=4), no("The first is cut off."), False),
        (BELIEVED, MISSED, False),
        (BELIEVED, unknown("Neither."), True),
        (BELIEVED, no("The second can't be asked."), True),
        (state(epoch=5, second_probe_epoch=4), unknown("Neither."), False),
    ],
)
def test_it_is_believed_once_seen_in_the_epoch_until_it_misses_what_the_first_one_reaches(
    before: PairState, found: Any, believed: bool
) -> None:
    assert record_at_rest(before, before, found).believes_second_probe is believed


@pytest.mark.parametrize("found", [SEEN, MISSED])
def test_what_was_seen_before_a_change_began_is_not_kept(found: Any) -> None:
    for now in (state(epoch=5), state(epoch=4, lease=lease(epoch=5))):
        assert record_at_rest(now, state(epoch=4), found) == now


def test_a_pair_that_was_never_adopted_believes_nothing() -> None:
    assert not PairState().believes_second_probe
