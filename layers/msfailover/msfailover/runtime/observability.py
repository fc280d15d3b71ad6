"""Logs and metrics, made once and the same in every function: one JSON line per event, keyed by the execution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from msfailover.request import BadRequest
from msfailover.text import escaped

NAMESPACE = "MsFailover"


def logger_for(function: str) -> Logger:
    """The logger of a function.

    It never logs the event itself: an event can come from outside, and nothing secret is to reach the logs. What hosts
    and servers say does reach them, and people read logs in terminals.
    """
    return Logger(service=function, json_serializer=_line)


def _line(record: Mapping[str, Any]) -> str:
    return escaped(json.dumps(record, default=str, separators=(",", ":"), ensure_ascii=False))


def begin(logger: Logger, event: Mapping[str, Any]) -> None:
    """Key everything logged from here on by the execution that asks, so that one search tells one failover's story.

    Raises:
        BadRequest: the event is no object; Lambda hands on whatever JSON it is given.
    """
    if not isinstance(event, Mapping):
        raise BadRequest(f"The event is {str(event)[:40]!r}, but a JSON object is needed. Nothing was touched.")
    logger.set_correlation_id(str(event.get("execution", "none"))[:300])
