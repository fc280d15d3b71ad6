"""JSONata as Step Functions has it: expressions over `$states` and variables, plus the functions that AWS adds."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class QueryError(Exception):
    """An expression that does not parse, fails, or returns what Step Functions can't use (undefined, a function)."""


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """The value of `expression` with `variables` bound (names without the dollar sign).

    Values are bound, not written into the expression's text as moto does it: a quote or a newline in a string
    neither breaks the expression nor is read as part of it.
    Raises QueryError, with the expression and the reason.
    """
    try:
        compiled = Jsonata(expression)
        compiled.set_output_convert_nulls(False)
        for name, function in _FUNCTIONS.items():
            compiled.register_lambda(name, function)
        # A name bound to None would be undefined; null is a value.
        bound = {name: Utils.NULL_VALUE if value is None else value for name, value in variables.items()}
        result = compiled.evaluate(None, bound)
    except Exception as error:
        raise QueryError(f"The JSONata expression '{expression}' threw an error: {error}") from error
    if result is None:
        raise QueryError(f"The JSONata expression '{expression}' returned nothing (undefined).")
    return _plain(result, expression)


def _plain(value: Any, expression: str) -> Any:
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        # JSON has one kind of number: 4/2 is 2, and is written so.
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        return {str(key): _plain(item, expression) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item, expression) for item in value]
    raise QueryError(f"The JSONata expression '{expression}' returned an unsupported result type.")


def _partition(array: Sequence[Any], size: int) -> list[Any]:
    return [list(array[start : start + size]) for start in range(0, len(array), size)]


def _range(first: int, last: int, step: int) -> list[int]:
    return list(range(first, last + (1 if step > 0 else -1), step))


def _hash(value: Any, algorithm: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return hashlib.new(_HASHES[algorithm], text.encode()).hexdigest()


def _random(seed: float | None = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "parse": json.loads,
    "uuid": lambda: str(uuid.uuid4()),
    "hash": _hash,
    "partition": _partition,
    "range": _range,
    "random": _random,
}
