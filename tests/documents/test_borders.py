"""What is mounted, linked elsewhere, immutable or on another disk is found before anything is moved or removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.documents.pair import CDS, DISTS, STATE, Pair
from tests.documents.test_whole import failed

pytestmark = pytest.mark.testbed

BESIDE = f"{Path(CDS).parent}/.ms-failover"


@contextmanager
def mounted(pair: Pair, role: str, path: str) -> Iterator[Path]:
    """Another directory of the host's, mounted at a path, with one file in it."""
    elsewhere = pair.write(role, "/var/lib/elsewhere/kept", "somebody else's")
    pair.host(role).run(["sh", "-c", f"mkdir -p {path} && mount --bind /var/lib/elsewhere {path}"])
    try:
        yield elsewhere
    finally:
        pair.host(role).run(["umount", "--lazy", path])


@pytest.mark.parametrize(("role", "path"), [("ms2", f"{CDS}/iso"), ("ms2", f"{BESIDE}/cds/iso"), ("ms1", f"{CDS}/iso")])
def test_what_is_mounted_in_the_way_is_refused_by_name_and_never_emptied(pair: Pair, role: str, path: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    with mounted(pair, role, path) as elsewhere:
        assert f"{path} " in failed(pair.replicate())
        assert elsewhere.read_text() == "somebody else's"
    pair.host(role).run(["rmdir", path])
    pair.assert_complete(pair.replicate())


def test_a_mount_point_that_is_replicated_itself_is_refused_on_the_standby(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    with mounted(pair, "ms2", CDS) as elsewhere:
        assert f"{CDS} is a mount point" in failed(pair.replicate())
        assert elsewhere.read_text() == "somebody else's"


@pytest.mark.parametrize("path", [BESIDE, f"{BESIDE}/cds"])
def test_a_staging_area_that_leads_elsewhere_is_refused(pair: Pair, path: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    kept = pair.write("ms2", "/var/lib/elsewhere/kept", "somebody else's")
    there = pair.inside("ms2", path)
    shutil.rmtree(there, ignore_errors=True)
    there.parent.mkdir(exist_ok=True)
    there.symlink_to("/var/lib/elsewhere")
    assert f"{path} is a link" in failed(pair.replicate())
    assert kept.read_text() == "somebody else's"
    there.unlink()
    pair.assert_complete(pair.replicate())


def test_a_staging_area_on_another_disk_is_refused(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.host("ms2").run(["sh", "-c", f"mkdir -p {BESIDE} && mount -t tmpfs -o size=9m disk {BESIDE}"])
    assert BESIDE in failed(pair.replicate())
    pair.host("ms2").run(["umount", "--lazy", BESIDE])
    pair.assert_complete(pair.replicate())


@pytest.mark.parametrize("path", [CDS, DISTS, str(Path(CDS).parent), f"{CDS}/one"])
def test_what_is_immutable_is_found_before_the_swap_and_the_standby_can_be_started(pair: Pair, path: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.write("ms1", f"{DISTS}/one", "1")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    for name in (CDS, DISTS):
        pair.write("ms1", f"{name}/one", "2")
    pair.host("ms2").run(["chattr", "+i", path])
    try:
        assert "on the standby" in failed(pair.replicate())
        assert pair.holds("ms2") == before
        started = pair.run("ms2", "start", Epoch="1", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
        assert started.code == 0, started.stderr
    finally:
        pair.host("ms2").run(["chattr", "-i", path])
    pair.set_epoch("ms2", 1, "standby")
    pair.assert_complete(pair.replicate())


def test_where_a_directory_could_only_be_copied_nothing_is_moved_aside(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    before, inode = pair.holds("ms2"), pair.inside("ms2", CDS).stat().st_ino
    pair.write("ms1", f"{CDS}/one", "2")
    # What a file system of layers says of a directory of a lower one: another device, though none is to be seen.
    pair.stand_in("ms2", "mv", '[[ "$*" = *--exchange* ]] && exit 1; exec /usr/bin/mv "$@"')
    pair.stand_in("ms2", "perl", '[[ "$*" = *syscall* && "$*" = *staging* ]] && exit 18; exec /usr/bin/perl "$@"')
    assert "could not be exchanged" in failed(pair.replicate())
    pair.put_aside("ms2")
    assert pair.holds("ms2") == before
    assert pair.inside("ms2", CDS).stat().st_ino == inode
    pair.assert_complete(pair.replicate())


def test_a_swap_that_cannot_be_made_after_all_is_put_back(pair: Pair) -> None:
    for name in (CDS, DISTS):
        pair.write("ms1", f"{name}/one", "1")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    for name in (CDS, DISTS):
        pair.write("ms1", f"{name}/one", "2")
    # Not to be found by trying: one of both exchanges fails, whichever way it is made.
    fails = 'case "$*" in *--exchange*|*dists*) exit 1 ;; esac; exec /usr/bin/'
    pair.stand_in(
        "ms2", "mv", '[[ "$*" = *--exchange* || "$*" = *dists/staging.old* ]] && exit 1; exec /usr/bin/mv "$@"'
    )
    pair.stand_in("ms2", "perl", f'{fails}perl "$@"')
    assert "all was put back, the standby keeps its last complete set" in failed(pair.replicate())
    pair.put_aside("ms2")
    assert pair.holds("ms2") == before
    assert not pair.inside("ms2", f"{STATE}/swap").exists()
    pair.assert_complete(pair.replicate())
