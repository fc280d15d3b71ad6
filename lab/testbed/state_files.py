"""Where the testbed leaves what other programs look for."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MS_FAILOVER_BUILD", ROOT / "build")).resolve()
"""Another one lets a second testbed be kept up beside the first."""
TESTBED_FILE = BUILD / "testbed.json"
"""Written by `make testbed` once it is up: where its cloud is, which machine runs the workflow."""
PID_FILE = BUILD / "testbed.pid"
"""The process that holds the namespaces of `make testbed`."""
