"""Where the stage leaves what other programs look for."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MS_FAILOVER_BUILD", ROOT / "build")).resolve()
"""Another one lets a second stage be kept up beside the first."""
STAGE_FILE = BUILD / "stage.json"
"""Written by `make stage` once it is up: where its cloud is, which machine runs the workflow."""
PID_FILE = BUILD / "stage.pid"
"""The process that holds the namespaces of `make stage`."""
