"""A host's own files: what it keeps over a power cycle, laid over the machine's directories by boot.sh."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.testbed.hosts.addresses import ADDRESS_OF, DATABASE, MORE, NAMES, WRITER_NAME, ZONE, Place

PROJECT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Layout:
    """Which directories are a host's own: kept over a power cycle, or empty at every boot. No leading slash."""

    private: tuple[str, ...]
    volatile: tuple[str, ...]


MACHINE = Layout(("etc", "var/opt", "var/lib", "var/log", "root", "home", "usr/local/sbin"), ("run", "tmp"))
# Sees the machine's files but for its settings, above all the resolver's: functions run there, wherever their code is.
PLACE_ONLY = Layout(("etc",), ())

# Never copied from the machine: its secrets, and the settings of services that the testbed starts with its own.
_NOT_COPIED = (
    "/ssh", "/ssl/private", "/shadow*", "/gshadow*", "/opt", "/knot", "/mysql", "/postgresql", "/letsencrypt",
    "/systemd", "/resolv.conf", "/hosts", "/hostname", "/machine-id", "/nsswitch.conf", "/sudoers*", "/krb5*",
    "/NetworkManager", "/netplan", "/cron*", "/apt", "/pam.d/sshd",
)  # fmt: skip

# As Debian's package has them.
_SUDOERS = """\
Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""
_PAM_SSHD = "account required pam_unix.so\nsession required pam_unix.so\npassword required pam_deny.so\n"


class HostFiles:
    """The directory that holds a host's own files, and the paths in it."""

    def __init__(self, root: Path, place: Place, layout: Layout = MACHINE) -> None:
        self.root = root
        self.layout = layout
        self._place = place

    def path(self, inside: str) -> Path:
        """Where a path of the host is kept on the machine. Raises ValueError for one that is not the host's own."""
        relative = inside.lstrip("/")
        if not any(relative == top or relative.startswith(top + "/") for top in self.layout.private):
            raise ValueError(f"{inside} is not among the host's own directories: {', '.join(self.layout.private)}")
        return self.root / relative

    def write(self, inside: str, text: str | bytes, *, mode: int = 0o644) -> Path:
        """Write a file of the host, directories included, with exactly this mode; returns where it is kept."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=mode)
        path.chmod(mode)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def create(self, resolver: str = NAMES) -> None:
        """Make the files of a host as freshly installed; whatever was there of an earlier one is gone.

        Args:
            resolver: the name server that its programs ask.
        """
        shutil.rmtree(self.root, ignore_errors=True)
        for top in self.layout.private:
            (self.root / top).mkdir(parents=True, mode=0o700 if top == "root" else 0o755)
        self.root.chmod(0o700)
        excludes = [f"--exclude={pattern}" for pattern in _NOT_COPIED]
        # 23: a file of the machine's vanished or may not be read; none that matters is among them.
        done = subprocess.run(
            ["rsync", "-a", *excludes, "/etc/", str(self.path("/etc"))], capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 23, 24):
            raise RuntimeError(f"the host's own /etc could not be made: {done.stderr.strip()}")
        for directory in ("/etc/opt", "/etc/ssh"):
            self.path(directory).mkdir(exist_ok=True)
        self._identity(resolver)

    def lead_writer_to(self, address: str) -> None:
        """Have the database's writer found at an address from now on."""
        hosts = {**ADDRESS_OF, **MORE}
        names = "".join(f"{own}\t{name}.{ZONE} {name}\n" for name, own in hosts.items())
        self.write("/etc/hosts", f"127.0.0.1\tlocalhost\n{names}{address}\t{WRITER_NAME}\n")

    def _identity(self, resolver: str) -> None:
        self.write("/etc/hostname", self._place.name + "\n")
        self.lead_writer_to(DATABASE)
        self.write("/etc/resolv.conf", f"nameserver {resolver}\noptions timeout:1 attempts:2\n")
        self.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")
        self.write("/etc/pam.d/sshd", _PAM_SSHD)
        self.write("/etc/sudoers", _SUDOERS, mode=0o440)
        self.path("/etc/sudoers.d").mkdir(mode=0o750)
        accounts = [line.split(":")[0] for line in self.path("/etc/passwd").read_text().splitlines() if ":" in line]
        self.write("/etc/shadow", "".join(f"{account}:*:19000:0:99999:7:::\n" for account in accounts), mode=0o640)
        groups = [line.split(":")[0] for line in self.path("/etc/group").read_text().splitlines() if ":" in line]
        self.write("/etc/gshadow", "".join(f"{group}:*::\n" for group in groups), mode=0o640)

    def kept_in_sight(self) -> list[Path]:
        """The directories of the testbed's own programs that the host's own directories would hide."""
        wanted = [PROJECT, Path(sys.prefix), Path(sys.base_prefix)]
        hiding = [Path("/", top) for top in (*self.layout.private, *self.layout.volatile)]
        return [path for path in dict.fromkeys(wanted) if any(path.is_relative_to(top) for top in hiding)]
