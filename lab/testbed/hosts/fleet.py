"""The Management Agents of the testbed, as the conductor sees them."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.testbed.hosts.addresses import AGENT_PORT, SERVICE_NAME
from lab.testbed.hosts.agents import Settings
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.host_files import HERE

_PINNED = "/etc/ssh-mgmt-agent/server.crt"


@dataclass(frozen=True)
class AgentEvent:
    """An agent came to a server or lost it; `at` in epoch seconds. `attempts` counts to the connection, from 1."""

    agent: int
    event: str
    server: str
    at: float
    attempts: int = 0
    why: str = ""


class Fleet:
    """N agents in one process of their host. Thread-safe."""

    def __init__(self, host: Host, certificate: bytes, count: int) -> None:
        self.count = count
        self._host = host
        self._certificate = certificate
        self._reading = threading.Lock()
        self._offset = 0
        self._events: list[AgentEvent] = []
        self._where: dict[int, str] = {}

    @property
    def file(self) -> Path:
        """Where the agents write what happens to them, as JSON lines."""
        return self._host.log_dir / "agents.jsonl"

    def start(self) -> None:
        """Start the agents; they connect when the name leads to a server."""
        self._host.files.write(_PINNED, self._certificate)
        settings = Settings(self.count, SERVICE_NAME, AGENT_PORT, _PINNED)
        with self.file.open("ab") as file:
            self._host.spawn(
                [sys.executable, "-P", str(HERE / "agents.py"), json.dumps(asdict(settings))],
                log="agents",
                stdout=file.fileno(),
            )

    def events(self) -> list[AgentEvent]:
        """All that has happened so far, in the order it was told."""
        self._read()
        with self._reading:
            return list(self._events)

    def counts(self) -> dict[str, int]:
        """How many agents are on each server, and on none."""
        self._read()
        with self._reading:
            on = Counter(self._where.values())
        return {"ms1": on["ms1"], "ms2": on["ms2"], "none": self.count - on["ms1"] - on["ms2"]}

    def _read(self) -> None:
        if not self.file.exists():
            return  # they have not come yet
        with self._reading, self.file.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                event = AgentEvent(**json.loads(line))
                self._events.append(event)
                if event.event == "connected":
                    self._where[event.agent] = event.server
                else:
                    self._where.pop(event.agent, None)
