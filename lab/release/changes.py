"""Which version a commit is, and what CHANGELOG.md says of it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


class NoSection(Exception):
    """CHANGELOG.md says nothing of the version; the message says what to write."""


@dataclass(frozen=True)
class Version:
    """The version's name, and its section of the changelog. A snapshot is of what no version has yet."""

    name: str
    section: str
    snapshot: bool


def version_of(source: Path, commit: str) -> Version:
    """The version that a checkout is, by pyproject.toml and CHANGELOG.md: a snapshot while "Unreleased" has entries.

    Raises:
        NoSection: the changelog has no section for it.
    """
    number = str(tomllib.loads((source / "pyproject.toml").read_text())["project"]["version"])
    parts = re.split(r"^## ", (source / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    sections = {each.partition("\n")[0].split()[0]: each.partition("\n")[2].strip() for each in parts}
    if sections.get("Unreleased"):
        return Version(f"{number}+{commit[:12]}", sections["Unreleased"] + "\n", snapshot=True)
    if not sections.get(number):
        raise NoSection(f"CHANGELOG.md has no section {number}, the version in pyproject.toml: write it first.")
    return Version(number, sections[number] + "\n", snapshot=False)
