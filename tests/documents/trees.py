"""A directory tree as it looks from outside: all that must be the same on both hosts."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

_ACLS = ("system.posix_acl_access", "system.posix_acl_default")


@dataclass(frozen=True)
class Entry:
    """One name below a directory.

    Args:
        content: of a file its SHA-256, of a link its target, else empty.
        twins: all names that are the same file, this one included; empty for one that has no other.
    """

    mode: str
    owner: tuple[int, int]
    size: int
    modified_ns: int
    content: str
    acls: tuple[bytes, ...]
    twins: tuple[str, ...] = ()


def tree(top: Path) -> dict[str, Entry]:
    """Every name below a directory, the directory itself as ".", with what is to be equal on both hosts."""
    found, names_of = {}, dict[int, list[str]]()
    for path in (top, *_below(top)):
        name, about = os.path.relpath(path, top), path.lstat()
        if stat.S_ISREG(about.st_mode):
            names_of.setdefault(about.st_ino, []).append(name)
        found[name] = _entry(path, about)
    for names in names_of.values():
        if len(names) > 1:
            for name in names:
                entry = found[name]
                found[name] = Entry(
                    entry.mode, entry.owner, entry.size, entry.modified_ns, entry.content, entry.acls,
                    tuple(sorted(names)),
                )  # fmt: skip
    return found


def _below(top: Path) -> list[Path]:
    return [Path(directory, name) for directory, folders, files in os.walk(top) for name in sorted((*folders, *files))]


def _entry(path: Path, about: os.stat_result) -> Entry:
    content, size = "", 0
    acls: tuple[bytes, ...] = ()
    if stat.S_ISLNK(about.st_mode):
        content = str(path.readlink())
    else:
        acls = tuple(os.getxattr(path, name) for name in _ACLS if name in os.listxattr(path))
    if stat.S_ISREG(about.st_mode):
        content, size = hashlib.sha256(path.read_bytes()).hexdigest(), about.st_size
    return Entry(stat.filemode(about.st_mode), (about.st_uid, about.st_gid), size, about.st_mtime_ns, content, acls)
