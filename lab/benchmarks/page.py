"""build/benchmarks.html: the figures and their plots on one page that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.benchmarks import plots, tables
from lab.testbed.state_files import BUILD

_STYLE = """
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; margin: 0 auto;
  max-width: 1040px; padding: 24px; background: #fcfbf9; color: #1d1f23; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 36px 0 8px; border-top: 1px solid #e5e2dc;
  padding-top: 20px; } p { margin: 4px 0 12px; color: #666a71; }
table { border-collapse: collapse; margin: 8px 0 16px; font-variant-numeric: tabular-nums; font-size: 13.5px; }
th, td { text-align: left; padding: 3px 18px 3px 0; border-bottom: 1px solid #e5e2dc; vertical-align: top; }
th { font-weight: 600; color: #666a71; } td.missed { color: #c2203a; font-weight: 600; }
figure { margin: 8px 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; }
"""


def write(figures: Mapping[str, Any], file: Path = BUILD / "benchmarks.html") -> Path:
    """Draw the page and return where it is; parts that were not measured are left out."""
    about = figures.get("machine", {})
    where = f"{about.get('cores', '?')} cores, Python {about.get('python', '?')}, {about.get('measured_at', '')}"
    parts = [f"<h1>How fast it is</h1><p>Measured on a machine with {html.escape(where)}.</p>"]
    drawn = plots.drawable(figures)
    for name, table in tables.TABLES.items():
        rows = table.rows(figures)
        if not rows:
            continue
        parts.append(f"<h2>{html.escape(table.title)}</h2><p>{html.escape(table.about)}</p>")
        if name in drawn:
            parts.append(f"<figure>{plots.svg(name, figures)}</figure>")
        parts.append(_table(table.heads, rows))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>ms-failover: benchmarks</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n",
        encoding="utf-8",
    )
    return file


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td{_mark(cell)}>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _mark(cell: str) -> str:
    return ' class="missed"' if cell == tables.MISSED else ""
