"""`python -m lab.benchmarks.many_pairs [--check]`: simulate, print the tables, and write docs/many-pairs.md's.

With `--check` nothing is written: it fails where the page shows other figures than this run.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.pyplot as plt

from lab.benchmarks import plots
from lab.benchmarks.many_pairs import tables
from lab.benchmarks.many_pairs.runs import Result
from lab.testbed.state_files import ROOT

matplotlib.use("svg")
PAGE = ROOT / "docs/many-pairs.md"
PLOT = ROOT / "docs/benchmarks/many-pairs.svg"
_PLACE = re.compile(r"(<!-- ([a-z0-9 -]+): written by a program -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def quick() -> dict[str, str]:
    """The tables that need no run, by the name of their place."""
    return {
        "many-pairs-quotas": tables.quotas(),
        "many-pairs-at-rest": tables.resting(),
        "many-pairs-unlimited": tables.unlimited(),
        "many-pairs-steps": tables.steps(),
    }


def written(page: str, found: Mapping[str, str]) -> str:
    """The page with tables put in their places. Raises KeyError where the page has a place for which there is none."""
    return _PLACE.sub(lambda place: f"{place[1]}{found[place[2]]}{place[3]}", page)


def shown(page: str) -> dict[str, str]:
    """The tables that a page shows, by the name of their place."""
    return {place[2]: place[0][len(place[1]) : -len(place[3])] for place in _PLACE.finditer(page)}


def plot(defaults: Mapping[str, Sequence[Result]], needed: Mapping[str, Sequence[Result]]) -> str:
    """How many are promoted by when, as an SVG: with the default quotas, and 500 pairs with raised ones."""
    with matplotlib.rc_context(plots.STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
        for axes, found, title in (
            (left, defaults, "Default quotas, by pairs that fail over"),
            (right, needed, "500 of 1,000 pairs, by what is raised"),
        ):
            for colour, (name, runs) in zip((*plots.SHADES[1:], plots.RED), found.items(), strict=True):
                times = sorted(each.ended or 0.0 for each in runs[0].pairs if each.outcome == "promoted")
                share = [100 * (number + 1) / len(runs[0].pairs) for number in range(len(times))]
                last = share[-1] if share else 0.0
                axes.step([0.0, *times, 1e4], [0.0, *share, last], where="post", color=colour, lw=1.8, label=name)
            axes.set_title(title)
            axes.set_xlabel("seconds since the zone was lost")
            axes.set_xlim(0, 300)
            axes.set_ylim(-2, 103)
            axes.legend(fontsize=8.5, loc="center right")
        left.set_ylabel("% promoted")
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    bare = re.sub(r"<\?xml.*?<svg", "<svg", target.getvalue(), count=1, flags=re.DOTALL)
    return re.sub(r"\s*<metadata>.*?</metadata>", "", bare, flags=re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.benchmarks.many_pairs", description="Many pairs in one account."
    )
    parser.add_argument("--check", action="store_true", help="compare with the page, and write nothing")
    check = parser.parse_args(arguments).check
    defaults, doubled, needed = tables.at_defaults(), tables.doubled(), tables.needed()
    found = quick() | {
        "many-pairs-defaults": tables.table("pairs", defaults),
        "many-pairs-doubled": tables.table("2 × of", doubled),
        "many-pairs-needed": tables.table("raised", needed),
    }
    for name, table in found.items():
        sys.stdout.write(f"{name.removeprefix('many-pairs-')}\n\n{table}\n")
    page = PAGE.read_text(encoding="utf-8")
    if check:
        other = [name for name, table in shown(page).items() if table != found[name]]
        sys.stdout.write(f"The page shows other figures: {', '.join(other)}.\n" if other else "The page shows these.\n")
        return 1 if other else 0
    PAGE.write_text(written(page, found), encoding="utf-8")
    PLOT.write_text(plot(defaults, needed), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
