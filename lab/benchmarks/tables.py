"""The figures as tables, the same on the page and in the documentation, with goals and whether they are met."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MET, MISSED = "yes", "missed"
OVERHEAD_GOAL_S, OVERHEAD_WORST_GOAL_S = 1.0, 1.5

Rows = list[list[str]]


@dataclass(frozen=True)
class Table:
    """A table of the benchmarks: what it is about, its columns, and its rows from the figures (none: not measured)."""

    title: str
    about: str
    heads: Sequence[str]
    rows: Callable[[Mapping[str, Any]], Rows]


def met(is_met: bool) -> str:
    return MET if is_met else MISSED


def takeover(figures: Mapping[str, Any]) -> Rows:
    rows = []
    for name in ("crash", "hang", "partition"):
        if name not in figures.get("takeover", {}):
            continue
        each = figures["takeover"][name]
        good = each["overhead_s"] < OVERHEAD_GOAL_S and each["overhead_worst_s"] < OVERHEAD_WORST_GOAL_S
        took = f"{statistics.median(each['takeover_s']):.2f} s"
        over, worst = f"{each['overhead_s']:+.2f} s", f"{each['overhead_worst_s']:+.2f} s"
        runs, back = len(each["takeover_s"]), f"{statistics.median(each['agents_back_s']):.2f} s"
        rows.append([name, str(runs), took, f"{each['limit_s']:.2f} s", over, worst, met(good), back])
    return rows


def phases(figures: Mapping[str, Any]) -> Rows:
    found = figures.get("takeover", {})
    names = [name for name in ("crash", "hang", "partition") if name in found]
    if not names:
        return []
    return [[phase, *(f"{found[name]['phases_s'][phase]:.2f} s" for name in names)] for phase in
            found[names[0]]["phases_s"]]  # fmt: skip


def functions(figures: Mapping[str, Any]) -> Rows:
    return [
        [
            name,
            f"{each['import_ms']:.0f} ms",
            f"{each['ratio_to_boto3']:.2f}",
            each["limit"],
            met(each["within"]),
            f"{each['warm_ms']:.1f} ms" if "warm_ms" in each else "",
        ]
        for name, each in sorted(figures.get("functions", {}).items())
        if "import_ms" in each
    ]


def detection(figures: Mapping[str, Any]) -> Rows:
    found = figures.get("detection", {})
    rows = []
    for each in [*found.get("settings", []), *found.get("patience", [])]:
        chosen = all(each[name] == value for name, value in found["defaults"].items())
        rows.append(
            [
                f"{each['interval_s']:g} s",
                str(each["threshold"]),
                f"{each['timeout_s']:g} s",
                *(f"{each['detect_s'][name]['median']:.1f} s" for name in ("crash", "hang", "partition")),
                f"{each['false_alarms_per_year']:.2f}",
                f"{each['stood_down_per_year']:.2f}",
                "the defaults" if chosen else "",
            ]
        )
    return rows


def recorded(figures: Mapping[str, Any]) -> Rows:
    rows = []
    for each in figures.get("detection", {}).get("recorded", []):
        found = "never" if not each["detect_s"] else f"{each['detect_s']['median']:.1f} s"
        rows.append([each["name"], f"{each['lasts_s']:.1f} s", f"{each['taken_over']:.0%}", found])
    return rows


def agents_on_testbed(figures: Mapping[str, Any]) -> Rows:
    each = figures.get("agents", {}).get("stage_200")
    if not each:
        return []
    return [
        [word, f"{each[name]:.2f} s", f"{each[f'simulated_{name}']:.2f} s", met(each["agrees"])]
        for word, name in (("half are back", "back_50_s"), ("95 %", "back_95_s"), ("all", "back_100_s"))
    ]


def agents(figures: Mapping[str, Any]) -> Rows:
    return [
        [
            f"{each['agents']:,}",
            f"{each['ttl_s']:.0f} s",
            *(f"{each[name]:.0f} s" for name in ("back_50_s", "back_95_s", "back_100_s")),
            f"{each['peak_connections_per_s']:,}",
        ]
        for each in figures.get("agents", {}).get("simulated", [])
    ]


def soak(figures: Mapping[str, Any]) -> Rows:
    return [
        [
            name,
            f"{each['cpu_ms_per_tick']:.0f} ms",
            f"{each['rss_mib']:.0f} MiB",
            f"{each['grown_kib']:+d} KiB",
            str(each["descriptors_leaked"]),
            met(each["flat"]),
        ]
        for name, each in figures.get("soak", {}).get("functions", {}).items()
    ]


def cost(figures: Mapping[str, Any]) -> Rows:
    return [
        [f"{int(pairs):,}", f"${dollars:,.2f}", f"${dollars / int(pairs):,.2f}"]
        for pairs, dollars in sorted(figures.get("cost_month_usd", {}).items(), key=lambda item: int(item[0]))
    ]


TABLES: dict[str, Table] = {
    "takeover": Table(
        "Takeover",
        "From the failure to the new server's first write. The limit is the detection window (interval × threshold) and"
        " the server's own start; goal: less than 1.0 s over it (median), 1.5 s at worst.",
        ("fault", "runs", "median", "limit", "over it, median", "over it, worst", "goal met", "all agents back"),
        takeover,
    ),
    "phases": Table(
        "Where the time goes",
        "Median takeovers, phase after phase. Proving the fence takes its second on purpose: it reads on until no login"
        " can be under way that began before access was revoked.",
        ("phase", "crash", "hang", "partition"),
        phases,
    ),
    "detection": Table(
        "Detection, simulated with the real decisions",
        "Median time to detect, and what a bad year brings: takeovers that nobody needed, and starts that the"
        " confirming probe took back.",
        (
            "a probe every",
            "failures",
            "for an answer",
            "crash",
            "hang",
            "partition",
            "needless a year",
            "stood down",
            "",
        ),
        detection,
    ),
    "recorded": Table(
        "Detection, recorded on the testbed",
        "Outages as the real probe saw them, before the real decisions, with the testbed's settings.",
        ("what happened", "for", "taken over", "decided after"),
        recorded,
    ),
    "agents-testbed": Table(
        "200 agents on the testbed, and the simulation held against them",
        "Medians of crashes, from the failure.",
        ("", "on the testbed", "simulated", "near enough"),
        agents_on_testbed,
    ),
    "agents": Table(
        "Agents coming back, simulated",
        "The name moves and the new server serves 20 s after the failure, and takes 500 handshakes/s.",
        ("agents", "TTL", "half back", "95 % back", "all back", "most attempts/s"),
        agents,
    ),
    "functions": Table(
        "The functions",
        "Processor time of the import in a fresh process, beside a bare import of boto3, and of a warm call.",
        ("function", "import", "of boto3", "limit", "within", "warm call"),
        functions,
    ),
    "soak": Table(
        "An hour at work",
        "An hour's calls of the watchdog and the audit without the pauses between them, after four to warm up.",
        ("function", "processor, each minute", "memory", "grown in the hour", "descriptors leaked", "flat"),
        soak,
    ),
    "cost": Table("Cost", "Dollars a month.", ("pairs", "a month", "a pair"), cost),
}
