"""A directory tree as it looks from outside: all that must be the same on both hosts."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One name below a directory.

    Args:
        content: of a file its SHA-256, of a link its target, of a device its numbers, else empty.
        attributes: extended attributes and access control lists, by name.
        twins: all names that are the same file, this one included; empty for one that has no other.
    """

    mode: str
    owner: tuple[int, int]
    size: int
    modified_ns: int
    content: str
    attributes: tuple[tuple[str, bytes], ...]
    twins: tuple[str, ...] = ()


def tree(top: Path) -> dict[str, Entry]:
    """Every name below a directory, the directory itself as ".", with what is to be equal on both hosts."""
    found, names_of = {}, dict[tuple[int, int], list[str]]()
    for path in (top, *_below(top)):
        name, about = os.path.relpath(path, top), path.lstat()
        if not stat.S_ISDIR(about.st_mode):
            names_of.setdefault((about.st_dev, about.st_ino), []).append(name)
        found[name] = _entry(path, about)
    for names in names_of.values():
        if len(names) > 1:
            for name in names:
                found[name] = replace(found[name], twins=tuple(sorted(names)))
    return found


def led_to(link: Path) -> str:
    """Where a link leads, as it is written: a Path would leave slashes out."""
    return os.readlink(link)  # noqa: PTH115


def _below(top: Path) -> list[Path]:
    below = os.walk(top, onerror=_fail)
    return [Path(directory, name) for directory, folders, files in below for name in sorted((*folders, *files))]


def _fail(error: OSError) -> None:
    raise error


def _entry(path: Path, about: os.stat_result) -> Entry:
    content, size = "", 0
    if stat.S_ISLNK(about.st_mode):
        content = led_to(path)
    elif stat.S_ISREG(about.st_mode):
        content, size = hashlib.sha256(path.read_bytes()).hexdigest(), about.st_size
    elif about.st_rdev:
        content = f"{os.major(about.st_rdev)}, {os.minor(about.st_rdev)}"
    attributes = tuple(
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(os.listxattr(path, follow_symlinks=False))
    )
    return Entry(
        stat.filemode(about.st_mode), (about.st_uid, about.st_gid), size, about.st_mtime_ns, content, attributes
    )
