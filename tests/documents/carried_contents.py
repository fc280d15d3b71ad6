"""Contents, and all that a file has besides: sizes, holes, times, modes, owners, lists and attributes."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

from tests.documents.behaviours import Folder, Steps, Table

contents = Table()

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)
MEGABYTE = 1 << 20


def in_place(path: Path, content: bytes, offset: int = 0) -> None:
    """Write over a part of a file, and leave it its time."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def acl(path: Path, *arguments: str) -> None:
    subprocess.run(["setfacl", *arguments, "--", path], check=True)


@contents("rsync: compare")
def another_content_of_equal_size_and_time_is_carried(folder: Folder) -> Steps:
    in_place(folder.write("file", "before"), b"BEFORE")
    yield
    in_place(folder.here / "file", b"after!")
    yield
    assert (folder.there / "file").read_text() == "after!"
    in_place(folder.here / "file", b"again!")
    yield
    assert (folder.there / "file").read_text() == "again!"


@contents("unison: fastercheckUNSAFE 1")
def a_file_of_equal_size_and_time_that_is_renamed_over_another_is_carried(folder: Folder) -> Steps:
    os.utime(folder.write("file", "before"), ns=AT)
    yield
    for content in ("after!", "again!"):
        new = folder.write("new", content)
        os.utime(new, ns=AT)
        new.replace(folder.here / "file")
        yield
        assert (folder.there / "file").read_text() == content


@contents("rsync: compare; unison: moves/renames 1")
def two_files_of_equal_size_and_time_can_swap_their_names(folder: Folder) -> Steps:
    for name in ("one", "two"):
        os.utime(folder.write(name, name), ns=AT)
    yield
    for there in ("two", "one"):
        (folder.here / "one").rename(folder.here / "three")
        (folder.here / "two").rename(folder.here / "one")
        (folder.here / "three").rename(folder.here / "two")
        yield
        assert (folder.there / "one").read_text() == there


@contents("rsync: update")
def an_older_file_replaces_a_newer_one(folder: Folder) -> Steps:
    folder.write("file", "newer")
    yield
    os.utime(folder.write("file", "older version"), ns=AT)
    yield
    assert (folder.there / "file").read_text() == "older version"
    assert (folder.there / "file").stat().st_mtime_ns == AT[1]


@contents("rsync: omit-times, itemize")
def a_time_that_differs_by_a_nanosecond_is_carried(folder: Folder) -> Steps:
    os.utime(folder.write("file"), ns=AT)
    yield
    os.utime(folder.here / "file", ns=(AT[0], AT[1] + 1))
    yield
    assert (folder.there / "file").stat().st_mtime_ns == AT[1] + 1


@contents("rsync: atimes, crtimes")
def times_before_1970_and_far_in_the_future_are_carried(folder: Folder) -> Steps:
    for name, seconds in (("1930", -1_262_304_000), ("1969", -1), ("2039", 2_177_452_800), ("2200", 7_258_118_400)):
        path = folder.write(name)
        os.utime(path, ns=(seconds * 10**9 + 5, seconds * 10**9 + 5))
    os.utime(folder.here, ns=(-5, -5))
    yield
    os.utime(folder.here / "2200", ns=(-(10**9), -(10**9)))
    os.utime(folder.here, ns=AT)
    yield


@contents("rsync: append, change-shrink; csync2: diff")
def files_grow_shrink_empty_and_fill(folder: Folder) -> Steps:
    for name in ("grows", "shrinks", "empties"):
        folder.write(name, "0123456789")
    folder.write("fills", "")
    yield
    with (folder.here / "grows").open("a") as file:
        file.write("and more")
    os.truncate(folder.here / "shrinks", 3)
    os.truncate(folder.here / "empties", 0)
    folder.write("fills", "full")
    yield
    assert [(folder.there / name).stat().st_size for name in ("grows", "shrinks", "empties", "fills")] == [18, 3, 0, 4]


@contents("rsync: inplace, content-fidelity, fuzzy-basis")
def one_changed_block_in_the_middle_of_a_large_file_is_carried(folder: Folder) -> Steps:
    large = folder.write("large", os.urandom(3 * MEGABYTE))
    yield
    in_place(large, os.urandom(1000), MEGABYTE)
    yield
    content = large.read_bytes()
    folder.write("large", content[MEGABYTE:] + content[:MEGABYTE])
    yield


@contents("rsync: sparse, preallocate")
def holes_are_kept_moved_and_filled(folder: Folder) -> Steps:
    hole = folder.write("hole", "head")
    os.truncate(hole, 8 * MEGABYTE)
    empty = folder.write("nothing but a hole", "")
    os.truncate(empty, 8 * MEGABYTE)
    folder.write("zeros", bytes(MEGABYTE))
    yield
    assert (folder.there / "hole").stat().st_blocks * 512 < MEGABYTE
    in_place(hole, b"in the middle", 4 * MEGABYTE)
    os.truncate(empty, 9 * MEGABYTE)
    folder.write("zeros", bytes(MEGABYTE) + b"end")
    yield
    assert (folder.there / "hole").stat().st_blocks * 512 < MEGABYTE
    folder.write("hole", bytes(MEGABYTE))
    yield


@contents("rsync: nonroot-restrictive-perms, executability, chmod")
def every_mode_is_carried_closed_ones_too(folder: Folder) -> Steps:
    modes = (0o000, 0o001, 0o100, 0o200, 0o400, 0o444, 0o600, 0o755, 0o777, 0o1777, 0o2755, 0o4755, 0o7777)
    for mode in modes:
        folder.write(f"file {mode:o}", mode=mode)
        folder.write(f"directory {mode:o}/file")
        (folder.here / f"directory {mode:o}").chmod(mode)
    yield
    for old, new in zip(modes, (*modes[1:], modes[0]), strict=True):
        (folder.here / f"file {old:o}").chmod(new)
        (folder.here / f"directory {old:o}").chmod(new)
    yield


@contents("rsync: dir-sgid")
def a_directory_that_hands_its_group_on_hands_none_on_during_a_copy(folder: Folder) -> Steps:
    (folder.here / "shared").mkdir()
    os.chown(folder.here / "shared", 0, 4321)
    (folder.here / "shared").chmod(0o2775)
    os.chown(folder.write("shared/sub/file"), 0, 99)
    os.chown(folder.here / "shared/sub", 0, 99)
    (folder.here / "shared/sub").chmod(0o755)
    yield
    os.chown(folder.write("shared/later"), 7, 8)
    yield


@contents("rsync: chown, chmod-setid, protected-regular")
def a_file_that_runs_as_its_owner_keeps_mode_and_owner(folder: Folder) -> Steps:
    tool = folder.write("tool", "one")
    os.chown(tool, 1234, 4321)
    tool.chmod(0o6755)
    yield
    os.chown(tool, 4321, 1234)
    tool.chmod(0o6755)
    yield
    tool.write_text("two")
    tool.chmod(0o4711)
    yield
    assert (folder.there / "tool").stat().st_mode & 0o7777 == 0o4711


@contents("rsync: chgrp, ownership-depth, uidlist-id0-name-leak")
def owners_are_numbers_whatever_accounts_a_host_has(folder: Folder) -> Steps:
    for number, owner in enumerate(((0, 0), (1, 1), (65_534, 65_534), (70_000, 80_000), (2**31, 2**31), (0, 12))):
        os.chown(folder.write(f"sub{number}/file"), *owner)
        os.chown(folder.here / f"sub{number}", *owner)
    yield
    os.chown(folder.here / "sub0/file", -1, 5)
    os.chown(folder.here / "sub1", 5, -1)
    yield


@contents("rsync: omit-times, metadata-depth")
def times_of_directories_are_exact_after_changes_below_them(folder: Folder) -> Steps:
    folder.write("a/b/c/file")
    for name in ("a/b/c", "a/b", "a"):
        os.utime(folder.here / name, ns=AT)
    yield
    folder.write("a/b/c/file", "changed")
    folder.write("a/b/new")
    os.utime(folder.here / "a/b", ns=(AT[0], AT[1] + 7))
    yield
    assert (folder.there / "a/b").stat().st_mtime_ns == AT[1] + 7
    assert (folder.there / "a").stat().st_mtime_ns == AT[1]


@contents("rsync: acls, acls-depth")
def access_control_lists_come_change_and_go(folder: Folder) -> Steps:
    for name in ("gets", "changes", "loses", "dir/file"):
        folder.write(name)
    acl(folder.here / "changes", "-m", "u:1234:rw,g:4321:r")
    acl(folder.here / "loses", "-m", "u:1234:rw")
    acl(folder.here / "dir", "-m", "u:1234:rwx")
    yield
    acl(folder.here / "gets", "-m", "u:99:r")
    acl(folder.here / "changes", "-m", "u:1234:-")
    acl(folder.here / "loses", "-b")
    acl(folder.here / "dir", "-b")
    yield
    assert os.listxattr(folder.there / "loses") == []


@contents("rsync: acls-default")
def a_default_list_of_a_directory_is_not_given_to_what_is_carried_into_it(folder: Folder) -> Steps:
    (folder.here / "dir").mkdir()
    acl(folder.here / "dir", "-d", "-m", "u:1234:rwx,o::---")
    folder.write("plain", mode=0o604)
    yield
    (folder.here / "plain").rename(folder.here / "dir/plain")
    yield
    assert os.listxattr(folder.there / "dir/plain") == []
    assert (folder.there / "dir/plain").stat().st_mode & 0o777 == 0o604


@contents("rsync: xattrs, xattrs-depth")
def extended_attributes_come_change_and_go(folder: Folder) -> Steps:
    values = {"user.one": b"1", "user.binary": b"\0\xff\n", "user.long": b"x" * 3000}
    for name in ("file", "dir/file"):
        folder.write(name)
    for path in (folder.here / "file", folder.here / "dir"):
        for name, value in values.items():
            os.setxattr(path, name, value)
    yield
    os.setxattr(folder.here / "file", "user.one", b"2")
    os.removexattr(folder.here / "file", "user.binary")
    os.removexattr(folder.here / "dir", "user.long")
    yield
    assert os.getxattr(folder.there / "file", "user.one") == b"2"
    assert "user.binary" not in os.listxattr(folder.there / "file")


@contents("rsync: xattrs, copy-xattrs-symlink-race")
def an_attribute_of_equal_length_that_changed_alone_is_carried(folder: Folder) -> Steps:
    path = folder.write("file")
    os.setxattr(path, "user.long", b"x" * 200)
    yield
    os.setxattr(path, "user.long", b"x" * 199 + b"y")
    yield
    assert os.getxattr(folder.there / "file", "user.long")[-1:] == b"y"


@contents("rsync: xattrs (security)")
def what_a_program_may_do_beyond_its_account_is_carried(folder: Folder) -> Steps:
    tool = folder.write("tool", mode=0o755)
    os.chown(tool, 1234, 1234)
    may = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service, effective
    os.setxattr(tool, "security.capability", may)
    yield
    assert os.getxattr(folder.there / "tool", "security.capability") == may
    os.removexattr(tool, "security.capability")
    yield
    assert os.listxattr(folder.there / "tool") == []


@contents("rsync: partial_nowrite, readonly-partial-abort-mode-regression")
def a_directory_nobody_may_write_takes_what_is_new_in_it(folder: Folder) -> Steps:
    for name in ("goes", "stays", "changes"):
        folder.write(f"closed/{name}", mode=0o400)
    (folder.here / "closed").chmod(0o500)
    yield
    (folder.here / "closed/goes").unlink()
    folder.write("closed/changes", "changed", mode=0o400)
    folder.write("closed/new", mode=0o000)
    yield
    assert folder.names_there() == {"closed", "closed/stays", "closed/changes", "closed/new"}


@contents("lsyncd: churn-rsync, l4-rsync-data")
def a_name_that_came_and_went_between_two_runs_leaves_nothing(folder: Folder) -> Steps:
    folder.write("stays")
    yield
    folder.write("brief/file").unlink()
    (folder.here / "brief").rmdir()
    yield
    assert folder.names_there() == {"stays"}


@contents("rsync: size-filter")
def files_of_sizes_around_each_block_are_carried_and_their_last_byte_too(folder: Folder) -> Steps:
    sizes = [edge + beside for edge in (512, 700, 1024, 4096, 32_768, 131_072) for beside in (-1, 0, 1)]
    for size in (0, 1, *sizes):
        os.utime(folder.write(f"{size}", b"x" * size), ns=AT)
    yield
    for size in sizes:
        in_place(folder.here / f"{size}", b"y", size - 1)
    yield
    assert all((folder.there / f"{size}").read_bytes()[-2:] == b"xy" for size in sizes)


@contents("rsync: hashsearch-chain")
def blocks_that_only_look_alike_are_told_apart(folder: Folder) -> Steps:
    alike = b"\x41\x3e\x41" + b"\x40" * 697  # the sums of 700 times 0x40, by bytes and by places
    assert sum(alike) == 700 * 0x40
    folder.write("image", alike * 300 + b"\x40" * 700)
    yield
    folder.write("image", b"\x40" * 700 * 200 + alike * 101)
    yield
    assert (folder.there / "image").read_bytes()[:140_000] == b"\x40" * 140_000


@contents("unison: moves/renames 1 (a file that was not renamed)")
def one_name_that_goes_and_another_that_comes_are_two_files(folder: Folder) -> Steps:
    for name in ("y", "d/a"):
        os.utime(folder.write(name, "one"), ns=AT)
    yield
    for old, new in (("y", "x"), ("d/a", "d/b")):
        (folder.here / old).unlink()
        os.utime(folder.write(new, "two"), ns=AT)
    yield
    assert folder.names_there() == {"x", "d", "d/b"}
    assert [(folder.there / name).read_text() for name in ("x", "d/b")] == ["two", "two"]


@contents("rsync: xattrs, fake-A, chown-fake")
def attributes_that_rsync_itself_could_have_made_come_change_and_go(folder: Folder) -> Steps:
    names = ("user.rsync.%stat", "user.rsync.%aacl", "user.rsync.other")
    paths = (folder.write("sub/file"), folder.here / "sub")
    for path in paths:
        for name in names:
            os.setxattr(path, name, b"100644 0,0 0:0")
    yield
    assert set(os.listxattr(folder.there / "sub/file")) == set(os.listxattr(folder.there / "sub")) == set(names)
    for path in paths:
        os.setxattr(path, names[0], b"100600 0,0 1:1")
        os.removexattr(path, names[1])
    yield
    assert os.getxattr(folder.there / "sub", names[0]) == b"100600 0,0 1:1"
