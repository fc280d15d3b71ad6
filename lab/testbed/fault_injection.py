"""A hand on the testbed that is up: what a person breaks and mends there from a second terminal, to try the rest on.

The testbed listens on a socket of its own network, which nobody outside can see; a line with a fault and a server does
it, and a line of JSON comes back: whether it was done, and a sentence.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lab.testbed.faults import FAULTS
from lab.testbed.polling import TestbedError

if TYPE_CHECKING:
    from lab.testbed.testbed import Testbed

_NAME = "\0ms-failover-hand"
"""An abstract name: it lives and ends with the testbed's network namespace."""
_LONGEST_LINE = 200
_ANSWER_WITHIN_S = 30.0


def listen(testbed: Testbed) -> None:
    """Do what comes in, one at a time, until the testbed ends. Returns at once."""
    access = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    access.bind(_NAME)
    access.listen(4)

    def serve() -> None:
        while True:
            caller, _ = access.accept()
            with caller:
                caller.settimeout(5)
                try:
                    line = caller.makefile("rb").readline(_LONGEST_LINE).decode(errors="replace")
                    done, sentence = obey(testbed, line)
                    caller.sendall(json.dumps({"done": done, "sentence": sentence}).encode() + b"\n")
                except OSError:
                    continue  # the caller has gone

    threading.Thread(target=serve, name="hand", daemon=True).start()


def obey(testbed: Testbed, line: str) -> tuple[bool, str]:
    """Do what a line says ("kill active"). Returns whether it was done, and what was done or why it was not."""
    name, _, whom = line.strip().partition(" ")
    if name == "pid-of" and whom in ("ms1", "ms2"):
        return True, str(testbed.hosts.ms(whom).host.pid)
    whom = whom or ("active" if name in FAULTS and not FAULTS[name].of_a_server else "")
    if name not in FAULTS or whom not in ("ms1", "ms2", "active", "standby"):
        return False, f"{line.strip()[:40]!r} is no fault: {usage()}" if line.strip() else usage()
    active = str(testbed.record().get("active") or "ms1")
    server = {"active": active, "standby": "ms2" if active == "ms1" else "ms1"}.get(whom, whom)
    try:
        FAULTS[name].do(testbed, server)
    except (TestbedError, OSError, RuntimeError, subprocess.SubprocessError, ClientError) as error:
        return False, f"{name} {server} was not done: {error}"
    return True, FAULTS[name].sentence.format(server=server)


def usage() -> str:
    return f'DO is one of {", ".join(FAULTS)}, and one of ms1, ms2, active, standby: make fault DO="kill active"'


def table() -> str:
    """Every fault with what takes it back, a line each."""
    rows = []
    for name, fault in FAULTS.items():
        whom = " SERVER" if fault.of_a_server else ""
        rows.append(f"{name + whom:27} {fault.sentence.format(server='SERVER'):72} undo: {fault.undo or '-'}")
    return "\n".join([*rows, "", f"SERVER is ms1, ms2, active or standby. {usage()}"])


def ask(line: str) -> tuple[bool, str]:
    """Have the testbed do it; to be called inside its network. Returns whether it was done, and its sentence."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as access:
        access.settimeout(_ANSWER_WITHIN_S)
        access.connect(_NAME)
        access.sendall(f"{line}\n".encode())
        answer = json.loads(access.makefile("rb").readline())
    return bool(answer["done"]), str(answer["sentence"])
