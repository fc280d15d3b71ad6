"""What pairs cost a month: the bill of one pair at rest, from the template's schedules, times their number.

A stack serves one pair, so the bill grows with the pairs. What several could share is not taken off: a VPC needs only
one endpoint of Secrets Manager, and AWS's prices fall with volume.
"""

from __future__ import annotations

from typing import Any

from failoverctl.cost import KEPT
from lab.benchmarks.monthly_cost import here

PAIRS = (1, 10, 1000)


def run() -> dict[str, Any]:
    """The sections of benchmarks.json, in dollars."""
    lines = here()
    one = sum(line.dollars for line in lines)
    for line in lines:
        print(f"{line.service:16} {line.what:55} {line.dollars:8.2f}")
    return {
        "cost_month_usd": {str(pairs): round(pairs * one, 2) for pairs in PAIRS},
        "cost_price_list": KEPT.of,
        "cost_lines": [[line.service, line.what, round(line.dollars, 2)] for line in lines],
    }
