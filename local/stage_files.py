"""Where the stage leaves what other programs look for."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
STAGE_FILE = BUILD / "stage.json"
"""Written by `make stage` once it is up: where its cloud is, which machine runs the workflow."""
PID_FILE = BUILD / "stage.pid"
"""The process that holds the namespaces of `make stage`."""
