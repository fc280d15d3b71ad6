"""What a host remembers of epochs, against the pair's record. A host refuses every order of an epoch below its own."""

from __future__ import annotations

from msfailover.pair import Role
from msfailover.verdict import Verdict, no

HIGHEST = 10**9 - 1
"""The highest epoch that the functions act in (request.epoch_in)."""

LAST_TO_REST_IN = HIGHEST - 1000
"""The highest epoch that a pair may be adopted in, or be at rest in and still begin a change. What is begun can be
turned back and resumed to the other server, each in an epoch of its own: a change that has none left for that could
leave both servers stopped."""


def remembered(said: object) -> int:
    """The epoch in a host's answer; 0 where it said none."""
    return said if isinstance(said, int) and not isinstance(said, bool) else 0


def used_up(epoch: int) -> Verdict | None:
    """Whether no change may begin in the epoch that the pair is in; None where one may."""
    if epoch <= LAST_TO_REST_IN:
        return None
    return no(
        f"the pair's record is in epoch {epoch}, above which no change is begun. See docs/operate.md, epochs-used-up."
    )


def ahead(role: Role, said: object, highest: int) -> Verdict | None:
    """Whether a host remembers an epoch that the pair has not come to: no order of the change would be taken by it.

    Args:
        said: the epoch in the host's answer.
        highest: the epoch of the change under way; at rest the pair's.

    Returns:
        the *no*, or None where nothing speaks against the host.
    """
    epoch = remembered(said)
    if epoch <= highest:
        return None
    return no(
        f"{role} remembers epoch {epoch}, and the pair has only come to {highest}: its host would refuse every order."
        " See docs/operate.md, epoch-ahead."
    )
