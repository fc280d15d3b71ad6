"""The pages that people read, taken apart: their sections, and the commands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATE = ROOT / "docs/operate.md"
CONCEPTS = ROOT / "docs/concepts.md"


@dataclass(frozen=True)
class Command:
    """A command on a page.

    Args:
        page: the page's name.
        line: as it is written.
        block: whether it stands in a code block of its own, and not within a sentence.
    """

    page: str
    line: str
    block: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def sections(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[tuple[Path, str]]:
    """Where a page's links go to: the file, and the anchor or nothing."""
    found = re.findall(r"\]\(([^)#:\s]*)(?:#([\w-]+))?\)", page.read_text())
    return [((page.parent / file).resolve() if file else page, anchor) for file, anchor in found]


def commands(page: Path, *programs: str) -> list[Command]:
    """Every command of some programs on a page, in order."""
    found = []
    for number, text in enumerate(re.split(r"^```", page.read_text(), flags=re.MULTILINE)):
        block = number % 2 == 1
        kind, _, body = text.partition("\n") if block else ("", "", text)
        if block and kind != "console":
            continue
        lines = body.splitlines() if block else re.findall(r"`([^`]+)`", body.replace("\n", " "))
        found += [
            Command(page.name, line.strip(), block)
            for line in lines
            if line.split()[:1] and line.split()[0] in programs
        ]
    return found
