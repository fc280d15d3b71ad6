"""Stand-ins for the hosts' side of the border: they do what the contract says, in memory."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence

from lab.testbed.host_interfaces import NetworkAcl, OpenTo, Record


class Machines:
    """Hosts that are on until switched off. `power_off_lasts_s` makes the switch slow."""

    def __init__(self) -> None:
        self.off: set[str] = set()
        self.power_off_lasts_s = 0.0

    def power_off(self, instance_id: str) -> None:
        time.sleep(self.power_off_lasts_s)
        self.off.add(instance_id)

    def power_on(self, instance_id: str) -> None:
        self.off.discard(instance_id)

    def is_on(self, instance_id: str) -> bool:
        return instance_id not in self.off


class Firewall:
    """Remembers what is open, and what passes the border."""

    def __init__(self) -> None:
        self.rules: Sequence[OpenTo] = ()
        self.acl = NetworkAcl((), (), ())

    def apply(self, rules: Sequence[OpenTo]) -> None:
        self.rules = tuple(rules)

    def apply_acl(self, acl: NetworkAcl) -> None:
        self.acl = acl

    def allows(self, cidr: str) -> bool:
        return any(rule.cidr == cidr for rule in self.rules)


class Names:
    """Remembers what is published; `hold` keeps `publish` from returning."""

    def __init__(self) -> None:
        self.zones: dict[str, tuple[Record, ...]] = {}
        self.go = threading.Event()
        self.go.set()

    def publish(self, zone: str, records: Sequence[Record]) -> None:
        if not self.go.wait(10):
            raise TimeoutError("held")
        self.zones[zone] = tuple(records)


class Places:
    """Spawns where we are; remembers what asked to be in the VPC."""

    def __init__(self) -> None:
        self.in_vpc: list[bool] = []
        self.processes: list[subprocess.Popen[bytes]] = []

    def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], *, in_vpc: bool, stdout: int, stderr: int, network: str = ""
    ) -> subprocess.Popen[bytes]:
        self.in_vpc.append(in_vpc)
        process = subprocess.Popen(list(argv), env=dict(env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        self.processes.append(process)
        return process


class Agent:
    """An SSM agent that answers every command by `answer(message)`, until stopped."""

    def __init__(self, port: int, instance_id: str, answer: Callable[[dict[str, object]], dict[str, object]]) -> None:
        self._base = f"http://127.0.0.1:{port}/agents/{instance_id}/command"
        self._answer = answer
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with urllib.request.urlopen(f"{self._base}?wait=0.3", timeout=10) as response:
                    if response.status != 200:
                        continue
                    message = json.load(response)
            except OSError:
                continue
            body = json.dumps(self._answer(message)).encode()
            request = urllib.request.Request(f"{self._base}/{message['command_id']}", data=body, method="POST")
            with urllib.request.urlopen(request, timeout=10):
                pass


def eventually(condition: Callable[[], object], timeout_s: float = 10.0, what: str = "") -> None:
    """Wait until the condition is true; fail after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what or condition}")
        time.sleep(0.02)
