"""A replication that is killed when half of its bytes have arrived: what does the standby hold?"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.benchmarks.replication_hosts import Pair
from lab.benchmarks.replication_tools import LIMIT_S, Tool
from lab.benchmarks.replication_tree import Digests, digests, holding
from lab.testbed.hosts.host import Host
from lab.testbed.polling import wait_for


def killed_at_half(pair: Pair, tool: Tool, before: Digests, after: Digests, half: int) -> dict[str, Any]:
    """Start a tool, kill its processes on ms1 when `half` bytes have reached ms2, judge ms2's copy, run the tool again.

    Returns:
        files of each version on ms2, whether that is a usable set, and how the next run mended it.
    """
    source, target = pair.host("ms1"), pair.host("ms2").files.path(tool.target)
    theirs = processes(source)
    start, running = _received(pair.host("ms2")), threading.Thread(target=_run_to_its_end, args=[tool])
    running.start()
    wait_for(f"half of the bytes by {tool.name}", lambda: _received(pair.host("ms2")) - start > half, LIMIT_S, 0.002)
    for pid in processes(source) - theirs:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.join(LIMIT_S)
    _wait_at_rest(pair.host("ms2"))
    found = holding(digests(target), before, after)
    began = time.perf_counter()
    tool.run()
    seconds = time.perf_counter() - began
    return {**vars(found), "next_run_s": round(seconds, 3), "next_run_complete": digests(target) == after}


def _run_to_its_end(tool: Tool) -> None:
    with suppress(Exception):
        tool.run()


def _wait_at_rest(host: Host) -> None:
    """Until what the receiving host does with its broken connection is over."""
    last, since = _received(host), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.05)
        if (now := _received(host)) != last:
            last, since = now, time.monotonic()


def processes(host: Host) -> set[int]:
    """The host's processes, as the testbed sees them; those that entered it and wait outside are not among them."""
    name = Path(f"/proc/{host.pid}/ns/pid").readlink()
    found = set()
    for path in Path("/proc").iterdir():
        with suppress(OSError):
            if path.name.isdigit() and (path / "ns" / "pid").readlink() == name:
                found.add(int(path.name))
    return found


def _received(host: Host) -> int:
    """Bytes that have come in by the host's cable."""
    lines = Path(f"/proc/{host.pid}/net/dev").read_text().splitlines()
    return int(next(line for line in lines if line.strip().startswith("eth0:")).split(":")[1].split()[0])
