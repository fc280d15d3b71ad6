"""The schemas of the events that the stack puts on the bus, and whether an event is as its schema says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).resolve().parents[3] / "events" / "schemas"
SOURCE = "ms-failover"
OF_HOSTS = ("Software Imported",)
"""Detail-types of the same source that hosts send, and not the stack."""


@cache
def schemas() -> Mapping[str, Any]:
    """The schema of each detail-type's detail."""
    found = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.json"))]
    return {str(each["title"]): each for each in found}


def faults(kind: str, detail: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event; a field that the schema does not name counts, too.

    Args:
        kind: its detail-type.
        detail: as it is put on the bus.
    """
    schema = schemas().get(kind)
    if schema is None:
        return [f"{kind!r} has no schema"]
    found = [f"{kind}: {each.message}" for each in Draft202012Validator(schema).iter_errors(dict(detail))]
    strange = sorted(set(detail) - set(schema["properties"]))
    return [*found, *([f"{kind}: {', '.join(strange)} not in the schema"] if strange else [])]
