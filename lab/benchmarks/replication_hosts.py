"""Two hosts of the pair for the comparison of replications, their files in memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.testbed.hosts.addresses import ADDRESS_OF, Place
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.host_files import PROJECT
from lab.testbed.hosts.network import Network, command
from lab.testbed.hosts.server_host import ServerHost
from lab.testbed.hosts.ssm_agent import lines_of, values

STATE = "/var/lib/ms-failover"
PEER = {"ms1": "ms2", "ms2": "ms1"}
_FILES_MOST = "12g"


class HostsFailed(RuntimeError):
    """A document, or a program that the comparison needs, failed on a host."""


class Pair:
    """ms1 and ms2 with sshd and the server's package, prepared for replication; ms1 is the active one."""

    def __init__(self, work_dir: Path) -> None:
        self._files = work_dir / "hosts"
        self._files.mkdir(parents=True, exist_ok=True)
        (work_dir / "logs").mkdir(exist_ok=True)
        command(["mount", "-t", "tmpfs", "-o", f"mode=0700,size={_FILES_MOST}", "hosts", str(self._files)])
        network = Network()
        network.up()
        self.servers = {
            role: ServerHost(Host(Place(role, ADDRESS_OF[role]), network, work_dir)) for role in ("ms1", "ms2")
        }

    def __enter__(self) -> Pair:
        for server in self.servers.values():
            server.host.files.create()
            server.install(autostart=False)
            server.power_on()
        told = {role: self._prepare(role) for role in PEER}
        for role, peer in PEER.items():
            self._prepare(role, AuthorizedKey=told[peer]["public_key"], PeerHostKeys=told[peer]["host_keys"])
        self.host("ms1").files.write(f"{STATE}/epoch", "1 active\n")
        self.host("ms2").files.write(f"{STATE}/epoch", "1 standby\n")
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers.values():
            with contextlib.suppress(Exception):
                server.power_off()
        subprocess.run(["umount", "--lazy", str(self._files)], check=False, capture_output=True)

    def host(self, role: str) -> Host:
        return self.servers[role].host

    def rest(self) -> None:
        """Wait until the standby has made ready for the next run, which it does after a run has ended."""
        self.host("ms2").run(["flock", "-w", "60", f"{STATE}/receive.lock", "true"])

    def script(self, role: str, name: str, **parameters: str) -> str:
        """Put a document's script on a host, as its agent would; returns its path there."""
        document: dict[str, Any] = yaml.safe_load((PROJECT / "documents" / f"{name}.yaml").read_text())
        (step,) = document["mainSteps"]
        found: Mapping[str, Sequence[str]] = values(document, {key: [value] for key, value in parameters.items()})
        path = f"/var/lib/amazon/ssm/{name}.sh"
        lines = lines_of(step["inputs"]["runCommand"], found)
        self.host(role).files.write(path, "\n".join(lines) + "\n", mode=0o700)
        return path

    def _prepare(self, role: str, **parameters: str) -> dict[str, Any]:
        host = self.host(role)
        host.run([self.script(role, "install-receiver")])
        done = host.run(
            [self.script(role, "prepare-host", Role=role, PeerAddress=ADDRESS_OF[PEER[role]], **parameters)]
        )
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result
