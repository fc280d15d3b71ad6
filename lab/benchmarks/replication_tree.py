"""The tree that is carried, its versions, and what a host holds of them."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.benchmarks.replication_tools import DIRECTORIES

PER_PACKAGE = 200

Digests = Mapping[str, bytes]


def plant(top: Path, files: int, size: int) -> None:
    """Make the tree below `top`: as imports of managed software leave it, one file in four in cds, the rest in dists.

    Args:
        top: the directory that takes cds and dists; what is in these is replaced by nothing here.
        files: how many.
        size: bytes of each; their content is not to be compressed, and no two are alike.
    """
    rewrite(top, range(files), size, seed=1)


def rewrite(top: Path, numbers: range, size: int, seed: int) -> None:
    """Give these files of the tree new content: another file in each one's place, as an import does it."""
    chance = random.Random(seed)
    noise = os.urandom((1 << 20) + size)
    for number in numbers:
        path = path_of(top, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        start = chance.randrange(1 << 20)
        new = path.with_name(f".{path.name}.new")
        new.write_bytes(noise[start : start + size])
        new.replace(path)


def path_of(top: Path, number: int) -> Path:
    """Where a file of the tree is."""
    directory = DIRECTORIES[0] if number % 4 == 0 else DIRECTORIES[1]
    return top / directory / f"package-{number // PER_PACKAGE:03d}" / f"{number:05d}.rpm"


def digests(top: Path) -> Digests:
    """Every file below cds and dists, by its name there, with a digest of its content."""
    found = {}
    for directory in DIRECTORIES:
        for folder, _, names in os.walk(top / directory):
            for name in names:
                path = Path(folder, name)
                found[str(path.relative_to(top))] = hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    return found


@dataclass(frozen=True)
class Holding:
    """What a copy holds of two versions of the tree, in files.

    Args:
        before: of the version before, and only of that one.
        after: of the version after, and only of that one.
        other: of neither: cut off in the middle, left over, or missing.
        usable: all of one version and nothing else.
    """

    before: int
    after: int
    other: int
    usable: bool


def holding(copy: Digests, before: Digests, after: Digests) -> Holding:
    """Judge a copy against the versions it may be of."""
    counts = {"before": 0, "after": 0, "other": 0}
    for name in copy.keys() | before.keys() | after.keys():
        found = copy.get(name)
        if before.get(name) == after.get(name) == found:
            continue
        if found is not None and found == before.get(name):
            counts["before"] += 1
        elif found is not None and found == after.get(name):
            counts["after"] += 1
        else:
            counts["other"] += 1
    return Holding(**counts, usable=copy in (before, after))
