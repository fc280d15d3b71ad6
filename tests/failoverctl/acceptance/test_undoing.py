"""Whatever was caused is taken back, in reverse order, also after Ctrl-C; what can't be is said, with what to do."""

from __future__ import annotations

import pytest

from failoverctl.acceptance.undoing import Undoing


def fails() -> None:
    raise RuntimeError("EC2 is away")


def test_everything_is_taken_back_the_latest_first_and_what_can_t_be_is_said() -> None:
    undoing, done, said = Undoing(), list[str](), list[str]()
    undoing.note("a rule", lambda: done.append("rule"), "revoke it")
    undoing.note("a stop", fails, "aws ec2 start-instances")
    undoing.note("a cut", lambda: done.append("cut"), "heal it")
    with undoing.guarded(said.append):
        pass
    assert done == ["cut", "rule"]
    assert said[0] == "Taking back: a cut, a stop, a rule."
    assert said[1:] == ["a stop could not be taken back (EC2 is away). By hand: aws ec2 start-instances"]
    assert undoing.left == ()


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, ValueError])
def test_it_is_taken_back_however_the_run_ends(end: type[BaseException]) -> None:
    undoing, done = Undoing(), list[str]()
    with pytest.raises(end), undoing.guarded(lambda _: None):
        undoing.note("a cut", lambda: done.append("cut"), "heal it")
        raise end
    assert done == ["cut"]


def test_what_was_taken_back_in_the_course_is_not_again_and_what_failed_is_tried_again() -> None:
    undoing, done = Undoing(), list[str]()
    cut = undoing.note("a cut", lambda: done.append("cut"), "heal it")
    undoing.now(cut)
    broken = undoing.note("a stop", fails, "start it")
    with pytest.raises(RuntimeError):
        undoing.now(broken)
    assert [each.what for each in undoing.left] == ["a stop"]
    assert (undoing.all()[0].split(" could")[0], done) == ("a stop", ["cut"])
