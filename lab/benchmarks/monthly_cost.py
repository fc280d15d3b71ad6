"""What a pair at rest costs with the template of this checkout: `python -m lab.benchmarks.monthly_cost` prints it.

With the prices of AWS's own list where it can be read (credentials, AWS_REGION), else with those kept here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from failoverctl.account import Account
from failoverctl.cost import KEPT, Line, PriceList, bill, heading, table
from failoverctl.price_list import REGION, read
from lab.testbed.cloud import template as templates

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/deploy.md"
BEGIN, END = "<!-- cost: as `make cost` prints it -->\n", "<!-- end of cost -->"
CHOSEN = {"DatabaseSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:monitor"}
"""What the page's bill is for: the template's defaults, with a secret for the database."""


def here(given: Mapping[str, str] = CHOSEN, prices: PriceList = KEPT) -> list[Line]:
    """The bill with the template of this checkout.

    Args:
        given: parameters, over the template's defaults.
        prices: what one of each costs; a page's are those kept here.
    """
    return bill(_expanded(), given, prices)


def _expanded() -> dict[str, Any]:
    defaults = {name: str(about.get("Default", "")) for name, about in _source()["Parameters"].items()}
    return templates.expand(ROOT / "template.yaml", defaults)


def _source() -> dict[str, Any]:
    return templates.load(ROOT / "template.yaml")


if __name__ == "__main__":
    today = read(Account(None, None), os.environ.get("AWS_REGION", REGION))
    sys.stdout.write(f"{heading('A pair', today)}\n\n{table(here(prices=today))}")
