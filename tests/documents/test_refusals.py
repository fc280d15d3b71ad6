"""What a run refuses to do: to fill a disk, to empty a copy, to delete more than was allowed."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.documents.pair import CDS, DISTS, STATE, Pair
from tests.documents.test_whole import failed, half_a_copy, repaired

pytestmark = pytest.mark.testbed


def test_a_standby_without_room_is_told_of_before_anything_travels(pair: Pair) -> None:
    with_little_room(pair)
    pair.write("ms1", f"{CDS}/large", os.urandom(20_000_000))
    result = pair.replicate()
    assert "the standby's disk is too full" in failed(result)
    assert result.result["sent_bytes"] == 0
    without_little_room(pair)


def test_a_disk_that_fills_during_the_copy_keeps_the_last_set_and_is_not_left_full(pair: Pair) -> None:
    with_little_room(pair)
    before = half_a_copy(pair)
    pair.host("ms2").run(["sh", "-c", "head -c 200M /dev/zero >/var/opt/ssh-mgmt/filler || true"])
    pair.let_go()
    assert failed(pair.ended(pair.run_under_way)).startswith("the standby's disk is full at")
    assert pair.holds("ms2") == before
    pair.host("ms2").run(["rm", "/var/opt/ssh-mgmt/filler"])
    repaired(pair)
    without_little_room(pair)


def with_little_room(pair: Pair) -> None:
    """80 MB for ms2's files, of which 64 are to stay free."""
    mount = "mount -t tmpfs -o size=80m room /var/opt/ssh-mgmt && mkdir -p /var/opt/ssh-mgmt/server/{cds,dists}"
    pair.host("ms2").run(["bash", "-c", mount])


def without_little_room(pair: Pair) -> None:
    pair.host("ms2").run(["umount", "--lazy", "/var/opt/ssh-mgmt"])


def test_an_empty_source_never_empties_the_standby(pair: Pair) -> None:
    for name in ("one", "two"):
        pair.write("ms1", f"{CDS}/{name}", name)
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    pair.host("ms1").run(["sh", "-c", f"rm {CDS}/*"])
    assert failed(pair.replicate()).startswith("the source is empty: the last complete set had 2 files there")
    shutil.rmtree(pair.inside("ms1", f"{STATE}/sent"))  # a host that remembers nothing
    assert "arrived empty, and the standby's holds files" in failed(pair.replicate())
    assert pair.holds("ms2") == before


def test_a_source_that_vanished_or_became_a_link_is_refused(pair: Pair) -> None:
    pair.write("ms1", f"{DISTS}/one", "1")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    pair.host("ms1").run(["mv", DISTS, f"{DISTS}.away"])
    assert failed(pair.replicate()).startswith("the source is gone")
    pair.host("ms1").run(["ln", "-s", f"{DISTS}.away", DISTS])
    assert failed(pair.replicate()).startswith("the source is gone")
    assert pair.holds("ms2") == before
    pair.host("ms1").run(["sh", "-c", f"rm {DISTS} && mv {DISTS}.away {DISTS}"])


def test_a_run_that_would_delete_too_much_is_refused_until_somebody_allows_it(pair: Pair) -> None:
    for number in range(6):
        pair.write("ms1", f"{CDS}/{number}", "x")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    pair.host("ms1").run(["sh", "-c", f"rm {CDS}/[0-3]"])
    assert "4 names" in failed(pair.replicate(MaxDelete="3"))
    assert pair.holds("ms2") == before
    pair.assert_complete(pair.replicate(MaxDelete="4"))


def test_a_large_share_of_the_files_gone_is_refused_until_a_person_accepts_it(pair: Pair) -> None:
    for number in range(30):
        pair.write("ms1", f"{CDS}/{number}", "x")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    pair.host("ms1").run(["sh", "-c", f"rm {CDS}/1? {CDS}/2?"])
    reason = failed(pair.replicate())
    assert reason.startswith(f"20 of 30 files of {CDS} vanished since the last complete set, more than 50 percent")
    assert pair.holds("ms2") == before
    assert failed(pair.replicate()) == reason, "it is not forgotten"
    pair.assert_complete(pair.replicate(MostRemovedPercent="100"))
    pair.assert_complete(pair.replicate())


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_an_attribute_that_the_standby_does_not_take_is_refused_by_name_before_anything_travels(
    pair: Pair, kind: str
) -> None:
    folder = pair.inside("ms1", f"{CDS}/odd")
    folder.mkdir()
    path = folder / "name\nof two lines"
    if kind == "file":
        path.write_text("x")
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
    os.setxattr(path, "trusted.md5", b"x", follow_symlinks=False)
    ended = pair.replicate()
    assert f"{CDS}/odd/name of two lines has the attribute trusted.md5" in failed(ended)
    assert (ended.result["outcome"], ended.result["sent_bytes"]) == ("refused", 0)
    os.removexattr(path, "trusted.md5", follow_symlinks=False)
    pair.assert_complete(pair.replicate())
    os.setxattr(path, "trusted.md5", b"x", follow_symlinks=False)
    assert "has the attribute trusted.md5" in failed(pair.replicate()), "by changes, too"
