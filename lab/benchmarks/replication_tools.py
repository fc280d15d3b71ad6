"""The tools that are compared, each as its own documentation sets it up, carrying the same two directories.

All take the files from ms1 to ms2, over OpenSSH with its defaults but for csync2, which has a protocol of its own. Only
ours writes to the server's own directories on ms2; the others have a place each beside them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from lab.benchmarks.replication_hosts import STATE, HostsFailed, Pair
from lab.testbed.hosts.addresses import MS2
from lab.testbed.hosts.server_host import DATA
from lab.testbed.polling import wait_for

DIRECTORIES = ("cds", "dists")
LIMIT_S = 240
_ASIDE = "/var/opt/others"


class Tool(Protocol):
    """A way to bring ms1's directories to ms2. `target` is the directory on ms2 that holds cds and dists."""

    name: str
    target: str

    def set_up(self) -> None:
        """Once, before everything else."""

    def wipe(self) -> None:
        """Take what it brought, and all it remembers of that, from both hosts."""

    def run(self) -> float:
        """Bring ms2 up to date, as an order would that is given on ms1; the seconds it took.

        Raises:
            HostsFailed: it did not do it.
        """


class PlainRsync:
    """rsync -a --delete, as everybody does it; or with other options, for what these cost by themselves."""

    def __init__(self, pair: Pair, options: str = "-a") -> None:
        self.name = "rsync" if options == "-a" else f"rsync {options}"
        self.target = f"{_ASIDE}/rsync{options}"
        self._pair = pair
        self._options = options

    def set_up(self) -> None:
        self._pair.host("ms2").files.path(self.target).mkdir(parents=True)

    def wipe(self) -> None:
        _remove_all_in(self._pair.host("ms2").files.path(self.target))

    def run(self) -> float:
        sources = [f"{DATA}/{name}" for name in DIRECTORIES]
        return _timed(self._pair, ["rsync", self._options, "--delete", *sources, f"{MS2}:{self.target}/"])[0]


class Ours:
    """The document replicate, as the SSM agent runs it."""

    name = "ours"
    target = DATA

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._script = ""
        self.result: dict[str, Any] = {}

    def set_up(self) -> None:
        self._script = self._pair.script("ms1", "replicate", Epoch="1", StandbyAddress=MS2)

    def wipe(self) -> None:
        files = self._pair.host("ms2").files
        _remove_all_in(files.path(DATA))
        for name in DIRECTORIES:
            files.path(f"{DATA}/{name}").mkdir()
        files.path(f"{STATE}/received.json").unlink(missing_ok=True)
        shutil.rmtree(self._pair.host("ms1").files.path(f"{STATE}/sent"), ignore_errors=True)

    def run(self) -> float:
        seconds, stdout = _timed(self._pair, [self._script])
        self.result = json.loads(stdout.splitlines()[-1])
        if self.result.get("complete") is not True:
            raise HostsFailed(f"replicate: {stdout}")
        return seconds


class Lsyncd:
    """lsyncd watches by inotify and starts rsync. Its start compares everything, as it can't know what it missed."""

    name = "lsyncd"
    target = f"{_ASIDE}/lsyncd"

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def set_up(self) -> None:
        host = self._pair.host("ms1")
        self._pair.host("ms2").files.path(self.target).mkdir(parents=True)
        host.files.write("/etc/lsyncd.conf", self._configuration())

    def wipe(self) -> None:
        _remove_all_in(self._pair.host("ms2").files.path(self.target))

    def run(self) -> float:
        """A start of lsyncd until it has compared and brought everything: what each of its starts costs."""
        start = time.perf_counter()
        with self.watching():
            return time.perf_counter() - start

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """lsyncd as a daemon, past its start."""
        host = self._pair.host("ms1")
        log = host.files.path("/var/log/lsyncd.log")
        log.unlink(missing_ok=True)
        host.run(["lsyncd", "-pidfile", "/run/lsyncd.pid", "/etc/lsyncd.conf"])
        try:
            wait_for("lsyncd's first pass", lambda: _passed(log), LIMIT_S, every_s=0.005)
            yield
        finally:
            host.run(["sh", "-c", "kill $(cat /run/lsyncd.pid)"], check=False)
            wait_for("lsyncd's end", lambda: host.run(["pidof", "lsyncd"], check=False).returncode != 0, 20)

    def _configuration(self) -> str:
        # delay: how long it gathers changes before it acts; 15 s where nothing is said, none here, to its favour.
        syncs = "".join(
            f'sync {{ default.rsync, source = "{DATA}/{name}", target = "{MS2}:{self.target}/{name}", delay = 0,\n'
            f"  rsync = {{ archive = true }} }}\n"
            for name in DIRECTORIES
        )
        return f'settings {{ logfile = "/var/log/lsyncd.log", insist = true }}\n{syncs}'


class Csync2:
    """csync2 keeps a database of what it has seen on each host, and carries what is new in it."""

    name = "csync2"
    target = f"{_ASIDE}/csync2"

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._server: subprocess.Popen[bytes] | None = None

    def set_up(self) -> None:
        key = "comparison" * 6
        # Its TLS does not come about with what Debian 12 has (the caller sends no certificate): it goes without, to its
        # favour.
        configuration = (
            "nossl * *;\n"
            f"prefix data {{ on ms1: {DATA}; on ms2: {self.target}; }}\n"
            "group pair { host ms1 ms2; key /etc/csync2.key; include %data%/cds; include %data%/dists; }\n"
        )
        for role in ("ms1", "ms2"):
            host = self._pair.host(role)
            host.files.write("/etc/csync2.cfg", configuration)
            host.files.write("/etc/csync2.key", key, mode=0o600)
            host.files.path("/var/lib/csync2").mkdir(exist_ok=True)
        self._pair.host("ms2").files.path(self.target).mkdir(parents=True)
        self._serve()

    def wipe(self) -> None:
        self._end_server()
        _remove_all_in(self._pair.host("ms2").files.path(self.target))
        for role in ("ms1", "ms2"):
            _remove_all_in(self._pair.host(role).files.path("/var/lib/csync2"))
        self._serve()

    def run(self) -> float:
        return _timed(self._pair, ["csync2", "-x", "-N", "ms1"])[0]

    def _serve(self) -> None:
        host = self._pair.host("ms2")
        self._server = host.spawn(["csync2", "-ii", "-N", "ms2"], log="csync2")
        host.wait_listening(30865)

    def _end_server(self) -> None:
        host = self._pair.host("ms2")
        host.run(["sh", "-c", "kill $(pidof csync2)"], check=False)
        wait_for("csync2's end", lambda: host.run(["pidof", "csync2"], check=False).returncode != 0, 20)


def let_root_in(pair: Pair) -> None:
    """What the other tools need and ours does not: a key of root's on ms1 that opens root's shell on ms2."""
    ms1, ms2 = pair.host("ms1"), pair.host("ms2")
    for host in (ms1, ms2):
        host.files.path("/root/.ssh").mkdir(mode=0o700)
    ms1.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519"])
    ms2.files.write("/root/.ssh/authorized_keys", ms1.files.path("/root/.ssh/id_ed25519.pub").read_bytes(), mode=0o600)
    host_key = ms2.files.path("/etc/ssh/ssh_host_ed25519_key.pub").read_text()
    ms1.files.write("/root/.ssh/known_hosts", f"{MS2} {host_key}")


def _timed(pair: Pair, argv: list[str]) -> tuple[float, str]:
    """Run a program on ms1 to its end: the seconds it took, and what it wrote. Raises HostsFailed where it fails."""
    start = time.perf_counter()
    done = pair.host("ms1").run(argv, check=False, timeout_s=LIMIT_S)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise HostsFailed(f"{argv[0]}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return seconds, done.stdout


def _remove_all_in(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _passed(log: Path) -> bool:
    text = log.read_text(errors="replace") if log.exists() else ""
    return text.count("finished") + text.count("failed") >= len(DIRECTORIES)
