"""What the documentation shows of a run: the figures that are kept, their tables, and the plots; written by a program.

    python -m lab.benchmarks.published            docs/ from build/benchmarks.json
    python -m lab.benchmarks.published --again    docs/ from the figures that are kept

A page has places of the form `<!-- takeover: written by a program -->` … `<!-- end of takeover -->`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from msfailover.decisions.detection import TABLE

from lab.benchmarks import plots, results, tables
from lab.testbed.state_files import ROOT

DOCS = ROOT / "docs"
KEPT = DOCS / "benchmarks" / "figures.json"
PAGES = (DOCS / "detection.md", DOCS / "agents.md", DOCS / "benchmarks.md", ROOT / "README.md")

_PLACE = re.compile(r"(<!-- ([a-z0-9 -]+): written by a program -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def findings() -> str:
    """The table of findings as `msfailover.decisions.detection` has it, in Markdown."""
    rows = [[row.finding.value, row.signals, row.acted_on.value, row.why] for row in TABLE]
    return markdown(("finding", "what is seen", "acted on", "why"), rows)


def goals(figures: Mapping[str, Any]) -> str:
    """The short table: what was promised, and what was seen."""
    rows = []
    for row in tables.takeover(figures):
        name, runs, median, limit, over, worst, met, back = row
        what = f"takeover after a {name}, {runs} runs: over its limit of {limit}"
        rows.append([what, "< 1.0 s, worst < 1.5 s", f"{over}, worst {worst} (takeover {median}, agents {back})", met])
    imports = figures.get("functions", {})
    outside = [each["ratio_to_boto3"] for each in imports.values() if "import_ms" in each and not each["in_vpc"]]
    inside = [each["import_ms"] for each in imports.values() if "import_ms" in each and each["in_vpc"]]
    if outside and inside:
        rows.append(["import of a function that needs boto3", "< 1.3 × boto3", f"{min(outside)} to {max(outside)} ×",
                     tables.met(max(outside) < 1.3)])  # fmt: skip
        rows.append(["import of a function in the VPC", "< 250 ms", f"{max(inside):.0f} ms at most",
                     tables.met(max(inside) < 250)])  # fmt: skip
    if soak := figures.get("soak"):
        rows.append(["an hour's calls of watchdog and audit", "memory flat, no descriptor lost, metrics complete",
                     f"{max(each['grown_kib'] for each in soak['functions'].values())} KiB at most",
                     tables.met(soak["flat"] and soak["metrics_complete"])])  # fmt: skip
    return markdown(("what", "goal", "measured", "met"), rows)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def written(page: str, figures: Mapping[str, Any]) -> str:
    """A page with what belongs in each of its places.

    Raises:
        KeyError: a place that nobody knows.
    """

    def fill(found: re.Match[str]) -> str:
        name = found[2]
        if name == "findings":
            inner = findings()
        elif name == "goals":
            inner = goals(figures)
        else:
            inner = markdown(tables.TABLES[name].heads, tables.TABLES[name].rows(figures))
        return f"{found[1]}{inner}{found[3]}"

    return _PLACE.sub(fill, page)


def kept() -> dict[str, Any]:
    """The figures of the run that the documentation shows."""
    return dict(json.loads(KEPT.read_text()))


def main() -> None:
    """Write the pages and the plots anew."""
    if "--again" not in sys.argv:
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps(results.read()) + "\n")
    figures = kept()
    for name in plots.drawable(figures):
        (KEPT.parent / f"{name}.svg").write_text(plots.svg(name, figures), encoding="utf-8")
    for page in PAGES:
        page.write_text(written(page.read_text(), figures))


if __name__ == "__main__":
    main()
