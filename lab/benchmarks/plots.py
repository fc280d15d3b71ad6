"""The plots of the benchmarks, each an SVG small enough to be kept in the project. Same figures, same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

INK, SOFT, HAIR, PAPER = "#1d1f23", "#666a71", "#e5e2dc", "#fcfbf9"
BLUE, ORANGE, RED, GREEN, GREY = "#2b6cab", "#c4701a", "#c2203a", "#2a7a4b", "#a3a9b3"
SHADES = ("#9ec3e6", "#6fabe4", "#2b6cab", "#153f69")
STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "ms-failover", "font.family": "sans-serif", "font.size": 10,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": HAIR, "xtick.color": SOFT, "ytick.color": SOFT,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": HAIR, "axes.axisbelow": True,
    "figure.facecolor": PAPER, "axes.facecolor": PAPER, "legend.frameon": False, "axes.titlesize": 11,
    "axes.titleweight": "bold", "axes.titlelocation": "left",
}  # fmt: skip

Plot = Callable[[Mapping[str, Any]], Figure]


def takeover(figures: Mapping[str, Any]) -> Figure:
    """Each takeover as a dot against its limit, and what the median one consists of."""
    found = figures["takeover"]
    names = [name for name in ("crash", "hang", "partition") if name in found]
    figure, (dots, bars) = _figure(2, 1, (8, 4.6))
    for row, name in enumerate(names):
        each = found[name]
        dots.plot(each["takeover_s"], [row] * len(each["takeover_s"]), "o", color=BLUE, alpha=0.45, ms=5, mew=0)
        dots.plot([each["limit_s"]] * 2, [row - 0.35, row + 0.35], color=INK, lw=1.6)
        dots.plot([each["limit_s"] + 1.0] * 2, [row - 0.35, row + 0.35], color=ORANGE, lw=1.6)
        dots.plot([each["limit_s"] + 1.5] * 2, [row - 0.35, row + 0.35], color=RED, lw=1.6)
        left = 0.0
        for shade, (phase, took) in zip((GREY, *SHADES), each["phases_s"].items(), strict=False):
            bars.barh(row, took, 0.6, left, color=shade, label=phase if row == 0 else None)
            left += took
    top = found[names[0]]
    dots.text(top["limit_s"], -0.75, "limit", ha="center", color=INK, size=8.5)
    dots.text(top["limit_s"] + 1.0, -0.75, "+1.0 s", ha="center", color=ORANGE, size=8.5)
    dots.text(top["limit_s"] + 1.5, -0.75, "+1.5 s", ha="center", color=RED, size=8.5)
    runs = len(top["takeover_s"])
    dots.set_title(f"From the failure to the new server's first write ({runs} takeovers of each)", pad=16)
    bars.set_title("What the median takeover consists of")
    bars.legend(ncols=4, loc="upper left", bbox_to_anchor=(-0.02, -0.28), fontsize=9, handlelength=1.2)
    for axes in (dots, bars):
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, 1.05 * max(max(max(found[n]["takeover_s"]), found[n]["limit_s"] + 1.5) for n in names))
        axes.grid(axis="y", visible=False)
    bars.set_xlabel("seconds after the failure")
    return figure


def functions(figures: Mapping[str, Any]) -> Figure:
    """Each function's import beside its limit, and its own time in a warm call."""
    found = {name: each for name, each in figures["functions"].items() if "import_ms" in each}
    names = sorted(found, key=lambda name: found[name]["import_ms"])
    figure, (left, right) = _figure(1, 2, (8, 3.4))
    for row, name in enumerate(names):
        each = found[name]
        limit = 250 if each["in_vpc"] else 1.3 * each["boto3_ms"]
        left.barh(row, each["import_ms"], 0.62, color=BLUE if each["in_vpc"] else SHADES[0])
        left.plot([limit] * 2, [row - 0.4, row + 0.4], color=RED, lw=1.6)
        right.barh(row, each.get("warm_ms", 0), 0.62, color=SHADES[1])
    left.set_title("Import, ms (red: limit)")
    right.set_title("Warm call, ms of processor")
    left.set_yticks(range(len(names)), names)
    right.set_yticks(range(len(names)), [""] * len(names))
    for axes in (left, right):
        axes.grid(axis="y", visible=False)
    return figure


def detection(figures: Mapping[str, Any]) -> Figure:
    """Time to detect a hang against false alarms a year, a line for each interval, a dot for each threshold."""
    found = figures["detection"]
    figure, axes = _figure(1, 1, (8, 4.2))
    least = 0.5 / found["years"]
    intervals = sorted({each["interval_s"] for each in found["settings"]})
    for shade, interval in zip(SHADES, intervals, strict=True):
        group = [each for each in found["settings"] if each["interval_s"] == interval]
        xs = [each["detect_s"]["hang"]["median"] for each in group]
        ys = [max(least, each["false_alarms_per_year"]) for each in group]
        axes.plot(xs, ys, "-o", color=shade, ms=5, label=f"a probe every {interval:g} s")
        for x, y, each in zip(xs, ys, group, strict=True):
            axes.annotate(f"{each['threshold']}", (x, y), (5, 3), textcoords="offset points", size=8.5, color=SOFT)
    for each in found["patience"]:
        x, y = each["detect_s"]["hang"]["median"], max(least, each["false_alarms_per_year"])
        axes.plot([x], [y], "x", color=ORANGE)
        axes.annotate(f"{each['timeout_s']:g} s for an answer", (x, y), (6, -3), textcoords="offset points", size=8.5,
                      color=ORANGE)  # fmt: skip
    chosen = next(each for each in found["settings"] if all(each[k] == v for k, v in found["defaults"].items()))
    point = (chosen["detect_s"]["hang"]["median"], max(least, chosen["false_alarms_per_year"]))
    axes.plot([point[0]], [point[1]], "o", ms=13, mfc="none", mec=RED, mew=1.6)
    axes.annotate("the defaults", point, (12, 10), textcoords="offset points", color=RED)
    axes.set_yscale("log")
    axes.set_xlabel("median seconds until a hung server is taken for down")
    axes.set_ylabel("needless takeovers in a bad year")
    axes.set_title("Settings of the watchdog (the number at a dot: failures in a row that are needed)")
    axes.legend(fontsize=9)
    return figure


def agents(figures: Mapping[str, Any]) -> Figure:
    """The simulation against the testbed, and what it says of larger fleets."""
    found = figures["agents"]
    figure, (left, middle, right) = _figure(1, 3, (10, 3.4))
    testbed, shares = found["stage_200"], [percent * 5 for percent in range(21)]
    left.plot(testbed["curve"], shares, color=BLUE, lw=2, label="on the testbed")
    left.plot(testbed["simulated_curve"], shares, "--", color=ORANGE, lw=2, label="simulated")
    left.set_title("200 agents: % back, by second")
    left.legend(fontsize=9, loc="lower right")
    counts = sorted({each["agents"] for each in found["simulated"]})
    for shade, count in zip(SHADES, counts, strict=True):
        group = [each for each in found["simulated"] if each["agents"] == count]
        ttls = [each["ttl_s"] for each in group]
        middle.plot(ttls, [each["back_95_s"] for each in group], "-o", ms=4, color=shade, label=f"{count:,}")
        right.plot(ttls, [each["peak_connections_per_s"] for each in group], "-o", ms=4, color=shade)
    middle.set_title("s until 95 % are back, by TTL")
    middle.legend(fontsize=9, title="agents", title_fontsize=9)
    right.set_title("most attempts/s, by TTL")
    right.set_yscale("log")
    right.axhline(found["handshakes_per_s"], color=RED, lw=1.2)
    right.text(300, found["handshakes_per_s"] * 1.15, "what the server takes", ha="right", size=8.5, color=RED)
    for axes in (middle, right):
        axes.set_xscale("log")
        axes.set_xticks(ttls, [f"{ttl:g}" for ttl in ttls])
        axes.minorticks_off()
    return figure


def soak(figures: Mapping[str, Any]) -> Figure:
    """Memory of the functions that work each minute, over an hour of them."""
    figure, axes = _figure(1, 1, (8, 2.8))
    for colour, (name, each) in zip(
        (BLUE, ORANGE, GREEN, RED, GREY), figures["soak"]["functions"].items(), strict=False
    ):
        axes.plot(each["rss_by_minute_mib"], color=colour, label=name)
    axes.set_ylim(0)
    axes.set_xlabel("minute")
    axes.set_title("Resident memory, MiB, over an hour's calls")
    axes.legend(ncols=5, fontsize=8.5, loc="lower left")
    return figure


def cost(figures: Mapping[str, Any]) -> Figure:
    """What a pair's dollars go to, and what more pairs come to."""
    lines = sorted(figures["cost_lines"], key=lambda line: line[2])
    figure, axes = _figure(1, 1, (8, 3.2))
    axes.barh(range(len(lines)), [dollars for _, _, dollars in lines], 0.62, color=BLUE)
    axes.set_yticks(range(len(lines)), [f"{service}: {what}" for service, what, _ in lines], size=8.5)
    for at, (_, _, dollars) in enumerate(lines):
        axes.text(dollars, at, f" {dollars:.2f}", va="center", size=8.5, color=SOFT)
    found = sorted((int(pairs), dollars) for pairs, dollars in figures["cost_month_usd"].items())
    axes.set_title("; ".join(f"{pairs:,} pair{'s' if pairs > 1 else ''}: {dollars:,.0f}" for pairs, dollars in found))
    axes.set_xlabel("dollars a month, for one pair at rest")
    axes.grid(axis="y", visible=False)
    return figure


PLOTS: dict[str, Plot] = {
    "takeover": takeover,
    "detection": detection,
    "agents": agents,
    "functions": functions,
    "soak": soak,
    "cost": cost,
}


def drawable(figures: Mapping[str, Any]) -> list[str]:
    """The plots whose figures are all there."""
    needs = {
        "takeover": bool(figures.get("takeover")),
        "detection": "settings" in figures.get("detection", {}),
        "agents": {"stage_200", "simulated"} <= figures.get("agents", {}).keys(),
        "functions": any("import_ms" in each for each in figures.get("functions", {}).values()),
        "soak": "functions" in figures.get("soak", {}),
        "cost": bool(figures.get("cost_month_usd")),
    }
    return [name for name in PLOTS if needs[name]]


def svg(name: str, figures: Mapping[str, Any]) -> str:
    """One plot as an SVG document without anything that changes from run to run."""
    with plt.rc_context(STYLE):
        figure = PLOTS[name](figures)
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)
    bare = re.sub(r"<\?xml.*?<svg", "<svg", target.getvalue(), count=1, flags=re.DOTALL)
    return re.sub(r"\s*<metadata>.*?</metadata>", "", bare, flags=re.DOTALL)


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained")
    return figure, axes
