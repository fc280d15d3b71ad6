"""One process that runs one function: started, asked, bounded in time, and killed when it oversteps."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.testbed.cloud.account import REGION
from lab.testbed.cloud.runtime_api import Invocation, RuntimeApi
from lab.testbed.host_interfaces import Places

INIT_LIMIT_S = 30.0  # AWS gives the start 10 s and then a second try; this machine has two cores for everything


@dataclass(frozen=True)
class FunctionSpec:
    """What a function's processes are made of; times in seconds, memory in MiB. `network` is its subnet's, in a VPC."""

    name: str
    arn: str
    handler: str
    runtime: str
    code: Path
    layers: tuple[Path, ...]
    environment: tuple[tuple[str, str], ...]
    role: str
    timeout_s: float
    memory_mib: int
    in_vpc: bool
    network: str
    at_most: int


@dataclass(frozen=True)
class Answer:
    """What a call gave: the payload, and whether it is an error (the payload then says errorType and errorMessage)."""

    payload: bytes
    failed: bool
    duration_s: float = 0.0

    @staticmethod
    def error(kind: str, message: str, duration_s: float = 0.0) -> Answer:
        return Answer(json.dumps({"errorMessage": message, "errorType": kind}).encode(), True, duration_s)


LineListener = Callable[[str, str], None]  # log stream, line


class Sandbox:
    """A process with its Runtime API. One call at a time; dead after a timeout or an exit."""

    def __init__(self, spec: FunctionSpec, host: str, listen_on: str) -> None:
        self.spec = spec
        self.stream = time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + uuid.uuid4().hex
        self._api = RuntimeApi(host, listen_on)
        self._process: subprocess.Popen[bytes] | None = None
        self._current: Invocation | None = None
        self._lock = threading.Lock()
        self.dead = False
        self.started_at = time.monotonic()
        self.cold_s = 0.0

    def start(self, places: Places, extra: Mapping[str, str], on_line: LineListener) -> None:
        """Start the process; returns at once. `extra`: credentials and the endpoint."""
        reading, writing = os.pipe()
        # The place gives no working directory, so the program is started through env, which sets it and is replaced.
        argv = ["env", f"--chdir={self.spec.code}", sys.executable, "-m", "awslambdaric", self.spec.handler]
        try:
            self._process = places.spawn(
                argv,
                environment(self.spec, self.stream, self._api.address, extra),
                in_vpc=self.spec.in_vpc,
                network=self.spec.network,
                stdout=writing,
                stderr=writing,
            )
        finally:
            os.close(writing)
        threading.Thread(target=self._read, args=(reading, on_line), name="function-output", daemon=True).start()
        threading.Thread(target=self._watch, name="function-watch", daemon=True).start()

    def invoke(self, payload: bytes) -> Answer:
        """Run one call to its end, its timeout, or the process's death. A sandbox that timed out is dead."""
        if not self._api.ready.wait(INIT_LIMIT_S):
            self.kill()
            return Answer.error("Sandbox.Timedout", f"Init of {self.spec.name} took over {INIT_LIMIT_S:.0f} seconds")
        if self._api.init_error:
            self.kill()
            return Answer(self._api.init_error, True)
        time.sleep(max(0.0, self.started_at + self.cold_s - time.monotonic()))
        began = time.monotonic()
        invocation = Invocation(payload, self.spec.arn, time.time() + self.spec.timeout_s)
        with self._lock:
            if self.dead:
                return self._exited(invocation)
            self._current = invocation
        self._api.offer(invocation)
        answered = invocation.answered.wait(self.spec.timeout_s)
        took = time.monotonic() - began
        with self._lock:
            self._current = None
        if not answered:
            self.kill()
            message = (
                f"RequestId: {invocation.request_id} Error: Task timed out after {self.spec.timeout_s:.2f} seconds"
            )
            return Answer.error("Sandbox.Timedout", message, took)
        return Answer(invocation.answer, invocation.failed, took)

    def kill(self) -> None:
        """End the process, whatever it does."""
        self.dead = True
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def wait(self, timeout_s: float) -> None:
        """Wait until the killed process is gone."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)

    def _watch(self) -> None:
        assert self._process is not None
        self._process.wait()
        with self._lock:
            self.dead = True
            current = self._current
        if current is not None:
            current.finish(self._exited(current).payload, failed=True)
        self._api.ready.set()
        self._api.close()

    def _exited(self, invocation: Invocation) -> Answer:
        code = self._process.poll() if self._process is not None else None
        how = f"signal: {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"
        return Answer.error(
            "Runtime.ExitError", f"RequestId: {invocation.request_id} Error: Runtime exited with error: {how}"
        )

    def _read(self, descriptor: int, on_line: LineListener) -> None:
        with open(descriptor, "rb") as stream:
            for line in stream:
                on_line(self.stream, line.decode(errors="replace").rstrip("\n"))


def environment(spec: FunctionSpec, stream: str, runtime_api: str, extra: Mapping[str, str]) -> dict[str, str]:
    """What the process sees: the template's variables, what Lambda itself sets, and PATH. Nothing else of ours."""
    return {
        **dict(spec.environment),
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": ":".join(str(layer) for layer in spec.layers),
        "_HANDLER": spec.handler,
        "LAMBDA_TASK_ROOT": str(spec.code),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mib),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **extra,
    }
