"""Links of both sorts, pipes, sockets, devices, and one kind of thing in the place of another."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from tests.documents.behaviours import Folder, Steps, Table
from tests.documents.trees import led_to

kinds = Table()

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)


def a_socket(path: Path) -> None:
    """A socket; bound by a short way, as its path may be longer than sockets allow."""
    place = os.open(path.parent, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{place}/{path.name}")
    os.close(place)


def a_directory(path: Path) -> None:
    path.mkdir()
    (path / "inner").write_text("inner")


MAKE: dict[str, Callable[[Path], object]] = {
    "file": lambda path: path.write_text("file"),
    "directory": a_directory,
    "link": lambda path: path.symlink_to("target"),
    "pipe": os.mkfifo,
    "socket": a_socket,
}


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@kinds("rsync: variety, devices; unison: moves/renames 3 (overwriting)")
def each_kind_of_thing_can_take_the_place_of_each_other(folder: Folder) -> Steps:
    pairs = [(old, new) for old in MAKE for new in MAKE if old != new]
    for old, new in pairs:
        MAKE[old](folder.here / f"{old} to {new}")
    yield
    for old, new in pairs:
        remove(folder.here / f"{old} to {new}")
        MAKE[new](folder.here / f"{old} to {new}")
    yield
    for old, new in pairs:
        remove(folder.here / f"{old} to {new}")
        MAKE[old](folder.here / f"{old} to {new}")
    yield
    assert stat.S_ISSOCK((folder.there / "socket to pipe").lstat().st_mode)


@kinds("rsync: links, unsafe-links, safe-links-absolute-intree")
def links_out_of_the_set_arrive_as_written_and_are_not_followed(folder: Folder) -> Steps:
    (folder.here_elsewhere / "file").write_text("not of the set")
    for name, target in (
        ("file", f"{folder.elsewhere}/file"),
        ("directory", folder.elsewhere),
        ("up", "../../../../../../etc/passwd"),
        ("root", "/"),
        ("proc", "/proc/self/root"),
    ):
        (folder.here / name).symlink_to(target)
    yield
    assert not any(folder.there_elsewhere.iterdir())
    (folder.here / "file").unlink()
    (folder.here / "directory").unlink()
    (folder.here / "directory").symlink_to(f"{folder.elsewhere}/")
    yield
    assert led_to(folder.there / "directory") == f"{folder.elsewhere}/"


@kinds("rsync: links; unison: links 2 (symlink to nowhere)")
def dangling_and_circular_links_are_carried(folder: Folder) -> Steps:
    for name, target in (("nowhere", "no/such"), ("self", "self"), ("a", "b"), ("b", "a"), ("here", "."), ("up", "..")):
        (folder.here / name).symlink_to(target)
    yield
    (folder.here / "self").unlink()
    (folder.here / "self").symlink_to("self/self")
    yield
    assert led_to(folder.there / "self") == "self/self"


@kinds("rsync: symlink-ignore, log-control-chars")
def a_links_target_may_be_any_bytes(folder: Folder) -> Steps:
    targets = ("a\nb", " ", "//a//b//", "-rf", "\\#012", "*", "t" * 4000, os.fsdecode(b"\xff"), "a\tb", "end\n")
    for number, target in enumerate(targets):
        (folder.here / str(number)).symlink_to(target)
    yield
    (folder.here / "0").unlink()
    (folder.here / "0").symlink_to("a\nc")
    yield
    assert led_to(folder.there / "2") == "//a//b//"


@kinds("unison: links 1 (directories and links)")
def a_link_that_leads_elsewhere_with_equal_length_and_time_is_carried(folder: Folder) -> Steps:
    link = folder.here / "link"
    link.symlink_to("one")
    os.utime(link, ns=AT, follow_symlinks=False)
    yield
    link.unlink()
    link.symlink_to("two")
    os.utime(link, ns=AT, follow_symlinks=False)
    yield
    assert led_to(folder.there / "link") == "two"


@kinds("rsync: omit-times, chown")
def owner_and_time_of_a_link_itself_are_carried(folder: Folder) -> Steps:
    link = folder.here / "link"
    link.symlink_to("nowhere")
    os.chown(link, 12_345, 54_321, follow_symlinks=False)
    os.utime(link, ns=AT, follow_symlinks=False)
    yield
    about = (folder.there / "link").lstat()
    assert (about.st_uid, about.st_gid, about.st_mtime_ns) == (12_345, 54_321, AT[1])
    os.chown(link, 1, 2, follow_symlinks=False)
    yield


@kinds("rsync: keep-dirlinks-symlinked-dest, symlink-dirlink-basis")
def a_link_that_becomes_a_directory_leaves_what_it_led_to_alone(folder: Folder) -> Steps:
    (folder.there_elsewhere / "file").write_text("not of the set")
    link = folder.here / "link"
    link.symlink_to(folder.elsewhere)
    yield
    link.unlink()
    folder.write("link/file", "of the set")
    yield
    assert (folder.there_elsewhere / "file").read_text() == "not of the set"
    assert (folder.there / "link/file").read_text() == "of the set"


@kinds("rsync: symlink-race-dest, delete-deep, rename-mixed-parent-transfer")
def a_directory_that_becomes_a_link_takes_nothing_of_its_target_with_it(folder: Folder) -> Steps:
    for name in ("a", "b", "sub/c"):
        folder.write(f"directory/{name}", "of the set")
        path = folder.there_elsewhere / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("not of the set")
    yield
    shutil.rmtree(folder.here / "directory")
    (folder.here / "directory").symlink_to(folder.elsewhere)
    yield
    assert [(folder.there_elsewhere / name).read_text() for name in ("a", "b", "sub/c")] == ["not of the set"] * 3
    (folder.here / "directory").unlink()
    folder.write("directory/a", "of the set again")
    yield
    assert (folder.there_elsewhere / "a").read_text() == "not of the set"


@kinds("rsync: hardlinks")
def names_of_one_file_stay_one_and_can_join_and_leave(folder: Folder) -> Steps:
    first = folder.write("first", "shared")
    for name in ("second", "third", "sub/fourth"):
        (folder.here / name).parent.mkdir(exist_ok=True)
        (folder.here / name).hardlink_to(first)
    yield
    (folder.here / "second").unlink()
    folder.write("third2", "shared").replace(folder.here / "third")
    (folder.here / "fifth").hardlink_to(first)
    yield
    assert (folder.there / "first").samefile(folder.there / "fifth")
    assert not (folder.there / "first").samefile(folder.there / "third")


@kinds("rsync: hardlinks, xattrs-hlink")
def a_file_of_many_names_that_is_rewritten_is_new_by_each_of_them(folder: Folder) -> Steps:
    first = folder.write("first", "before")
    (folder.here / "second").hardlink_to(first)
    os.utime(first, ns=AT)
    yield
    first.write_text("AFTER!")
    os.utime(first, ns=AT)
    yield
    assert (folder.there / "second").read_text() == "AFTER!"


@kinds("rsync: hardlinks")
def the_first_name_of_a_file_can_go_and_the_others_stay_one(folder: Folder) -> Steps:
    first = folder.write("1", "shared")
    for name in ("2", "3"):
        (folder.here / name).hardlink_to(first)
    yield
    first.unlink()
    yield
    assert (folder.there / "2").samefile(folder.there / "3")
    assert folder.names_there() == {"2", "3"}


@kinds("rsync: hardlinks")
def a_file_that_has_a_name_outside_the_set_too_is_a_file_like_others(folder: Folder) -> Steps:
    outside = folder.here_elsewhere / "outside"
    outside.write_text("before")
    (folder.here / "inside").hardlink_to(outside)
    yield
    outside.write_text("written by its other name")
    yield
    assert (folder.there / "inside").read_text() == "written by its other name"
    assert not any(folder.there_elsewhere.iterdir())


@kinds("rsync: hardlinks, fake-super-backup-fifo-regression")
def links_and_pipes_can_have_several_names_too(folder: Folder) -> Steps:
    (folder.here / "link").symlink_to("nowhere")
    os.mkfifo(folder.here / "pipe")
    for name in ("link", "pipe"):
        os.link(folder.here / name, folder.here / f"{name} 2", follow_symlinks=False)
    yield
    (folder.here / "link 2").unlink()
    (folder.here / "link 2").symlink_to("nowhere")
    yield


@kinds("rsync: nested-socket-specials, variety")
def pipes_and_sockets_are_made_and_never_read(folder: Folder) -> Steps:
    os.mkfifo(folder.here / "pipe", 0o640)
    a_socket(folder.here / "socket")
    yield
    assert stat.S_ISFIFO((folder.there / "pipe").lstat().st_mode)
    assert stat.S_ISSOCK((folder.there / "socket").lstat().st_mode)
    (folder.here / "pipe").chmod(0o600)
    os.utime(folder.here / "pipe", ns=AT)
    yield


@kinds("rsync: devices, devices-fake")
def devices_are_made_by_their_numbers_where_the_standby_takes_them(folder: Folder) -> Steps:
    for name, kind, minor in (("null", stat.S_IFCHR, 3), ("zero", stat.S_IFCHR, 5), ("ram", stat.S_IFBLK, 0)):
        os.mknod(folder.here / name, kind | 0o640, os.makedev(1, minor))
        os.utime(folder.here / name, ns=AT)
    yield
    for name, kind, minor in (("null", stat.S_IFCHR, 5), ("ram", stat.S_IFBLK, 1)):
        (folder.here / name).unlink()
        os.mknod(folder.here / name, kind | 0o640, os.makedev(1, minor))
        os.utime(folder.here / name, ns=AT)
    yield
    assert os.minor((folder.there / "null").stat().st_rdev) == 5


@kinds("rsync: dirs, prune-empty-dirs; csync2: missing-leading-directories")
def empty_directories_come_stay_and_go(folder: Folder) -> Steps:
    (folder.here / "a/b/c").mkdir(parents=True)
    (folder.here / "goes").mkdir(mode=0o700)
    folder.write("emptied/file")
    yield
    (folder.here / "goes").rmdir()
    (folder.here / "emptied/file").unlink()
    (folder.here / "a/b/c/d").mkdir()
    yield
    assert folder.names_there() == {"a", "a/b", "a/b/c", "a/b/c/d", "emptied"}


@kinds("lsyncd: test_actions")
def names_of_a_file_outside_come_and_go_in_several_folders(folder: Folder) -> Steps:
    outside = folder.here_elsewhere / "outside"
    outside.write_bytes(os.urandom(100_000))
    moved = folder.write("file", "moves")
    yield
    for name in ("1", "dir/2", "3"):
        (folder.here / name).parent.mkdir(exist_ok=True)
        (folder.here / name).hardlink_to(outside)
    moved.rename(folder.here / "dir/file")
    yield
    assert (folder.there / "dir/2").samefile(folder.there / "3")
    shutil.rmtree(folder.here / "dir")
    (folder.here / "1").unlink()
    yield
    assert folder.names_there() == {"3"}


@kinds("rsync: hardlinks, hardlinks-deep")
def names_of_one_file_that_lie_hundreds_of_folders_apart_stay_one(folder: Folder) -> Steps:
    first = folder.write("000/first", "shared")
    for number in range(1, 300):
        folder.write(f"{number:03}/file", f"{number}")
    (folder.here / "299/last").hardlink_to(first)
    yield
    (folder.here / "150/middle").hardlink_to(first)
    first.unlink()
    yield
    assert (folder.there / "150/middle").samefile(folder.there / "299/last")
