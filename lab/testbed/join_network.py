"""From outside into the network of the testbed that `make testbed` keeps up, without starting another process."""

from __future__ import annotations

import ctypes
import json
import os
from pathlib import Path
from typing import Any

from lab.testbed.state_files import PID_FILE, TESTBED_FILE

_CLONE_NEWNET = 0x40000000


class CannotJoin(Exception):
    """The testbed can't be reached; the sentence says why and what to do."""


def join() -> dict[str, Any]:
    """Enter the testbed's network (this thread, and those it starts from now on) and return what its file says.

    Raises:
        CannotJoin: no testbed is up, or this is not root.
    """
    try:
        testbed: dict[str, Any] = json.loads(TESTBED_FILE.read_text())
        holder = int(PID_FILE.read_text())
        first = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0]
        # pid of unshare's child, whose namespaces are the testbed's
        network = os.open(f"/proc/{first}/ns/net", os.O_RDONLY)
    except (OSError, ValueError, IndexError) as error:
        if isinstance(error, PermissionError):
            raise CannotJoin("The testbed is root's: run this as root.") from error
        raise CannotJoin(
            "No testbed is up: start one with `make testbed` in another terminal, and wait for it."
        ) from None
    try:
        if ctypes.CDLL(None, use_errno=True).setns(network, _CLONE_NEWNET) != 0:
            raise CannotJoin(f"The testbed's network can't be entered: {os.strerror(ctypes.get_errno())}; run as root.")
    finally:
        os.close(network)
    return testbed
