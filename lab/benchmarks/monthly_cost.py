"""What a pair at rest costs with the template of this checkout: `python -m lab.benchmarks.monthly_cost` prints it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from failoverctl.cost import PRICE_LIST, Line, bill, table
from lab.testbed.cloud import template as templates

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/deploy.md"
BEGIN, END = "<!-- cost: as `make cost` prints it -->\n", "<!-- end of cost -->"
CHOSEN = {"DatabaseSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:monitor"}
"""What the page's bill is for: the template's defaults, with a secret for the database."""


def here(given: Mapping[str, str] = CHOSEN) -> list[Line]:
    """The bill with the template of this checkout.

    Args:
        given: parameters, over the template's defaults.
    """
    return bill(_expanded(), given)


def _expanded() -> dict[str, Any]:
    defaults = {name: str(about.get("Default", "")) for name, about in _source()["Parameters"].items()}
    return templates.expand(ROOT / "template.yaml", defaults)


def _source() -> dict[str, Any]:
    return templates.load(ROOT / "template.yaml")


if __name__ == "__main__":
    sys.stdout.write(f"A pair at rest, dollars a month, {PRICE_LIST}, no free tier taken off:\n\n{table(here())}")
