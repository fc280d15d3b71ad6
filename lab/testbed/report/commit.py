"""Which commit runs: for the head of a report."""

from __future__ import annotations

import subprocess
from pathlib import Path

_WITHIN_S = 5.0


def commit_here(checkout: Path = Path(__file__).parent) -> str:
    """The checkout's commit, short, with "+" where tracked files differ from it; empty where git knows none.

    A report without it is still a report, so nothing is raised.
    """
    # Who runs a scenario is root, and the checkout may be somebody else's: git is told that this is meant.
    git = ("git", "-c", "safe.directory=*", "-C", str(checkout))
    try:
        found = subprocess.run(
            [*git, "describe", "--always", "--exclude=*", "--dirty=+"],
            capture_output=True, text=True, check=True, timeout=_WITHIN_S,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
