"""Two hosts of the pair, and documents run on them as the SSM agent does it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.testbed.hosts.addresses import ADDRESS_OF, Place
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.link import hold_copies_after, let_go
from lab.testbed.hosts.network import Network
from lab.testbed.hosts.polling import wait_until
from lab.testbed.hosts.server_host import SERVICE, VERSION, ServerHost
from lab.testbed.hosts.ssm_agent import lines_of, values
from tests.documents.defects import planted
from tests.documents.trees import Entry, tree

DOCUMENTS = Path(__file__).resolve().parents[2] / "documents"
STATE = "/var/lib/ms-failover"
SERVER_FILES = "/var/opt/ssh-mgmt/server"
CDS, DISTS, CONFIG = f"{SERVER_FILES}/cds", f"{SERVER_FILES}/dists", "/etc/opt/ssh-mgmt/server"
REPLICATION_USER = "ms-failover-repl"
PEERS = {"ms1": "ms2", "ms2": "ms1"}
WHOLE = (CDS, DISTS, CONFIG)
TOOLS = 2
"""The version of the tools that both hosts must have; see prepare-host."""


def load(name: str) -> dict[str, Any]:
    """A document by its name, with the defect that this run is about, if it is about one."""
    document: dict[str, Any] = yaml.safe_load(planted(name, (DOCUMENTS / f"{name}.yaml").read_text()))
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
        self.run_under_way: subprocess.Popen[bytes]
        self._runs: list[subprocess.Popen[bytes]] = []
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
        told: dict[str, dict[str, Any]] = {}
        for role, peer in PEERS.items():
            ended = self.run(role, "install-receiver")
            assert ended.code == 0, ended.stderr
            told[role] = self._prepare(role, peer, ReplicationUser=user, **parameters)
        return {
            role: self._prepare(
                role, peer, ReplicationUser=user,
                AuthorizedKey=told[peer]["public_key"], PeerHostKeys=told[peer]["host_keys"], **parameters,
            )
            for role, peer in PEERS.items()
        }  # fmt: skip

    def _prepare(self, role: str, peer: str, **parameters: Any) -> dict[str, Any]:
        ended = self.run(role, "prepare-host", Role=role, PeerAddress=ADDRESS_OF[peer], **parameters)
        assert ended.code == 0, ended.stderr
        return ended.result

    def set_epoch(self, role: str, epoch: int, state: str) -> None:
        """Record an epoch and a role on a host, as start and stop do."""
        self.host(role).files.write(f"{STATE}/epoch", f"{epoch} {state}\n")

    def reset(self) -> None:
        """Both hosts as prepared, nothing replicated yet: ms1 active in epoch 1, with a configuration, no software."""
        for role, state in (("ms1", "active"), ("ms2", "standby")):
            if any(run.poll() is None for run in self._runs):  # of a test that failed
                self.servers[role].power_off()
            self.servers[role].power_on()
            self.host(role).reconnect()
            self.put_aside(role)
            # The receiver tidies up after the run has ended; one whose sender was cut off may wait long for it.
            tidy = self.host(role).run(["flock", "-w", "10", f"{STATE}/receive.lock", "true"], check=False)
            if tidy.returncode:
                self.servers[role].power_off()
                self.servers[role].power_on()
                self.host(role).reconnect()
            for directory in WHOLE:
                _empty(self.inside(role, directory))
                _empty(self.inside(role, directory).parent / ".ms-failover")
            for name in ("sent", "received.json", "swap", "receiving", "comparing", "session"):
                _remove(self.inside(role, f"{STATE}/{name}"))
            self.set_epoch(role, 1, state)
            self.set_version(role, VERSION)
        self.allow_kinds("")
        self.write("ms1", f"{CONFIG}/server.key", "secret", mode=0o600)

    def allow_kinds(self, kinds: str) -> None:
        """What ms2 takes beyond plain files, as prepare-host's AllowKinds says it."""
        path = self.inside("ms2", f"{STATE}/receiver.conf")
        path.write_text(re.sub("kinds='.*'", f"kinds='{kinds}'", path.read_text()))

    def set_version(self, role: str, version: str) -> None:
        """Another version of the server's package on a host; empty for a package manager that does not know it."""
        self.host(role).files.write("/var/lib/testbed-dpkg/version", f"{version}\n" if version else "")

    def write(self, role: str, path: str, text: str | bytes, *, mode: int = 0o640) -> Path:
        """Write a file on a host; returns where this process sees it."""
        self.host(role).files.write(path, text, mode=mode)
        return self.inside(role, path)

    def holds(self, role: str) -> dict[str, dict[str, Entry]]:
        """What a host has in all that is replicated."""
        return {directory: tree(self.inside(role, directory)) for directory in WHOLE}

    def assert_same(self) -> None:
        """Both hosts hold the same, compared from outside."""
        for directory in WHOLE:
            assert tree(self.inside("ms2", directory)) == tree(self.inside("ms1", directory)), directory

    def assert_complete(self, ended: Ended) -> dict[str, Any]:
        """The run ended well, and both hosts hold the same; returns its result."""
        assert ended.code == 0, ended.stderr
        assert ended.result["complete"] is True, ended.result
        self.assert_same()
        return ended.result

    def settle(self) -> None:
        """Replicate until nothing is left to carry: what changes within the clock's tick of a run is carried twice."""
        for _ in range(4):
            if self.assert_complete(self.replicate())["mode"] == "none":
                return
        raise AssertionError("every run carries something")

    def marker(self) -> dict[str, Any]:
        """What the standby has recorded of the set that it received last."""
        marker: dict[str, Any] = json.loads(self.inside("ms2", f"{STATE}/received.json").read_text())
        return marker

    def stand_in(self, role: str, program: str, script: str) -> None:
        """Have a host run this script where the program's name is called; it may run the real one by its full path."""
        self.host(role).files.write(f"/usr/local/sbin/{program}", f"#!/bin/bash\n{script}\n", mode=0o755)

    def put_aside(self, role: str) -> None:
        """Take away every stand-in but the testbed's own."""
        for path in self.inside(role, "/usr/local/sbin").iterdir():
            if path.name not in ("systemctl", "dpkg-query", SERVICE):
                path.unlink()

    def hold_copies_after(self, sent: int) -> None:
        """Let this many bytes of each copy of ms1's through, and the rest once `let_go` was called."""
        hold_copies_after(self.host("ms1"), sent)

    def let_go(self) -> None:
        """Let through what `hold_copies_after` holds."""
        let_go(self.host("ms1"))

    def begin(self, role: str = "ms1", *, epoch: int = 1, **parameters: str) -> subprocess.Popen[bytes]:
        """Begin a replication, and return while it goes on."""
        address = ADDRESS_OF[PEERS[role]]
        script = self.write_script(role, "replicate", Epoch=str(epoch), StandbyAddress=address, **parameters)
        run = self.host(role).spawn([script], log="replicate", stdout=subprocess.PIPE)
        self._runs.append(run)
        return run

    def ended(self, run: subprocess.Popen[bytes], timeout_s: float = 30) -> Ended:
        """Wait for the end of a replication that was begun."""
        stdout, _ = run.communicate(timeout=timeout_s)
        return Ended(run.returncode, stdout.decode(), "")

    def await_half(self, first: str = f"{CDS}/a", size: int = 100_000) -> None:
        """Wait until the first file of a copy has arrived, of this many bytes, in the standby's staging area."""
        place = Path(first).parent
        staged = self.inside("ms2", f"{place.parent}/.ms-failover/{place.name}/transfer/incoming/{Path(first).name}")
        wait_until(f"{staged} is there", lambda: _size(staged) == size, deadline_s=10)

    def end(self, role: str, program: str) -> None:
        """Kill every process of this name on a host."""
        self.host(role).run(["pkill", "-KILL", "-x", program], check=False)

    def leave_session(self) -> None:
        """Have ms2 hold a session of ms1's whose other end says nothing more, as after a cut of the network."""
        talk = f"{{ echo hello {TOOLS} 1 600; sleep 120; }} | {shlex.join(self.ssh_argv('session'))}"
        self.host("ms1").spawn(["sh", "-c", talk], log="left")
        receiving = self.inside("ms2", STATE) / "receiving"
        wait_until("ms2 holds the session", receiving.exists, deadline_s=10)

    def ssh(self, command: str, *options: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """From ms1, with the replication's key, ask the other host's sshd for something."""
        return self.host("ms1").run(self.ssh_argv(command, *options), check=False, timeout_s=15, stdin=stdin)

    @staticmethod
    def ssh_argv(command: str, *options: str) -> list[str]:
        """An ssh from ms1 with the replication's key; its last two words are ms2's address and the command."""
        return [
            "ssh", "-F", "/dev/null", "-i", f"{STATE}/ssh/id_ed25519", "-l", REPLICATION_USER, "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", *options,
            ADDRESS_OF["ms2"], command,
        ]  # fmt: skip

    def replicate(self, role: str = "ms1", *, epoch: int = 1, timeout_s: float = 60, **parameters: str) -> Ended:
        """Run the replication from a host to the other one."""
        address = parameters.pop("StandbyAddress", ADDRESS_OF[PEERS[role]])
        return self.run(role, "replicate", timeout_s=timeout_s, Epoch=str(epoch), StandbyAddress=address, **parameters)

    def verify(self, **parameters: str) -> dict[str, Any]:
        """Compare both hosts by content, as the deep check does; returns its result."""
        parameters = {"Epoch": "1", "StandbyAddress": ADDRESS_OF["ms2"], **parameters}
        ended = self.run("ms1", "verify-replication", timeout_s=60, **parameters)
        assert ended.code == 0, ended.stderr
        return ended.result


def _size(path: Path) -> int | None:
    """The size of a file that may come and go while it is read."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _empty(directory: Path) -> None:
    if directory.is_dir():
        for path in directory.iterdir():
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


__all__ = ["CDS", "CONFIG", "DISTS", "SERVICE", "STATE", "Ended", "Pair", "load", "script_of", "tree"]
