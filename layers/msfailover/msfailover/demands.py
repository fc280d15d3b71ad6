"""The errors that the workflow goes by: a question asked with `unless_yes` is answered *yes*, or fails under that name.

The state machine names the error in the question and in its Retry or Catch. Every attempt is then an event of its own
in the execution, and a state that was not answered yes is red there. Who asks without it gets the answer (I3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msfailover.request import BadRequest


class ActiveNotFound(Exception):
    """The survey can't say who is active, or that nobody else could be."""


class StandbyNotFit(Exception):
    """The standby could not be started, or it is not known that it could."""


class NotYetFenced(Exception):
    """Neither network nor database proves that the old server is out; another round may."""


class NotServingYet(Exception):
    """The server does not serve, or it is not known that it does; a moment later it may."""


class StartNotSeen(NotServingYet):
    """As `NotServingYet`, of a server of which nobody knows whether its start was carried out."""


ERRORS = {each.__name__: each for each in (ActiveNotFound, StandbyNotFit, NotYetFenced, NotServingYet, StartNotSeen)}


def demand_yes(event: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Fail under the name that the question gives, where it is not answered *yes*.

    Args:
        event: the question; without `unless_yes` every answer is good.
        answer: what it is answered: `answer` and `sentence`, as a verdict has them.

    Returns:
        the answer.

    Raises:
        BadRequest: it gives a name that `ERRORS` does not have.
    """
    name = event.get("unless_yes")
    if name is None:
        return answer
    if not isinstance(name, str) or name not in ERRORS:
        raise BadRequest(f"unless_yes is {str(name)[:40]!r}, but one of {', '.join(ERRORS)} is needed.")
    if answer.get("answer") != "yes":
        raise ERRORS[name](answer.get("sentence", "No answer."))
    return answer
