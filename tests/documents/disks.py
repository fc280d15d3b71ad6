"""A host's file systems, recorded as programs go on, and set back to what a power cut may leave of them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.documents.pair import Pair

AT = "/run/disks"  # where they are mounted
IMAGES = "/var/lib/disks"  # what they are made of, and all records of that
RECORDED = ("mv", "sync", "rm", "perl", "mkdir", "rmdir", "cp", "chmod")

# Before each program: what all of it has come to. Frozen, a file system is on its disk as it is.
_RECORDER = """\
if [ -e {images}/recording ]; then
  exec 5>>{images}/lock
  flock 5
  n=$(cat {images}/recording)
  for disk in {names}; do
    fsfreeze -f {at}/$disk
    /usr/bin/cp --sparse=always {images}/$disk.img {images}/$n-$disk.img
    fsfreeze -u {at}/$disk
  done
  printf '%s\\0' {program} "$@" >{images}/$n-program
  echo $((n + 1)) >{images}/recording
  exec 5>&-
fi
exec {real} "$@"
"""


@dataclass(frozen=True)
class Crash:
    """What a power cut leaves: each disk as of a moment; with or without the data that nobody synced."""

    moments: tuple[int, ...]
    data_lost: bool


class Disks:
    """The disks of one host; `layout` has each one's name and the directories of the host that lie on it."""

    def __init__(
        self, pair: Pair, role: str, layout: Mapping[str, Sequence[str]], size_mb: int = 100, options: str = ""
    ) -> None:
        self._host = pair.host(role)
        self._pair, self._role, self.layout = pair, role, dict(layout)
        self.events: list[list[str]] = []
        for name, paths in self.layout.items():
            image = f"{IMAGES}/{name}.img"
            self._run(f"mkdir -p {IMAGES} {AT}/{name} && truncate -s {size_mb}M {image}")
            self._run(f"mkfs.ext4 -q -F -b 4096 -J size=4 -N 3000 {options} {image}")
            self._run(f"mount -o loop {image} {AT}/{name}")
            for path in paths:
                self._run(f"mkdir -p {AT}/{name}{path} && cp -a {path}/. {AT}/{name}{path}/")
            self._run(f"umount {AT}/{name}")
        self.attach()

    def attach(self) -> None:
        """Mount all disks, and their directories where the host has them."""
        for name, paths in self.layout.items():
            self._run(f"mkdir -p {AT}/{name} && mount -o loop {IMAGES}/{name}.img {AT}/{name}")
            for path in paths:
                self._run(f"mount --bind {AT}/{name}{path} {path}")

    def detach(self) -> None:
        """Unmount them again."""
        for name, paths in self.layout.items():
            for path in (*paths, f"{AT}/{name}"):
                self._run(f"for _ in {{1..100}}; do umount {path} && exit; sleep 0.05; done; exit 1")

    def snapshot(self) -> None:
        """Keep all disks as they are now, block by block."""
        self.detach()
        for name in self.layout:
            self._run(f"cp --sparse=always {IMAGES}/{name}.img {IMAGES}/{name}.snapshot")
        self.attach()

    def set_back(self) -> None:
        """Have all disks as of the snapshot."""
        self.detach()
        for name in self.layout:
            self._run(f"cp --sparse=always {IMAGES}/{name}.snapshot {IMAGES}/{name}.img")
        self.attach()

    def record(self) -> None:
        """From here on, keep a copy of all disks before each program that the host runs and that changes files."""
        self._run(f"echo 0 >{IMAGES}/recording")
        for program in RECORDED:
            real = next(path for path in (f"/usr/bin/{program}", f"/usr/sbin/{program}") if Path(path).exists())
            names = shlex.join(self.layout)
            script = _RECORDER.format(images=IMAGES, at=AT, names=names, program=program, real=real)
            self._pair.stand_in(self._role, program, script)

    def recorded(self) -> None:
        """Stop recording; `events` are the programs, and one copy more is of the end."""
        self._pair.put_aside(self._role)
        top = self._pair.inside(self._role, IMAGES)
        count = int((top / "recording").read_text())
        (top / "recording").unlink()
        self.events = [os.fsdecode((top / f"{n}-program").read_bytes()).split("\0")[:-1] for n in range(count)]
        for name in self.layout:
            self._run(f"sync -f {AT}/{name} && cp --sparse=always {IMAGES}/{name}.img {IMAGES}/{count}-{name}.img")

    def crashes(self, first: int, *, edges: bool = False) -> list[Crash]:
        """All that a power cut from this event on may leave, each once.

        Args:
            edges: only what is left where each disk by itself lost all that it may lose, or nothing of it.
        """
        found: dict[Crash, None] = {}
        for moment in range(first, len(self.events) + 1):
            ranges = [range(self._synced(name, moment), moment + 1) for name in self.layout]
            combinations: list[tuple[int, ...]] = [()]
            for each in ranges:
                moments = sorted({each[0], each[-1]}) if edges else each
                combinations = [(*left, at) for left in combinations for at in moments]
            for left in combinations:
                for data_lost in (False, True):
                    found[Crash(left, data_lost)] = None
        return list(found)

    def set_to(self, crash: Crash) -> None:
        """Have the host as after this power cut, its disks mounted again."""
        for name, moment in zip(self.layout, crash.moments, strict=True):
            self._run(f"cp --sparse=always {IMAGES}/{moment}-{name}.img {IMAGES}/{name}.img")
        self.attach()
        if crash.data_lost:
            for name, moment in zip(self.layout, crash.moments, strict=True):
                self._lose_data(name, moment)

    def _covers(self, name: str, event: Sequence[str]) -> bool:
        """Whether a program synced this disk, as far as names go."""
        if event[0] != "sync":
            return False
        paths = [word for word in event[1:] if not word.startswith("-")]
        return not paths or any(self._disk_of(path) == name for path in paths)

    def _disk_of(self, path: str) -> str | None:
        for name, tops in self.layout.items():
            if any(path == top or path.startswith(f"{top}/") for top in tops):
                return name
        return None

    def _synced(self, name: str, moment: int) -> int:
        """The latest event before a moment that synced a disk: what was there when it began is sure to be there."""
        return max((n for n in range(moment) if self._covers(name, self.events[n])), default=0)

    def _lose_data(self, name: str, moment: int) -> None:
        """Empty every file of a disk that nobody synced since it was written."""
        top = self._pair.inside(self._role, f"{AT}/{name}")
        safe = self._safe(name, moment)
        for path in [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]:
            about = path.stat()
            if about.st_size and (about.st_ino, about.st_mtime_ns, about.st_size) not in safe:
                os.truncate(path, 0)

    def _safe(self, name: str, moment: int) -> set[tuple[int, int, int]]:
        """Inode, time and size of all files whose content is sure to be on a disk."""
        safe = self._listed(name, 0, [])
        for n in range(moment):
            event = self.events[n]
            if self._covers(name, event):
                paths = [word for word in event[1:] if not word.startswith("-")]
                safe |= self._listed(name, n, [] if not paths or "-f" in event else paths)
        return safe

    def _listed(self, name: str, moment: int, paths: Sequence[str]) -> set[tuple[int, int, int]]:
        """Files of a disk at a moment: all of them, or these."""
        at = f"{AT}/listed"
        self._run(f"mkdir -p {at} && mount -o loop,ro,noload {IMAGES}/{moment}-{name}.img {at}")
        top = self._pair.inside(self._role, at)
        wanted = [top / path.lstrip("/") for path in paths] if paths else list(top.rglob("*"))
        found = [path.stat() for path in wanted if path.is_file() and not path.is_symlink()]
        self._run(f"umount {at}")
        return {(about.st_ino, about.st_mtime_ns, about.st_size) for about in found}

    def _run(self, script: str) -> None:
        self._host.run(["/bin/bash", "-c", script])
