"""Two hosts of the pair, and documents run on them as the SSM agent does it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.hosts.addresses import ADDRESS_OF, Place
from local.hosts.host import Host
from local.hosts.network import Network
from local.hosts.server_host import SERVICE, ServerHost
from local.hosts.ssm_agent import lines_of, values

DOCUMENTS = Path(__file__).resolve().parents[2] / "documents"
STATE = "/var/lib/ms-failover"
SERVER_FILES = "/var/opt/ssh-mgmt/server"
CDS, DISTS, CONFIG = f"{SERVER_FILES}/cds", f"{SERVER_FILES}/dists", "/etc/opt/ssh-mgmt/server"
REPLICATION_USER = "ms-failover-repl"


def load(name: str) -> dict[str, Any]:
    """A document by its name."""
    document: dict[str, Any] = yaml.safe_load((DOCUMENTS / f"{name}.yaml").read_text())
    return document


def script_of(document: Mapping[str, Any], **parameters: str) -> str:
    """A document's script with its parameters put in; raises ValueError where the document would refuse them."""
    (step,) = document["mainSteps"]
    found = values(document, {name: [value] for name, value in parameters.items()})
    return "\n".join(lines_of(step["inputs"]["runCommand"], found)) + "\n"


@dataclass(frozen=True)
class Ended:
    """How a document's run ended; `result` is its last line."""

    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        assert self.stdout.strip(), f"no result; exit {self.code}; {self.stderr}"
        result: dict[str, Any] = json.loads(self.stdout.splitlines()[-1])
        return result


class Pair:
    """ms1 and ms2, powered on, with sshd, the stand-ins and the server's package."""

    def __init__(self, work_dir: Path) -> None:
        network = Network()
        network.up()
        self.servers = {
            role: ServerHost(Host(Place(role, ADDRESS_OF[role]), network, work_dir)) for role in ("ms1", "ms2")
        }
        for server in self.servers.values():
            server.host.files.create()
            server.install(autostart=True)
            server.power_on()

    def close(self) -> None:
        for server in self.servers.values():
            server.power_off()

    def host(self, role: str) -> Host:
        return self.servers[role].host

    def inside(self, role: str, path: str) -> Path:
        """A host's path, as this process sees it."""
        return self.host(role).inside(path)

    def write_script(self, role: str, name: str, **parameters: str) -> str:
        """Put a document's script on a host, as the agent would; returns its path there."""
        path = f"/var/lib/amazon/ssm/{uuid.uuid4().hex}.sh"
        self.host(role).files.write(path, script_of(load(name), **parameters), mode=0o700)
        return path

    def run(self, role: str, name: str, *, timeout_s: float = 60, **parameters: str) -> Ended:
        """Run a document on a host to its end."""
        script = self.write_script(role, name, **parameters)
        done = self.host(role).run([script], check=False, timeout_s=timeout_s)
        return Ended(done.returncode, done.stdout, done.stderr)

    def prepare(self, *, user: str = REPLICATION_USER, **parameters: str) -> dict[str, dict[str, Any]]:
        """Prepare both hosts in two passes; returns each one's result of the second."""
        peers = {"ms1": "ms2", "ms2": "ms1"}
        told: dict[str, dict[str, Any]] = {}
        for role, peer in peers.items():
            for name in ("install-receiver",):
                ended = self.run(role, name)
                assert ended.code == 0, ended.stderr
            told[role] = self._prepare(role, peer, ReplicationUser=user, **parameters)
        return {
            role: self._prepare(
                role, peer, ReplicationUser=user,
                AuthorizedKey=told[peer]["public_key"], PeerHostKeys=told[peer]["host_keys"], **parameters,
            )
            for role, peer in peers.items()
        }  # fmt: skip

    def _prepare(self, role: str, peer: str, **parameters: Any) -> dict[str, Any]:
        ended = self.run(role, "prepare-host", Role=role, PeerAddress=ADDRESS_OF[peer], **parameters)
        assert ended.code == 0, ended.stderr
        return ended.result

    def set_epoch(self, role: str, epoch: int, state: str) -> None:
        """Record an epoch and a role on a host, as start and stop do."""
        self.host(role).files.write(f"{STATE}/epoch", f"{epoch} {state}\n")

    def replicate(self, role: str = "ms1", *, epoch: int = 1, timeout_s: float = 60, **parameters: str) -> Ended:
        """Run the replication from a host to the other one."""
        peer = {"ms1": "ms2", "ms2": "ms1"}[role]
        return self.run(
            role, "replicate", timeout_s=timeout_s, Epoch=str(epoch), StandbyAddress=ADDRESS_OF[peer], **parameters
        )


__all__ = ["CDS", "CONFIG", "DISTS", "SERVICE", "STATE", "Ended", "Pair", "load", "script_of"]
