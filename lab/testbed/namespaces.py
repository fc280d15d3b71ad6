"""The namespaces that the whole testbed lives in: network, mounts and processes of its own.

When the first process in them ends, however it ends, the kernel takes every other process, every interface and every
mount with it. Nothing has to be cleaned up, so nothing can be left behind, and no port or service of the machine is
touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.testbed.state_files import PID_FILE, TESTBED_FILE

INSIDE = "MS_FAILOVER_TESTBED"

_PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "nft": "nftables",
    "knotd": "knot",
    "pgbouncer": "pgbouncer",
    "sshd": "openssh-server",
    "rsync": "rsync",
    "sudo": "sudo",
}
_UNSHARE = ("--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")


class CannotRun(Exception):
    """The testbed can't run on this machine; the sentence says why and what to do."""


def is_inside() -> bool:
    return os.environ.get(INSIDE) == "1"


def check() -> None:
    """Say at once why the testbed can't run here.

    Raises:
        CannotRun: with what is missing and what to do.
    """
    if sys.platform != "linux":
        raise CannotRun("The testbed needs Linux: its hosts are network namespaces.")
    if os.geteuid() != 0:
        raise CannotRun("The testbed needs root, to make network namespaces: run it with sudo.")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = {package for program, package in _PROGRAMS.items() if shutil.which(program, path=path) is None}
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.add("postgresql")
    if missing:
        names = " ".join(sorted(missing))
        raise CannotRun(
            f"The testbed needs programs that are not installed: run `make setup`, or apt-get install {names}."
        )
    tried = subprocess.run(
        ["unshare", *_UNSHARE, "--", "nft", "add", "table", "inet", "testbed_check"],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    if tried.returncode != 0:
        why = tried.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise CannotRun(
            f"The testbed can't make a network namespace with nftables here ({why[0]}):"
            " a container needs --privileged, a kernel nf_tables."
        )


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep every other testbed out of a directory: two would write over each other's files.

    Raises:
        CannotRun: another one is up there, or nobody can write to it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = (directory / "testbed.lock").open("a+")
    except OSError as error:
        raise CannotRun(f"The testbed can't write to {directory} ({error.strerror}): name another --output.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotRun(
                f"A testbed is up in {directory} already (process {lock.read().strip() or 'unknown'}): end that one"
                " first."
                " One in another checkout works beside it, as does one with another MS_FAILOVER_BUILD."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def run_inside(arguments: Sequence[str], pid_file: Path | None = None, module: str = "lab.testbed") -> int:
    """Run a program again inside new namespaces, and return its exit status. Ctrl-C reaches it by the terminal, and
    being told to end (SIGTERM) is passed on.

    Args:
        arguments: of the program.
        pid_file: takes the id of the process that holds the namespaces, for `run_beside`, while they last.
        module: the program, as `python -m` knows it.
    """
    check()
    argv = ["unshare", *_UNSHARE, "--", sys.executable, "-m", module, *arguments]
    # The one inside must not outlive the one outside, however that one ends.
    child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *argv], env={**os.environ, INSIDE: "1"})
    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: _end(child)),
    }
    try:
        if pid_file is not None:
            pid_file.parent.mkdir(parents=True, exist_ok=True)
            pid_file.write_text(str(child.pid))
        return child.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if pid_file is not None:
            pid_file.unlink(missing_ok=True)


def _end(holder: subprocess.Popen[bytes]) -> None:
    """Have the program inside clean up and leave. The process that holds the namespaces lets no signal through."""
    inside = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    for pid in inside:
        os.kill(int(pid), signal.SIGTERM)
    if not inside:
        holder.kill()


def run_beside(arguments: Sequence[str]) -> int:
    """Run this program inside the namespaces of the testbed that `make testbed` keeps up.

    Raises:
        CannotRun: no testbed is up.
    """
    try:
        if not TESTBED_FILE.exists():
            raise OSError
        holder = int(PID_FILE.read_text())
        first = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0]
    except (OSError, ValueError, IndexError):
        raise CannotRun(
            "No testbed is up: start one with `make testbed` in another terminal, and wait for it."
        ) from None
    argv = ["nsenter", "-t", first, "--net", "--mount", "--pid", f"--wdns={Path.cwd()}", "--"]
    return subprocess.call([*argv, sys.executable, "-m", "lab.testbed", *arguments], env={**os.environ, INSIDE: "1"})
