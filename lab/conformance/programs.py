"""Starts the judges that are Node.js programs: JSON in, JSON out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODULES = HERE.parents[1] / "build" / "conformance" / "node"
LIMIT_S = 120


class JudgeFailed(RuntimeError):
    """A judge is not installed, or ended without an answer; nothing was judged."""


def ask(program: str, question: str) -> Any:
    """Ask one judge.

    Args:
        program: the name of a file beside this one, without `.mjs`.
        question: what it reads, as text.

    Returns:
        what it wrote, parsed.

    Raises:
        JudgeFailed: it is not installed, or it failed.
    """
    if not (MODULES / "node_modules").is_dir():
        raise JudgeFailed(f"{MODULES} holds no programs: `make conformance` installs them.")
    argv = ["node", str(HERE / f"{program}.mjs")]
    done = subprocess.run(argv, input=question, cwd=MODULES, text=True, capture_output=True, timeout=LIMIT_S)
    if done.returncode != 0:
        raise JudgeFailed(f"{program} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    return json.loads(done.stdout)
