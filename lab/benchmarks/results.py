"""build/benchmarks.json: what was measured, each part's section put in when the part has come to its end."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.testbed.state_files import BUILD

FILE = BUILD / "benchmarks.json"


def read(file: Path = FILE) -> dict[str, Any]:
    """What is there; empty where nothing was measured yet."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def merge(sections: Mapping[str, Any], file: Path = FILE) -> None:
    """Put sections in: figures of the same name are replaced, all others stay."""
    found = read(file)
    _into(found, sections)
    found["machine"] = {
        "cores": len(_cores()),
        "python": platform.python_version(),
        "measured_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=1) + "\n")
    draft.replace(file)


def _into(found: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(found.get(key), dict):
            _into(found[key], value)
        else:
            found[key] = value


def _cores() -> set[int]:
    import os

    return os.sched_getaffinity(0)
