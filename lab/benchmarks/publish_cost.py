"""The bill of now into both pages that show it: `python -m lab.benchmarks.publish_cost`.

docs/deploy.md has it line by line, docs/benchmarks.md by the number of pairs, from the figures that are kept.
"""

from __future__ import annotations

import json

from failoverctl.cost import table
from lab.benchmarks import cost, plots, published
from lab.benchmarks.monthly_cost import BEGIN, END, PAGE, here


def main() -> None:
    """Write both pages, the kept figures and the plot."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table(here())}{END}{rest.partition(END)[2]}")
    figures = {**published.kept(), **cost.run()}
    published.KEPT.write_text(json.dumps(figures) + "\n")
    (published.KEPT.parent / "cost.svg").write_text(plots.svg("cost", figures), encoding="utf-8")
    for page in published.PAGES:
        page.write_text(published.written(page.read_text(), figures))


if __name__ == "__main__":
    main()
