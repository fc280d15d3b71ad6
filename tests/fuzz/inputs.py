"""What comes from outside: JSON of any shape, and JSON that is nearly right."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ODD = st.sampled_from(
    ["", " ", "\x00", "a\nb", "\u2028", "\u202e", "\ud800", "'; rm -rf /; '", "$(reboot)", "`id`", "x" * 600, "0",
     "-1", "1e999", "NaN", "arn:aws:states:x:1:execution:m:e", "i-0123456789abcdef0", "../../etc/passwd", "ms1", "yes"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(), st.floats(), st.sampled_from([2**31, 2**63, 10**40, -(10**40), 1.5, 1e308, -0.0])
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, ODD, st.text(max_size=20))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=5,
)
"""Any JSON, strange numbers and strings among it."""


def fuzzed(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with so many inputs."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize="HYPOTHESIS_SEED_EACH_RUN" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


def nearly(
    right: Mapping[str, st.SearchStrategy[Any]], strange: st.SearchStrategy[Any] = ANYTHING
) -> st.SearchStrategy[Any]:
    """Objects of these fields, most of them right, some strange, some missing, some more than there should be."""
    fields = {name: st.one_of(value, value, strange) for name, value in right.items()}
    required = st.fixed_dictionaries({}, optional=fields)
    whole = st.fixed_dictionaries(fields)
    more = st.dictionaries(st.text(max_size=10), strange, max_size=2)
    return st.one_of(whole, required, st.builds(lambda base, extra: {**extra, **base}, whole, more), strange)
