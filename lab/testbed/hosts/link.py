"""The line between the two servers' hosts, made to stop in the middle of a copy."""

from __future__ import annotations

import shutil

from lab.testbed.hosts.host import PATH, Host

_GATE = "/run/let-go"
_STAND_IN = "/usr/local/sbin/ssh"


def hold_copies_after(host: Host, sent: int) -> None:
    """Let this many bytes of each copy from a host through, and the rest once `let_go` was called."""
    host.inside(_GATE).unlink(missing_ok=True)
    through = f"stdbuf -o0 head -c {sent}; until [ -e {_GATE} ]; do sleep 0.02; done; cat"
    real = shutil.which("ssh", path=PATH)
    script = f'case "$*" in *"rsync --server"*) exec {real} "$@" < <({through}) ;; esac\nexec {real} "$@"\n'
    host.files.write(_STAND_IN, f"#!/bin/bash\n{script}", mode=0o755)


def let_go(host: Host) -> None:
    """Let through what is held, and hold nothing any more."""
    host.inside(_GATE).touch()
    host.files.path(_STAND_IN).unlink(missing_ok=True)
