"""How much each function has to do before it can start: the import of its module in a fresh process, beside boto3's.

Counted is the processor's time, which does not grow when the machine has other work; a bare `import boto3` is measured
in turn with each import, and the ratio is that of a pair. Bytecode is in place, as where a layer was built with it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.benchmarks.deployed import REGION, Function, functions
from lab.testbed.state_files import BUILD, ROOT

RUNS = 11
RATIO_AT_MOST = 1.3
IN_VPC_AT_MOST_MS = 250

_TIMED = "import time; began = time.process_time(); import {0}; print((time.process_time() - began) * 1000)"
_STARTED = """
import json, sys
before = set(sys.modules)
import app
boto3 = sys.modules.get("boto3")
client = boto3 is not None and boto3.DEFAULT_SESSION is not None
print(json.dumps({"modules": sorted(set(sys.modules) - before), "client": client}))
"""


@dataclass(frozen=True)
class Started:
    """A function that has started and was asked nothing yet: the modules it loaded, and whether it made a client."""

    modules: tuple[str, ...]
    client: bool


def measure(runs: int = RUNS) -> dict[str, Any]:
    """Imports of every function: medians in milliseconds of the processor, and the ratio to boto3's."""
    found = {}
    for name, function in sorted(functions().items()):
        _import(function, "app")  # leaves the bytecode behind
        _import(function, "boto3")
        pairs = [(_import(function, "app"), _import(function, "boto3")) for _ in range(runs)]
        own, boto3 = (statistics.median(each) for each in zip(*pairs, strict=True))
        ratio = statistics.median(each / bare for each, bare in pairs)
        found[name] = {
            "import_ms": round(own, 1),
            "boto3_ms": round(boto3, 1),
            "ratio_to_boto3": round(ratio, 2),
            "in_vpc": function.in_vpc,
            "limit": f"{IN_VPC_AT_MOST_MS} ms" if function.in_vpc else f"{RATIO_AT_MOST} × boto3",
            "within": own < IN_VPC_AT_MOST_MS if function.in_vpc else ratio < RATIO_AT_MOST,
        }
        print(f"{name:18} {own:6.1f} ms, {ratio:.2f} of boto3", flush=True)
    return {"functions": found}


def started(function: Function) -> Started:
    """Start a function in a process of its own, and look at it."""
    found = json.loads(_python(_STARTED, function))
    return Started(tuple(found["modules"]), bool(found["client"]))


def packages(names: Sequence[str]) -> set[str]:
    """The packages among modules that are neither Python's own nor this project's."""
    own = {*sys.stdlib_module_names, "app", "msfailover"}
    return {name.split(".")[0] for name in names} - own


def _import(function: Function, module: str) -> float:
    return float(_python(_TIMED.format(module), function))


def _python(code: str, function: Function) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=function.code, env=environment(function), capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{function.name} does not start: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


def environment(function: Function) -> Mapping[str, str]:
    """What a process of the function sees."""
    return {
        **function.environment,
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": str(Path(ROOT) / "layers/msfailover"),
        "PYTHONPYCACHEPREFIX": str(BUILD / "bytecode"),
    }
