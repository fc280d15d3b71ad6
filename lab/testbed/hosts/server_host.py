"""A host of the pair: sshd, the SSM agent, and the Management Server's package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.testbed.hosts.addresses import ADMIN_PORT, AGENT_PORT, CLOUD, SSM_PORT
from lab.testbed.hosts.certificates import Pair
from lab.testbed.hosts.host import Host
from lab.testbed.hosts.host_files import HERE
from lab.testbed.hosts.polling import wait_until

SERVICE = "ssh-mgmt-server"
CONFIGURATION = "/etc/opt/ssh-mgmt/server"
DATA = "/var/opt/ssh-mgmt/server"
PID_FILE = "/run/ssh-mgmt-server.pid"
VERSION = "6.6.9-1"

_ENABLED = "/var/lib/testbed-systemd/enabled"
_SWITCHES = "/etc/ms-testbed.json"

_SSHD = """\
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
PrintMotd no
AuthorizedKeysFile .ssh/authorized_keys
Subsystem sftp internal-sftp
"""

# What a start of the machine starts, as an init system would.
_AT_BOOT = f"systemctl is-enabled --quiet {SERVICE} && systemctl start {SERVICE}"


@dataclass(frozen=True)
class DatabaseAccess:
    """What the server's configuration says of the database; `authority` is the PEM that its certificate is under."""

    engine: str
    host: str
    port: int
    name: str
    user: str
    password: str
    authority: bytes


class ServerHost:
    """A host with the Management Server's package on it, not yet configured."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._instance_id: str | None = None
        self._agent: subprocess.Popen[bytes] | None = None
        self._agent_lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.host.name

    def install(self, *, autostart: bool, version: str = VERSION) -> None:
        """Put the package on the host's files: the program, its directories, whether it starts with the machine."""
        files = self.host.files
        self.install_stand_ins()
        program = f'#!/bin/sh\nexec {sys.executable} -P -E -s {HERE / "ms_server.py"} "$@"\n'
        files.write(f"/usr/local/sbin/{SERVICE}", program, mode=0o755)
        files.write("/var/lib/testbed-dpkg/version", version + "\n")
        for directory in (CONFIGURATION, f"{DATA}/cds", f"{DATA}/dists"):
            files.path(directory).mkdir(parents=True, exist_ok=True)
        files.path(CONFIGURATION).chmod(0o700)
        if autostart:
            files.write(_ENABLED, "")
        files.write("/etc/ssh/sshd_config", _SSHD)
        key = files.path("/etc/ssh/ssh_host_ed25519_key")
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"root@{self.name}", "-f", str(key)], check=True
        )

    def install_stand_ins(self) -> None:
        """Put the testbed's own systemctl and dpkg-query where the host calls them."""
        for name in ("systemctl", "dpkg-query"):
            shutil.copy2(HERE / "stand_ins" / name, self.host.files.path(f"/usr/local/sbin/{name}"))

    def configure(self, certificate: Pair, database: DatabaseAccess) -> None:
        """Write the server's configuration, secrets included, as its installation does."""
        files = self.host.files
        settings = {
            "admin_port": ADMIN_PORT,
            "agent_port": AGENT_PORT,
            "certificate": f"{CONFIGURATION}/server.crt",
            "key": f"{CONFIGURATION}/server.key",
            "database": {
                "engine": database.engine,
                "host": database.host,
                "port": database.port,
                "name": database.name,
                "user": database.user,
                "password": database.password,
                "ca": f"{CONFIGURATION}/database-ca.crt",
            },
        }
        files.write(f"{CONFIGURATION}/ms.json", json.dumps(settings, indent=2) + "\n", mode=0o600)
        files.write(f"{CONFIGURATION}/server.key", certificate.key, mode=0o600)
        files.write(f"{CONFIGURATION}/server.crt", certificate.certificate)
        files.write(f"{CONFIGURATION}/database-ca.crt", database.authority)

    def is_configured(self) -> bool:
        return self.host.files.path(f"{CONFIGURATION}/ms.json").exists()

    def switch(self, **faults: Any) -> None:
        """Give this server faults; none takes them away.

        start_fails, needs_database (bool; its start fails without one), start_delay_s, ignore_term_s (seconds).

        They count from the server's next start.
        """
        self.host.files.write(_SWITCHES, json.dumps(faults))

    def power_on(self) -> None:
        """Boot: sshd, the SSM agent, and the server if its autostart is on. Does nothing where it is on."""
        if self.host.is_on:
            return
        self.host.power_on()
        self.host.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"], log="sshd")
        self.host.spawn(["sh", "-c", _AT_BOOT], log="boot")
        self._start_agent()
        self.host.wait_listening(22)

    def power_off(self) -> None:
        """Cut the power. Returns when no process of the host is left."""
        self.host.power_off()
        with self._agent_lock:
            self._agent = None

    def enroll(self, instance_id: str) -> None:
        """Make the host this instance: its SSM agent starts now and at every boot."""
        self._instance_id = instance_id
        self._start_agent()

    def _start_agent(self) -> None:
        with self._agent_lock:
            running = self._agent is not None and self._agent.poll() is None
            if running or self._instance_id is None or not self.host.is_on:
                return
            url = f"http://{CLOUD}:{SSM_PORT}"
            argv = [sys.executable, "-P", "-E", "-s", str(HERE / "ssm_agent.py"), url, self._instance_id]
            self._agent = self.host.spawn(argv, log="ssm-agent")

    def start(self) -> None:
        """Start the server as its owner would. Raises HostError with the service's own words."""
        self.host.run(["systemctl", "start", SERVICE])

    def stop(self) -> None:
        """Stop the server as its owner would."""
        self.host.run(["systemctl", "stop", SERVICE])

    def is_running(self) -> bool:
        return self.host.is_on and self.host.run(["systemctl", "is-active", SERVICE], check=False).returncode == 0

    def kill(self) -> None:
        """Kill the server's process; returns when it is gone. Raises HostError when there is none."""
        self.host.run(["systemctl", "kill", "-s", "KILL", SERVICE])
        wait_until(f"{self.name}'s server is dead", lambda: not self.is_running(), deadline_s=5)

    def hang_admin(self) -> None:
        """Let the administration interface take connections and answer none; the rest of the server goes on."""
        self.host.run(["systemctl", "kill", "-s", "USR1", SERVICE])

    def recover_admin(self) -> None:
        """End the hang."""
        self.host.run(["systemctl", "kill", "-s", "USR2", SERVICE])

    def import_package(self, files: int, bytes_each: int, name: str = "package") -> list[Path]:
        """Import managed software, as `ssh-mgmt-package-import` does: `files` files of `bytes_each` bytes.

        One in four goes to cds, as a description, the rest to dists. Each is complete when it appears. Returns their
        paths on the host.
        """
        made = []
        for number in range(files):
            top = "cds" if number % 4 == 0 else "dists"
            inside = f"{DATA}/{top}/{name}/{number:04d}.{'cd' if top == 'cds' else 'rpm'}"
            path = self.host.files.path(inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.new")
            new.write_bytes(os.urandom(bytes_each))
            new.chmod(0o640)
            new.replace(path)
            made.append(Path(inside))
        return made
