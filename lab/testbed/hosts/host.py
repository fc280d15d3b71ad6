"""One host of the testbed: namespaces of its own (network, mounts, name, processes), files of its own, one cable."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from lab.testbed.hosts.addresses import PREFIX, Place
from lab.testbed.hosts.host_files import HERE, MACHINE, HostFiles, Layout
from lab.testbed.hosts.network import Network
from lab.testbed.hosts.polling import wait_until

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "USER": "root", "SHELL": "/bin/bash"}


_BOOT_WITHIN_S = 20.0


class HostError(RuntimeError):
    """A host did not come up, or a program on it failed."""


class HostOffError(HostError):
    """The host is off."""


class Host:
    """A machine: power, files, programs.

    Thread-safe. The files persist over power cycles but for /run and /tmp.
    """

    def __init__(self, place: Place, network: Network, work_dir: Path, layout: Layout = MACHINE) -> None:
        self.place = place
        self.files = HostFiles(work_dir / "hosts" / place.name, place, layout)
        self.log_dir = work_dir / "logs"
        self._network = network
        self._power = threading.RLock()
        self._spawning = threading.Lock()
        self._case: subprocess.Popen[str] | None = None
        self._pid = 0
        self._spawned: list[subprocess.Popen[bytes]] = []

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def is_on(self) -> bool:
        return self._case is not None and self._case.poll() is None

    @property
    def pid(self) -> int:
        """The host's first process, as the testbed sees it. Raises HostOffError."""
        if not self.is_on:
            raise HostOffError(f"{self.name} is off")
        return self._pid

    def inside(self, path: str) -> Path:
        """A path of the running host, as seen from the testbed: its files, and its sockets in /run."""
        return Path(f"/proc/{self.pid}/root{path}")

    def power_on(self) -> None:
        """Boot; returns when the host's files are in place and its network is up. Does nothing where it is on.

        Raises HostError with the boot's own words when that fails or takes more than 20 seconds.
        """
        with self._power:
            if self.is_on:
                return
            self._network.remove(self.place)
            case = self._unshare()
            too_late = threading.Timer(_BOOT_WITHIN_S, case.kill)
            too_late.start()
            try:
                self._boot(case)
            except BaseException:
                case.kill()
                case.wait()
                raise
            finally:
                too_late.cancel()
            self._case = case

    def _unshare(self) -> subprocess.Popen[str]:
        layout = self.files.layout
        boot = ["/bin/bash", str(HERE / "boot.sh"), self.name, str(self.files.root), f"{self.place.address}/{PREFIX}"]
        boot += [" ".join(layout.private), " ".join(layout.volatile), *map(str, self.files.kept_in_sight())]
        spaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
        self.log_dir.mkdir(parents=True, exist_ok=True)
        with self._log("boot") as log:
            return subprocess.Popen(
                ["unshare", *spaces, "--", *boot],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, env=ENVIRONMENT, start_new_session=True,
            )  # fmt: skip

    def _boot(self, case: subprocess.Popen[str]) -> None:
        """Follow boot.sh: plug the cable in once the host has its namespaces, return when it is ready."""
        assert case.stdin is not None
        assert case.stdout is not None
        with case.stdin, case.stdout:
            self._expect(case.stdout, "mounted")
            self._pid = _only_child(case.pid)
            self._network.plug(self.place, self._pid)
            case.stdin.write("plugged\n")
            case.stdin.flush()
            self._expect(case.stdout, "ready")

    def power_off(self) -> None:
        """Cut the power: the cable goes first, so that nobody hears of it. Returns when no process is left."""
        with self._power:
            case, self._case = self._case, None
            if case is None:
                return
            self._network.unplug(self.place)
            if case.poll() is None:
                os.kill(self._pid, signal.SIGKILL)
                self._wake_spawners()
            # The first process of a pid namespace ends only after every other one in it has.
            case.wait(timeout=10)
            with self._spawning:
                for process in self._spawned:
                    process.wait(timeout=10)
                self._spawned.clear()
            self._network.remove(self.place)

    def freeze(self) -> None:
        """Let every process of the host stand still. Its kernel goes on: it takes connections that nobody answers."""
        self.run(["sh", "-c", "kill -STOP -1"])

    def thaw(self) -> None:
        """Let them continue with what they had in hand."""
        self.run(["sh", "-c", "kill -CONT -1"])
        self._wake_spawners()

    def _wake_spawners(self) -> None:
        """The nsenter before a process stands outside, and stops itself with it: until it reaps, the host can't end."""
        for process in self._spawned:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)

    def cut(self, only_except: Sequence[str] = ()) -> None:
        """Separate the host from everyone but these addresses; it goes on running. Replaces an earlier cut."""
        self._network.cut(self.place, only_except)

    def reconnect(self) -> None:
        """Undo a cut."""
        self._network.reconnect(self.place)

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = 30.0, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host to its end.

        Raises HostOffError; HostError when it exits other than 0 (unless `check` is false) or takes over `timeout_s`.
        """
        try:
            done = subprocess.run(
                self._enter(argv), input=stdin, text=True, capture_output=True, timeout=timeout_s,
                check=False, env=ENVIRONMENT, start_new_session=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise HostError(f"{self.name}: {' '.join(argv)}: no end after {timeout_s:g} s") from error
        if check and done.returncode != 0:
            words = done.stderr.strip() or done.stdout.strip() or "no word"
            raise HostError(f"{self.name}: {' '.join(argv)}: exit {done.returncode}: {words}")
        return done

    def spawn(
        self,
        argv: Sequence[str],
        *,
        log: str,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a program on the host and leave it running; it dies with the host.

        Its output goes to logs/HOST-`log`.log (its standard output to `stdout` if given). The process returned is the
        one that entered the host and waits for the program: end the program on the host, by its own pid.
        """
        with self._log(log) as file:
            process = subprocess.Popen(
                self._enter(argv), stdin=stdin, stdout=file if stdout is None else stdout, stderr=file,
                env={**ENVIRONMENT, **(env or {})}, start_new_session=True,
            )  # fmt: skip
        with self._spawning:
            self._spawned = [*(p for p in self._spawned if p.poll() is None), process]
        return process

    def listens(self, port: int) -> bool:
        """Whether something on the host listens on this TCP port. Asks the kernel, connects to nothing."""
        for table in ("tcp", "tcp6"):
            lines = Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]
            for line in lines:
                _, local, _, state = line.split()[:4]
                if state == "0A" and int(local.rpartition(":")[2], 16) == port:
                    return True
        return False

    def wait_listening(self, port: int, *, deadline_s: float = 10.0) -> None:
        """Return when something on the host listens on this TCP port; WaitedTooLongError after the deadline."""
        wait_until(f"{self.name} listens on port {port}", lambda: self.listens(port), deadline_s=deadline_s)

    def log_file(self, log: str) -> Path:
        return self.log_dir / f"{self.name}-{log}.log"

    def _log(self, log: str) -> IO[bytes]:
        return self.log_file(log).open("ab")

    def _enter(self, argv: Sequence[str]) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "--", *argv]

    def _expect(self, stream: IO[str], word: str) -> None:
        line = stream.readline().strip()
        if line != word:
            words = self.log_file("boot").read_text(errors="replace").strip().splitlines()
            raise HostError(f"{self.name} did not boot: {words[-1] if words else 'no word'}")


def _only_child(pid: int) -> int:
    """The child of a process that has one. Raises HostError where it has none."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    if not children:
        raise HostError(f"process {pid} has no child")
    return int(children[0])
