"""The comparison's tables, in Markdown, as the terminal and the documentation show them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]

_TIMES = {"first": "first copy", "none": "nothing changed", "one": "one file changed"}
_LIMITS = {
    **_TIMES,
    "none_connections": "connections to the standby where nothing changed",
    "killed_usable": "a usable set after a kill at half (1 = yes)",
}


def tables(found: Mapping[str, Any]) -> str:
    """All tables of a run, from what its file holds."""
    return "\n\n".join((_times(found), _killed(found), _memory(found), _limits(found))) + "\n"


def _times(found: Mapping[str, Any]) -> str:
    tools = found["tools"]
    lines = ["| seconds, median (least to most) | " + " | ".join(tools) + " |", "|---|" + "---|" * len(tools)]
    for key, words in _TIMES.items():
        cells = []
        for row in tools.values():
            values, calls = row[f"{key}_s"], max(row[f"{key}_connections"])
            spread = f"{min(values):.2f} to {max(values):.2f}" if len(values) > 1 else "one run"
            cells.append(f"{statistics.median(values):.2f} ({spread}), {calls} connection{'' if calls == 1 else 's'}")
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _killed(found: Mapping[str, Any]) -> str:
    lines = [
        "| killed at half | files of the old set | of the new one | of neither | usable | the next run |",
        "|---|---|---|---|---|---|",
    ]
    for name, tool in found["tools"].items():
        row = tool["killed"]
        mended = f"{row['next_run_s']:.1f} s, {'complete' if row['next_run_complete'] else 'not complete'}"
        usable = "yes" if row["usable"] else "no"
        lines.append(f"| {name} | {row['before']} | {row['after']} | {row['other']} | {usable} | {mended} |")
    return "\n".join(lines)


def _memory(found: Mapping[str, Any]) -> str:
    counts = [count for count in next(iter(found["memory"].values())) if count.isdigit()]
    heads = " | ".join(f"{int(count):,} files" for count in counts)
    lines = [f"| peak memory, MB (ms1 + ms2) | {heads} | bytes for each further file |", "|---|" + "---|" * 3]
    for name, row in found["memory"].items():
        for kind in ("first", "one"):
            cells = [f"{row[count][kind]['ms1']:.1f} + {row[count][kind]['ms2']:.1f}" for count in counts]
            more = row["bytes_per_file"][kind]
            lines.append(f"| {name}, {_TIMES[kind]} | {' | '.join(cells)} | {more['ms1']} + {more['ms2']} |")
    return "\n".join(lines)


def _limits(found: Mapping[str, Any]) -> str:
    lines = ["| ours against plain rsync | found | limit | kept |", "|---|---|---|---|"]
    for key, row in found["limits"].items():
        lines.append(f"| {_LIMITS[key]} | {row['ratio']} | {row['limit']} | {'yes' if row['kept'] else 'no'} |")
    return "\n".join(lines)
