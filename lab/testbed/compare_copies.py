"""Are the two hosts' replicated files the same? Compared from outside, not by what replication says of itself."""

from __future__ import annotations

import hashlib
import stat

from failoverctl.acceptance.report.record import Replication
from lab.testbed.hosts.server_host import CONFIGURATION, DATA, ServerHost

Tree = dict[str, tuple[str, int, int, int, int, int]]

REPLICATED = (f"{DATA}/cds", f"{DATA}/dists", CONFIGURATION)


def compare(source: ServerHost, copy: ServerHost) -> Replication:
    """Compare names, contents, modes, owners and times of what is replicated; counts are the source's."""
    files = size = 0
    identical = True
    for directory in REPLICATED:
        ours, theirs = tree(source, directory), tree(copy, directory)
        identical = identical and ours == theirs
        files += len(ours)
        size += sum(entry[1] for entry in ours.values())
    return Replication(files, identical, size)


def held(server: ServerHost) -> dict[str, Tree]:
    """Everything that is replicated, as a host that is on has it."""
    return {directory: tree(server, directory) for directory in REPLICATED}


def tree(server: ServerHost, directory: str) -> Tree:
    """The files of a directory of a host that is on, each with content, size, mode, owners and time."""
    top, found = server.host.inside(directory), {}
    for path in top.rglob("*"):
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            continue
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(top))] = (
            content, about.st_size, about.st_mode, about.st_uid, about.st_gid, about.st_mtime_ns,
        )  # fmt: skip
    return found
