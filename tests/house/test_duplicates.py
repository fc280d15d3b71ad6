"""No run of ten lines stands twice: what two places need has one home."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("functions", "layers/msfailover/msfailover", "failoverctl", "lab")
RUN = 10


def code(source: str) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers: no blanks, no comments, no imports."""
    imports = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Import | ast.ImportFrom)]
    skipped = {line for each in imports for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)}
    lines = [(number, line.strip()) for number, line in enumerate(source.splitlines(), 1) if number not in skipped]
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def duplicates(sources: dict[str, str]) -> list[list[str]]:
    """Where a run of lines stands that stands elsewhere, too: all of its places, each as file:line."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, source in sources.items():
        lines = code(source)
        for start in range(len(lines) - RUN + 1):
            run = tuple(line for _, line in lines[start : start + RUN])
            places[run].append(f"{name}:{lines[start][0]}")
    return [found for found in places.values() if len(found) > 1]


def test_no_run_of_ten_lines_stands_twice() -> None:
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) > 100
    assert duplicates({str(file.relative_to(ROOT)): file.read_text() for file in files}) == []


def test_a_run_that_stands_twice_would_be_found() -> None:
    run = "".join(f"step({number})\n" for number in range(RUN))
    commented = run.replace("step(3)", "# why\nstep(3)")
    assert duplicates({"a.py": "import os\n" + run, "b.py": commented}) == [["a.py:2", "b.py:1"]]
    assert duplicates({"a.py": run, "b.py": run.replace("step(3)", "step()")}) == []
