"""What nothing may wait or fail for: tried, and logged where it fails: best effort."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

T = TypeVar("T")


def result_of(call: Callable[[], T], otherwise: T, what: str, logger: Logger) -> T:
    """What a call comes to, or else something other and a line in the log.

    Args:
        call: makes it.
        otherwise: the result where it fails.
        what: what would have been known by it.
        logger: takes the reason.
    """
    try:
        return call()
    except (BotoCoreError, ClientError, ValueError, TypeError) as error:
        logger.warning("best-effort step failed", extra={"what": what, "why": str(error)[:300]})
        return otherwise
