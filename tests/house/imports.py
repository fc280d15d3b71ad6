"""Who imports whom, read from the source; nothing of the project is run."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers/msfailover"


@cache
def sources() -> dict[str, Path]:
    """Every module of the project but the tests, by its dotted name."""
    found = {_name(path, LAYER): path for path in (LAYER / "msfailover").rglob("*.py")}
    for folder in ("functions", "failoverctl", "lab"):
        found |= {_name(path, ROOT): path for path in (ROOT / folder).rglob("*.py")}
    return found


def _name(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports_of(module: str) -> frozenset[str]:
    """Every name that a module imports, wherever in it; `from a import b` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(sources()[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
            found |= {f"{node.module}.{each.name}" for each in node.names}
    return frozenset(found)


def imported(module: str) -> frozenset[str]:
    """The project's own modules among what a module imports."""
    return (imports_of(module) & sources().keys()) - {module}


def circle() -> list[str]:
    """Modules that import each other in a ring, or none."""
    done: set[str] = set()

    def search(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        found = next((ring for each in sorted(imported(module)) if (ring := search(each, [*way, module]))), [])
        done.add(module)
        return found

    return next((ring for module in sorted(sources()) if (ring := search(module, []))), [])
