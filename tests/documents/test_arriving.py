"""What is carried arrives as it was, and nobody else reads it on the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.documents.pair import CDS, CONFIG, DISTS, STATE, Pair, tree

pytestmark = pytest.mark.testbed

WEEK_AGO = 1_700_000_000_123_456_789


def test_owners_modes_times_links_and_empty_directories_arrive_as_they_were(pair: Pair) -> None:
    pair.allow_kinds("setid")
    tool = pair.write("ms1", f"{DISTS}/bin/tool", "x", mode=0o4751)
    os.chown(tool, 1234, 4321)
    tool.chmod(0o4751)
    os.utime(tool, ns=(WEEK_AGO, WEEK_AGO))
    os.link(tool, tool.with_name("twin"))
    tool.with_name("link").symlink_to("tool")
    tool.with_name("dangling").symlink_to("/no/such\nplace")
    empty = pair.inside("ms1", f"{DISTS}/empty")
    empty.mkdir(mode=0o750)
    os.utime(empty, ns=(WEEK_AGO, WEEK_AGO))
    pair.assert_complete(pair.replicate())
    arrived = tree(pair.inside("ms2", DISTS))
    assert arrived["bin/tool"].owner == (1234, 4321)
    assert arrived["bin/tool"].twins == ("bin/tool", "bin/twin")
    assert arrived["empty"].modified_ns == WEEK_AGO


def test_access_control_lists_arrive_and_a_change_of_one_alone_is_carried(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/shared/one", "1")
    pair.host("ms1").run(["setfacl", "-m", "u:1234:rw", f"{CDS}/shared/one"])
    pair.host("ms1").run(["setfacl", "-d", "-m", "g:4321:rx", f"{CDS}/shared"])
    pair.assert_complete(pair.replicate())
    assert tree(pair.inside("ms2", CDS))["shared/one"].attributes
    pair.host("ms1").run(["setfacl", "-m", "u:1234:r", f"{CDS}/shared/one"])
    pair.assert_complete(pair.replicate())


def test_a_sparse_file_takes_no_more_room_on_the_standby(pair: Pair) -> None:
    sparse = pair.write("ms1", f"{CDS}/sparse", "head")
    os.truncate(sparse, 50_000_000)
    pair.assert_complete(pair.replicate())
    arrived = pair.inside("ms2", f"{CDS}/sparse").stat()
    assert arrived.st_size == 50_000_000
    assert arrived.st_blocks * 512 < 1_000_000


def test_private_keys_are_never_readable_by_others_on_the_way(pair: Pair) -> None:
    pair.write("ms1", f"{CONFIG}/a-server.key", os.urandom(100_000), mode=0o600)
    pair.write("ms1", f"{CONFIG}/b-server.key", os.urandom(100_000), mode=0o600)
    pair.hold_copies_after(150_000)
    run = pair.begin()
    pair.await_half(f"{CONFIG}/a-server.key")
    areas = [pair.inside("ms2", path) for path in ("/etc/opt/ssh-mgmt/.ms-failover", f"{STATE}/ssh")]
    files = [path for area in areas for path in (area, *area.rglob("*"))]
    # Everything of the staging area lies below a directory that only root may enter, and the key is closed by itself.
    assert stat.S_IMODE(areas[0].stat().st_mode) == 0o700
    assert areas[0].stat().st_uid == 0
    keys = [path for path in files if "key" in path.name and path.is_file()]
    assert len(keys) >= 2, "one key has arrived, and the next is on its way"
    assert all(stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0 for path in keys)
    pair.let_go()
    pair.assert_complete(pair.ended(run))
    pair.host("ms2").run(["chmod", "755", CONFIG])
    denied = pair.host("ms2").run(
        ["setpriv", "--reuid=65534", "--clear-groups", "cat", f"{CONFIG}/a-server.key"], check=False
    )
    assert "Permission denied" in denied.stderr


def test_what_was_deleted_goes_and_what_became_something_else_is_that(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/goes/deep/file", "1")
    pair.write("ms1", f"{CDS}/file-then-directory", "2")
    link = pair.inside("ms1", f"{CDS}/link-then-file")
    link.symlink_to("goes")
    pair.assert_complete(pair.replicate())
    pair.host("ms1").run(["rm", "-r", f"{CDS}/goes", f"{CDS}/file-then-directory", f"{CDS}/link-then-file"])
    pair.write("ms1", f"{CDS}/file-then-directory/inner", "3")
    pair.write("ms1", f"{CDS}/link-then-file", "4")
    result = pair.assert_complete(pair.replicate())
    assert result["mode"] == "changes"


def test_names_that_were_one_file_and_are_two_arrive_as_two(pair: Pair) -> None:
    first = pair.write("ms1", f"{CDS}/first", "same")
    second = first.with_name("second")
    os.link(first, second)
    pair.assert_complete(pair.replicate())
    pair.host("ms1").run(["sh", "-c", f"cd {CDS} && cp -p second new && mv new second"])
    pair.assert_complete(pair.replicate())
    assert tree(pair.inside("ms2", CDS))["first"].twins == ()


def test_a_run_with_nothing_to_carry_asks_the_standby_what_it_holds(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.settle()
    result = pair.assert_complete(pair.replicate())
    assert (result["mode"], result["reason"], result["sent_bytes"]) == ("none", "nothing changed", 0)
    pair.host("ms2").cut()
    ended = pair.replicate()
    assert ended.result["complete"] is False, "whether it still holds it is not known"
    assert "the standby does not answer" in ended.result["reason"]


def test_one_changed_file_is_all_that_travels(pair: Pair) -> None:
    for name in ("a", "b", "c"):
        pair.write("ms1", f"{CDS}/{name}", os.urandom(100_000))
    pair.settle()
    kept = _inode(pair, "a")
    pair.write("ms1", f"{CDS}/b", os.urandom(100_000))
    pair.write("ms1", f"{CDS}/d", "new")  # the directory itself has changed, too
    result = pair.assert_complete(pair.replicate())
    assert result["changed"] == 3
    assert result["sent_bytes"] < 110_000
    assert _inode(pair, "a") == kept


def test_a_change_below_the_clocks_tick_is_carried(pair: Pair) -> None:
    path = pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    before = path.stat()
    path.write_text("2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same time
    pair.assert_complete(pair.replicate())


def _inode(pair: Pair, name: str) -> int:
    path: Path = pair.inside("ms2", f"{CDS}/{name}")
    return path.stat().st_ino


def test_what_became_something_else_is_that_where_all_content_is_compared(pair: Pair) -> None:
    for name in ("link/deep/file", "file/deep/file"):
        pair.write("ms1", f"{CDS}/{name}", "1")
    pair.write("ms1", f"{CDS}/folder", "2")
    pair.assert_complete(pair.replicate())
    pair.host("ms1").run(["sh", "-c", f"cd {CDS} && rm -r link file folder && ln -s /etc link && echo >file"])
    pair.write("ms1", f"{CDS}/folder/inner", "3")
    assert pair.assert_complete(pair.replicate(Mode="full"))["mode"] == "compare"
