"""Without room for bytes, names or paths, on either host, the reason says so, and the standby keeps a whole set."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.pair import CDS, DISTS, STATE, WHOLE, Pair
from tests.documents.test_whole import failed

pytestmark = pytest.mark.testbed


@contextlib.contextmanager
def a_disk_of_its_own(pair: Pair, role: str, path: str, options: str) -> Iterator[None]:
    """Have a host's directory on a small file system of its own, with what is in it."""
    host, kept = pair.host(role), "/root/kept"
    mounted = (
        f"rm -rf {kept} && cp -a {path} {kept} && mount -t tmpfs -o {options} small {path} && cp -a {kept}/. {path}/"
    )
    if role == "ms2":  # what the last run leaves there is cleared away under this lock, after its answer
        host.run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])
    host.run(["bash", "-c", mounted])
    try:
        yield
    finally:
        host.run(["umount", "--lazy", path])


def fill(pair: Pair, role: str, path: str, what: str) -> None:
    """Leave no byte, or no name, in a file system."""
    bytes_ = f"head -c 1G /dev/zero >{path}/filler"
    names = f"mkdir {path}/filler && for ((n = 0; ; n++)); do true >{path}/filler/$n || break; done"
    pair.host(role).run(["bash", "-c", f"{ {'bytes': bytes_, 'names': names}[what] } 2>/dev/null; true"])


def make_room(pair: Pair, role: str, path: str) -> None:
    pair.host(role).run(["rm", "-rf", f"{path}/filler"])


SAID = {"bytes": "no space left (", "names": "no inodes left ("}


@pytest.mark.parametrize("what", SAID)
def test_no_room_in_the_senders_state_directory_is_the_reason_and_room_is_all_it_takes(pair: Pair, what: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    with a_disk_of_its_own(pair, "ms1", STATE, "size=4m,nr_inodes=400"):
        fill(pair, "ms1", STATE, what)
        pair.write("ms1", f"{CDS}/one", "2")
        reason = failed(pair.replicate())
        assert reason.startswith(f"this host's disk is full at {STATE}: {SAID[what]}"), reason
        assert pair.holds("ms2") == before
        make_room(pair, "ms1", STATE)
        pair.assert_complete(pair.replicate())


@pytest.mark.parametrize("what", SAID)
def test_no_room_in_the_standbys_state_directory_is_the_reason_and_room_is_all_it_takes(pair: Pair, what: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    pair.host("ms2").run(["flock", "-w", "10", f"{STATE}/receive.lock", "true"])
    before = pair.holds("ms2")
    with a_disk_of_its_own(pair, "ms2", STATE, "size=4m,nr_inodes=400"):
        fill(pair, "ms2", STATE, what)
        pair.write("ms1", f"{CDS}/one", "2")
        reason = failed(pair.replicate())
        assert f"standby's disk is full at {STATE}: {SAID[what]}" in reason, reason
        assert pair.holds("ms2") == before
        make_room(pair, "ms2", STATE)
        pair.assert_complete(pair.replicate())
        pair.host("ms2").run(["flock", "-w", "10", f"{STATE}/receive.lock", "true"])


def test_a_standby_without_inodes_is_told_of_before_anything_travels(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    with a_disk_of_its_own(pair, "ms2", "/var/opt/ssh-mgmt", "size=300m,nr_inodes=200"):
        for number in range(250):
            pair.write("ms1", f"{CDS}/{number}", "x")
        ended = pair.replicate()
        assert "files are to come, and the file system has" in failed(ended)
        assert ended.result["sent_bytes"] == 0


def test_a_path_longer_than_any_call_takes_is_named_with_its_cause_first_and_shortened(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    top = pair.inside("ms1", CDS)
    dive(top, "deep" * 50, 25)
    try:
        reason = failed(pair.replicate())
    finally:
        pair.host("ms1").run(["rm", "-rf", f"{CDS}/{'deep' * 50}"])
    assert reason.startswith("File name too long")
    assert len(reason) < 600, reason
    assert pair.holds("ms2") == before
    pair.assert_complete(pair.replicate())


def dive(top: Path, name: str, times: int) -> None:
    """Make folders in one another, deeper than a path may be long, with a file in the last."""
    here = os.open(top, os.O_DIRECTORY)
    for _ in range(times):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


FILLED = "head -c 200M /dev/zero >/var/opt/ssh-mgmt/filler 2>/dev/null"
# Ends the receiver as a person would, once, as soon as the swap is recorded.
ENDED = (
    '/usr/bin/mv "$@" || exit; case "$*" in *swap) [ -e /run/died ] || { touch /run/died; kill -TERM $PPID; } ;; esac'
)


def test_a_receiver_that_is_ended_with_the_swap_recorded_and_little_room_left_loses_nothing(pair: Pair) -> None:
    for directory in (CDS, DISTS):
        pair.write("ms1", f"{directory}/one", "1")
    with a_disk_of_its_own(pair, "ms2", "/var/opt/ssh-mgmt", "size=80m"):
        pair.assert_complete(pair.replicate())
        pair.host("ms2").run(["flock", "-w", "10", f"{STATE}/receive.lock", "true"])
        for directory in (CDS, DISTS):
            pair.write("ms1", f"{directory}/one", "2")
        pair.stand_in("ms2", "mv", f'{ENDED}; case "$*" in *swap) {FILLED} ;; esac')
        pair.replicate()
        pair.put_aside("ms2")
        pair.inside("ms2", "/run/died").unlink()
        promoted = pair.run("ms2", "start", Epoch="1", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
        assert promoted.code == 0, promoted.stderr
        assert {pair.inside("ms2", f"{directory}/one").read_text() for directory in (CDS, DISTS)} == {"2"}
        assert all(pair.inside("ms2", directory).is_dir() for directory in WHOLE)
        pair.set_epoch("ms2", 1, "standby")
        pair.host("ms2").run(["rm", "-f", "/var/opt/ssh-mgmt/filler"])
        pair.assert_complete(pair.replicate())
