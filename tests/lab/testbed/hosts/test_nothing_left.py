"""However the testbed ends, nothing of it is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.testbed.hosts.addresses import BRIDGE
from lab.testbed.hosts.polling import wait_until
from tests.lab.testbed.hosts.inside import start_inside

UP = """
import sys, time
from pathlib import Path
from lab.testbed.hosts.hosts import Hosts
with Hosts(Path(sys.argv[1]), agents=3) as hosts:
    print("up", flush=True)
    time.sleep(600)
"""

CUT = """
import subprocess, sys
from pathlib import Path
from lab.testbed.hosts.addresses import DATABASE
from lab.testbed.hosts.hosts import Hosts
with Hosts(Path(sys.argv[1]), agents=1) as hosts:
    hosts.host("ms1").cut([DATABASE])
    cut = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
left = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
print([text.count("cut_") for text in (cut, left)], flush=True)
"""


def descendants(pid: int) -> set[tuple[int, str]]:
    """Every process under this one, each with the time of its start, which tells it from a later one of its number."""
    found: set[tuple[int, str]] = set()
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found |= {(int(child), started(int(child)))} | descendants(int(child))
    return found


def started(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def traces(work_dir: Path) -> list[str]:
    """Interfaces and mounts of a testbed that can be seen from here."""
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout)
    found = [link["ifname"] for link in links if link["ifname"] == BRIDGE or link["ifname"].startswith("v-")]
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return found + [mount for mount in mounts if mount == "/var/opt" or mount.startswith(str(work_dir))]


@pytest.mark.testbed(outside=True)
def test_a_killed_testbed_leaves_no_process_interface_or_mount(tmp_path: Path) -> None:
    assert traces(tmp_path) == []
    outer = start_inside([sys.executable, "-c", UP, str(tmp_path)])
    try:
        assert outer.stdout is not None
        first = outer.stdout.readline()
        assert first == "up\n", first + outer.stdout.read()
        family = descendants(outer.pid)
        # Six hosts, each an unshare and a first process, and what runs on them.
        assert len(family) > 20
        assert traces(tmp_path) == []
    finally:
        outer.kill()
        outer.wait(timeout=10)

    def left() -> list[int]:
        return [pid for pid, start in family if started(pid) == start]

    try:
        wait_until("every process is gone", lambda: not left(), deadline_s=10)
        assert traces(tmp_path) == []
    finally:
        for pid in left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.testbed(outside=True)
def test_hosts_that_end_cut_off_leave_no_cut_to_the_next_ones(tmp_path: Path) -> None:
    outer = start_inside([sys.executable, "-c", CUT, str(tmp_path)])
    told, _ = outer.communicate(timeout=60)
    assert told.strip().splitlines()[-1] == "[1, 0]"
