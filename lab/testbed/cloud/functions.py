"""Lambda: functions in processes of their own, warm between calls, a pool for each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths
from moto.awslambda_simple.models import LambdaSimpleBackend

from lab.testbed.cloud.account import arn, backend
from lab.testbed.cloud.function_logs import FunctionLogs, metric, put_metrics
from lab.testbed.cloud.patching import Patches
from lab.testbed.cloud.sandbox import Answer, FunctionSpec, Sandbox
from lab.testbed.host_interfaces import Places

AT_MOST = 10  # processes of a function without ReservedConcurrentExecutions; an account has 1000, this machine 2 cores
ACCOUNT_AT_ONCE = 1000  # what AWS gives an account
CODE_BUCKET = "local-code"  # not a bucket: code "in" it is read from the directory that the key names
_ASYNC_DELAYS_S = (60.0, 120.0)  # before the first and the second retry of an asynchronous call that failed

Credentials = Callable[[str], dict[str, str]]


class ThrottledError(LambdaClientError):  # type: ignore[misc]
    """More calls at once than the function may have."""

    code = 429

    def __init__(self, name: str) -> None:
        super().__init__("TooManyRequestsException", f"Rate Exceeded: {name} runs as often as it may")


@dataclass
class _Pool:
    idle: list[Sandbox] = field(default_factory=list)
    busy: set[Sandbox] = field(default_factory=set)


class Functions:
    """Runs moto's functions.

    `host` is where their processes reach this one, which listens on `listen_on`; `endpoint` the APIs' address for them.
    """

    def __init__(
        self,
        places: Places,
        logs: FunctionLogs,
        *,
        host: str,
        listen_on: str,
        endpoint: str,
        credentials_of: Credentials,
    ) -> None:
        self._places = places
        self._logs = logs
        self._host = host
        self._listen_on = listen_on
        self._endpoint = endpoint
        self._credentials_of = credentials_of
        self.before_layers: dict[str, Path] = {}
        """By a function's name, a directory whose modules take the place of those in its layers."""
        self._pools: dict[str, _Pool] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.cold_s: Callable[[FunctionSpec], float] = lambda _: 0.0
        """Says of each new process how long its start takes at least."""
        self.at_once: Callable[[], int] = lambda: 0
        """How many calls the account may have running; 0 for any number."""
        self._background = ThreadPoolExecutor(max_workers=32, thread_name_prefix="async-invoke")

    def install(self, patches: Patches) -> None:
        patches.put(
            LambdaSimpleBackend,
            "invoke",
            lambda backend_, name, qualifier, body, headers, response_headers: self._api_invoke(
                backend_, name, qualifier, body, headers, response_headers
            ),
            why="moto runs functions in Docker or not at all",
        )
        patches.add(LambdaResponse, "get_account_settings", lambda _: self._settings(), why="not in moto")
        path = r"{0}/(?P<api_version>[^/]+)/account-settings/?$"
        patches.put_item(url_paths, path, LambdaResponse.dispatch, why="not in moto")

    def _settings(self) -> tuple[int, dict[str, str], str]:
        """GetAccountSettings: how many functions may run at once; AWS's default quota where nothing limits them."""
        at_once = int(self.at_once()) or ACCOUNT_AT_ONCE
        limit = {"ConcurrentExecutions": at_once, "UnreservedConcurrentExecutions": at_once}
        return 200, {}, json.dumps({"AccountLimit": limit, "AccountUsage": {}})

    def invoke(self, name: str, payload: bytes) -> Answer:
        """Call a function by name or ARN and wait for its answer. Raises ThrottledError at its limit."""
        spec = self.spec(name)
        sandbox = self._take(spec)
        try:
            answer = sandbox.invoke(payload or b"{}")
        finally:
            self._give_back(sandbox)
        self._count(spec.name, answer)
        self._logs.line(spec.name, sandbox.stream, f"REPORT Duration: {answer.duration_s * 1000:.2f} ms")
        return answer

    def invoke_async(self, name: str, payload: bytes) -> None:
        """Call a function as `Event` does: answered at once, tried again after throttling and after errors."""
        if not self._stopped.is_set():
            self._background.submit(self._run_async, name, payload, 0, 0)

    def warm(self, name: str) -> None:
        """Start a process for a function without calling it, if it has none; returns at once."""
        spec = self.spec(name)
        with self._lock:
            pool = self._pools.setdefault(spec.name, _Pool())
            if pool.idle or pool.busy:
                return
            sandbox = Sandbox(spec, self._host, self._listen_on)
            pool.idle.append(sandbox)
        self._start(sandbox)

    def kill(self, name: str) -> None:
        """Kill a function's processes, in whatever they are; a call after that gets a new one."""
        with self._lock:
            pool = self._pools.get(self.spec(name).name, _Pool())
            sandboxes = [*pool.idle, *pool.busy]
        for sandbox in sandboxes:
            sandbox.kill()

    def spec(self, name: str) -> FunctionSpec:
        """How a function's processes are made, from moto's state as it is now."""
        function = backend("lambda").get_function(name)
        vpc = function._vpc_config or {}
        limit = function.reserved_concurrency
        stand_in = [self.before_layers[name] for name in (function.function_name,) if name in self.before_layers]
        return FunctionSpec(
            name=function.function_name,
            arn=arn("lambda", f"function:{function.function_name}"),
            handler=function.handler,
            runtime=function.run_time or "python3.13",
            code=_directory(function.code),
            layers=(*stand_in, *(_layer_directory(layer["Arn"]) for layer in function.layers)),
            environment=tuple(sorted((key, str(value)) for key, value in function.environment_vars.items())),
            role=function.role,
            timeout_s=float(function.timeout),
            memory_mib=int(function.memory_size),
            in_vpc=bool(vpc.get("SubnetIds") or vpc.get("SecurityGroupIds")),
            network=next((str(backend("ec2").get_subnet(each).cidr_block) for each in vpc.get("SubnetIds") or ()), ""),
            at_most=AT_MOST if limit is None else int(limit),
        )

    def stop(self) -> None:
        """Kill every process and wait for their ends."""
        self._stopped.set()
        with self._lock:
            sandboxes = [each for pool in self._pools.values() for each in (*pool.idle, *pool.busy)]
            self._pools.clear()
        for sandbox in sandboxes:
            sandbox.kill()
        for sandbox in sandboxes:
            sandbox.wait(5)
        self._background.shutdown(wait=False, cancel_futures=True)

    def _take(self, spec: FunctionSpec) -> Sandbox:
        with self._lock:
            if self._stopped.is_set():
                raise ThrottledError(spec.name)
            pool = self._pools.setdefault(spec.name, _Pool())
            stale = [each for each in pool.idle if each.dead or each.spec != spec]
            pool.idle = [each for each in pool.idle if each not in stale]
            if pool.idle and not self._account_is_full():
                sandbox, fresh = pool.idle.pop(), False
            elif len(pool.busy) < spec.at_most and not self._account_is_full():
                sandbox, fresh = Sandbox(spec, self._host, self._listen_on), True
            else:
                put_metrics("AWS/Lambda", [metric("Throttles", 1, {"FunctionName": spec.name}, "Count")])
                raise ThrottledError(spec.name)
            pool.busy.add(sandbox)
        for each in stale:
            each.kill()
        if fresh:
            try:
                self._start(sandbox)
            except BaseException:
                self._give_back(sandbox)
                raise
        return sandbox

    def _account_is_full(self) -> bool:
        limit = self.at_once()
        return limit > 0 and sum(len(pool.busy) for pool in self._pools.values()) >= limit

    def _start(self, sandbox: Sandbox) -> None:
        sandbox.cold_s = self.cold_s(sandbox.spec)
        name = sandbox.spec.name
        keys = self._credentials_of(sandbox.spec.role)
        extra = {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_ENDPOINT_URL": self._endpoint,
        }
        try:
            sandbox.start(self._places, extra, lambda stream, line: self._logs.line(name, stream, line))
        except BaseException:
            sandbox.dead = True
            raise

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._lock:
            pool = self._pools.get(sandbox.spec.name)
            if pool is not None:
                pool.busy.discard(sandbox)
                if not sandbox.dead:
                    pool.idle.append(sandbox)
                    return
        sandbox.kill()

    def _count(self, name: str, answer: Answer) -> None:
        where = {"FunctionName": name}
        put_metrics(
            "AWS/Lambda",
            [
                metric("Invocations", 1, where, "Count"),
                metric("Errors", 1 if answer.failed else 0, where, "Count"),
                metric("Duration", answer.duration_s * 1000, where, "Milliseconds"),
            ],
        )

    def _run_async(self, name: str, payload: bytes, failures: int, throttles: int) -> None:
        try:
            answer = self.invoke(name, payload)
        except ThrottledError:
            self._later(min(1.0 * 2**throttles, 300.0), name, payload, failures, throttles + 1)
            return
        if answer.failed and failures < self._retries(name):
            self._later(_ASYNC_DELAYS_S[failures], name, payload, failures + 1, throttles)

    def _retries(self, name: str) -> int:
        configured = backend("lambda").get_function(name).event_invoke_config
        if configured and configured[0].config.get("MaximumRetryAttempts") is not None:
            return int(configured[0].config["MaximumRetryAttempts"])
        return len(_ASYNC_DELAYS_S)

    def _later(self, delay_s: float, name: str, payload: bytes, failures: int, throttles: int) -> None:
        if self._stopped.is_set():
            return
        timer = threading.Timer(delay_s, lambda: self._resubmit(name, payload, failures, throttles))
        timer.daemon = True
        timer.start()

    def _resubmit(self, name: str, payload: bytes, failures: int, throttles: int) -> None:
        if not self._stopped.is_set():
            self._background.submit(self._run_async, name, payload, failures, throttles)

    def _api_invoke(
        self, moto_backend: Any, name: str, qualifier: str | None, body: Any, headers: Any, response: dict[str, str]
    ) -> bytes:
        moto_backend.get_function(name, qualifier)  # raises ResourceNotFound as the API does
        payload = body.encode() if isinstance(body, str) else bytes(body or b"")
        kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        response["X-Amz-Executed-Version"] = "$LATEST"
        if kind == "DryRun":
            return b""
        if kind == "Event":
            self.invoke_async(name, payload)
            return b""
        answer = self.invoke(name, payload)
        if answer.failed:
            response["x-amz-function-error"] = "Unhandled"
        return answer.payload


def wait_until_idle(functions: Functions, timeout_s: float) -> bool:
    """Whether every function's processes came to rest within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with functions._lock:
            if not any(pool.busy for pool in functions._pools.values()):
                return True
        time.sleep(0.02)
    return False


def _directory(code: dict[str, Any]) -> Path:
    if code.get("S3Bucket") != CODE_BUCKET:
        raise ValueError(f"no local directory for the code {code}: deploy it with lab.testbed.cloud.deploy")
    return Path("/") / str(code["S3Key"])


def _layer_directory(layer_arn: str) -> Path:
    name, version = layer_arn.split(":")[6:8]
    layer = backend("lambda").get_layer_version(name, version)
    content: dict[str, Any] = layer.content
    return _directory(content)
