"""A replication whose host or program is killed as one of its programs starts, which one being drawn from a seed."""

from __future__ import annotations

import fcntl
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents.pair import CDS, CONFIG, DISTS, STATE, WHOLE, Pair
from tests.documents.trees import Entry

# What either end runs. Shells, ssh and sudo are left alone: they start once, before anything is at stake.
PROGRAMS = (
    "mv", "rm", "rmdir", "mkdir", "cp", "ln", "sync", "rsync", "find", "sort", "comm", "uniq", "sed", "cut", "tr",
    "xargs", "head", "tail", "cat", "grep", "awk", "cmp", "stat", "df", "du", "flock", "perl", "sha256sum", "mktemp",
    "date", "wc", "chmod", "touch", "findmnt", "mountpoint", "readlink",
)  # fmt: skip
WAYS = {
    "power": "kill -KILL -1; kill -KILL $$",  # all of the host
    "kill": "kill -KILL $PPID",
    "term": "kill -TERM $PPID",
}
LEFT, DIED = "/run/starts-left", "/run/died"
MANY = 100_000
AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)

Held = dict[str, dict[str, Entry]]


def arm(pair: Pair) -> None:
    """Put a stand-in before every program of both hosts that counts starts down, and kills at the end of the count."""
    for role in ("ms1", "ms2"):
        for program in PROGRAMS:
            found = [path for path in (f"/usr/bin/{program}", f"/usr/sbin/{program}") if Path(path).exists()]
            if found:
                pair.stand_in(role, program, _stand_in(program, found[0]))


def _stand_in(program: str, real: str) -> str:
    return f"""\
if read -r left way <{LEFT}; then
  left=$((left - 1))
  if [ "$left" -gt 0 ]; then
    echo "$left $way" >{LEFT}
  else
    /usr/bin/rm -f {LEFT}
    echo "{program} $*" >{DIED}
    case "$way" in power) {WAYS["power"]} ;; kill) {WAYS["kill"]} ;; term) {WAYS["term"]} ;; esac
  fi
fi 2>/dev/null
exec {real} "$@"
"""


@dataclass
class Killer:
    """Kills runs of a pair's replication, and looks at what the standby holds after each."""

    pair: Pair
    dice: random.Random
    starts: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    digest: str = ""

    def settle(self) -> None:
        """Make the first set, and count the starts of programs in a run that nobody kills."""
        self._change()
        self.digest = self.pair.assert_complete(self.pair.replicate())["digest"]
        self._change()
        for role in ("ms1", "ms2"):
            self._count(role, MANY, "power")
        self.digest = self.pair.assert_complete(self.pair.replicate())["digest"]
        self._await_rest()
        for role in ("ms1", "ms2"):
            self.starts[role] = MANY - int(self.pair.inside(role, LEFT).read_text().split()[0])
            self.pair.inside(role, LEFT).unlink()

    def kill_one(self) -> bool:
        """Replicate a changed set, and kill the run on the way; returns whether it came to that.

        Raises AssertionError where the standby does not hold one whole set, or the next run does not complete.
        """
        before = self.pair.holds("ms2")
        self._change()
        after = self.pair.holds("ms1")
        role, way = self.dice.choice(("ms1", "ms2")), self.dice.choice(list(WAYS))
        at = self.dice.randint(1, self.starts[role])
        self._count(role, at, way)
        run = self.pair.begin()
        run.communicate(timeout=60)
        self._await_rest()
        died = self.pair.inside(role, DIED)
        what = died.read_text(errors="replace").strip()[:200] if died.exists() else ""
        self.told.append(f"{way} {role} at start {at} of {self.starts[role]}: {what or 'not reached'}")
        for each in ("ms1", "ms2"):
            for name in (LEFT, DIED):
                self.pair.inside(each, name).unlink(missing_ok=True)
        if what and way == "power":
            self.pair.servers[role].power_off()
            self.pair.servers[role].power_on()
        if self.dice.random() < 0.5:
            self._promote(before, after)
        result = self.pair.assert_complete(self.pair.replicate())
        self.digest = result["digest"] or self.digest
        assert self.pair.marker()["digest"] == self.digest
        self._await_rest()
        return bool(what)

    def _count(self, role: str, starts: int, way: str) -> None:
        self.pair.inside(role, LEFT).write_text(f"{starts} {way}\n")

    def _promote(self, before: Held, after: Held) -> None:
        """Start the server as a failover would: it serves with one of both sets, and the marker is of that one."""
        started = self.pair.run(
            "ms2", "start", Epoch="1", NotAfter="9999999999", StartCommand="true", StatusCommand="true"
        )
        assert started.code == 0, started.stderr
        holds = self.pair.holds("ms2")
        assert holds in (before, after), {top: holds[top] in (before[top], after[top]) for top in WHOLE}
        assert (self.pair.marker()["digest"] == self.digest) == (holds == before)
        assert not self.pair.inside("ms2", f"{STATE}/swap").exists()
        self.pair.set_epoch("ms2", 1, "standby")

    def _change(self) -> None:
        """Another set: a new content of equal size and time in each directory, a name that comes, one that goes."""
        for directory in (CDS, DISTS, CONFIG):
            for name in ("a", "folder/b"):
                path = self.pair.write("ms1", f"{directory}/{name}.new", self.dice.randbytes(3000))
                os.utime(path, ns=AT)
                path.replace(path.with_suffix(""))
        for old in self.pair.inside("ms1", f"{CDS}/folder").glob("name*"):
            old.unlink()
        self.pair.write("ms1", f"{CDS}/folder/name{self.dice.randrange(10**6)}", "x")

    def _await_rest(self) -> None:
        """Wait until no session is left on the standby, without a program of that host: a late kill would end it.

        Raises AssertionError when one is still there after 20 s.
        """
        end = time.monotonic() + 20
        with self.pair.inside("ms2", f"{STATE}/receive.lock").open("a") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    assert time.monotonic() < end, "a session holds the standby's lock for 20 s"
                    time.sleep(0.02)
