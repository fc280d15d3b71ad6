"""How much each function has to do before it can start: the import of its module in a fresh process, beside boto3's.

Measured on the built layers, with the runtime's Python and its boto3 beside them and nothing else. Counted is the
processor's time, which does not grow when the machine has other work; a bare `import boto3` is measured in turn with
each import, and the ratio is that of a pair. The layers bring their bytecode; boto3's and the function's own is left by
a first import that does not count.
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

import boto3

from lab.benchmarks.deployed import REGION, Function, functions
from lab.testbed.state_files import BUILD, ROOT

RUNS = 11
RATIO_AT_MOST = 1.3
IN_VPC_AT_MOST_MS = 250
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer")

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
class Place:
    """An interpreter, and where it finds packages."""

    python: str
    path: str


@dataclass(frozen=True)
class Started:
    """A function that has started and was asked nothing yet: the modules it loaded, and whether it made a client."""

    modules: tuple[str, ...]
    client: bool


def measure(runs: int = RUNS) -> dict[str, Any]:
    """Imports of every function: medians in milliseconds of the processor, and the ratio to boto3's."""
    built = _built()
    found = {}
    for name, function in sorted(functions().items()):
        _import(function, "app", built)  # leaves the bytecode behind
        _import(function, "boto3", built)
        pairs = [(_import(function, "app", built), _import(function, "boto3", built)) for _ in range(runs)]
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
    found = json.loads(_python(_STARTED, function, Place(sys.executable, str(Path(ROOT) / "layers/msfailover"))))
    return Started(tuple(found["modules"]), bool(found["client"]))


def packages(names: Sequence[str]) -> set[str]:
    """The packages among modules that are neither Python's own nor this project's."""
    own = {*sys.stdlib_module_names, "app", "msfailover"}
    return {name.split(".")[0] for name in names} - own


def _built() -> Place:
    """The layers as deployed, but for this processor, and the runtime's own packages."""
    layers, runtime = BUILD / "layers", BUILD / "runtime"
    subprocess.run([ROOT / "lab/setup/layers_here.sh", layers], check=True, stderr=subprocess.DEVNULL)
    found = subprocess.run([ROOT / "lab/setup/python313.sh"], check=True, stdout=subprocess.PIPE, text=True)
    runtime.mkdir(exist_ok=True)
    for name in OF_THE_RUNTIME:
        (runtime / name).unlink(missing_ok=True)
        (runtime / name).symlink_to(Path(boto3.__file__).parents[1] / name)
    path = ":".join(map(str, (layers / "Layer/python", layers / "OracleLayer/python", runtime)))
    return Place(f"{found.stdout.strip()}/python3.13", path)


def _import(function: Function, module: str, place: Place) -> float:
    return float(_python(_TIMED.format(module), function, place))


def _python(code: str, function: Function, place: Place) -> str:
    env = environment(function, place.path)
    done = subprocess.run(
        [place.python, "-c", code], cwd=function.code, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode != 0:
        raise RuntimeError(f"{function.name} does not start: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


def environment(function: Function, path: str) -> Mapping[str, str]:
    """What a process of the function sees."""
    return {
        **function.environment,
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": path,
        "PYTHONPYCACHEPREFIX": str(BUILD / "bytecode"),
    }
