"""What stands on the standby already, or was done to it by hand: the active server's set takes its place, whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.documents.behaviours import Folder, Steps, Table
from tests.documents.carried_contents import acl

standby = Table()

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)
LATER = (4_000_000_000 * 10**9, 4_000_000_000 * 10**9)


def put(path: Path, content: str | bytes = "by hand") -> Path:
    """Write a file on the standby, its directories included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@standby("rsync: update")
def a_newer_file_on_the_standby_gives_way(folder: Folder) -> Steps:
    folder.write("file", "of the set")
    yield
    os.utime(put(folder.there / "file", "newer"), ns=LATER)
    yield
    assert (folder.there / "file").read_text() == "of the set"
    os.utime(folder.write("file", "older, of the set"), ns=AT)
    os.utime(put(folder.there / "file"), ns=LATER)
    yield
    assert (folder.there / "file").read_text() == "older, of the set"


@standby("rsync: update (force)")
def a_full_directory_on_the_standby_gives_way_to_a_file(folder: Folder) -> Steps:
    folder.write("name", "a file")
    yield
    (folder.there / "name").unlink()
    put(folder.there / "name/sub/file")
    yield
    assert (folder.there / "name").read_text() == "a file"


@standby("rsync: delete")
def what_only_the_standby_has_goes_with_its_directories(folder: Folder) -> Steps:
    extra = ("remove1", "extra/remove2", "deep/er/and/deeper/remove3")
    folder.write("stays")
    for name in extra:
        put(folder.there / name)
    (folder.there / "empty/sub").mkdir(parents=True)
    yield
    assert folder.names_there() == {"stays"}
    for name in extra:
        put(folder.there / name)
    yield
    assert folder.names_there() == {"stays"}


@standby("rsync: fuzzy")
def a_like_file_by_another_name_is_not_left_on_the_standby(folder: Folder) -> Steps:
    content = os.urandom(200_000)
    os.utime(folder.write("large", content), ns=AT)
    os.utime(put(folder.there / "large2", content), ns=AT)
    yield
    assert folder.names_there() == {"large"}
    (folder.here / "large").rename(folder.here / "larger")
    os.utime(put(folder.there / "larger~", content), ns=AT)
    yield
    assert folder.names_there() == {"larger"}


@standby("rsync: no-implied-dirs-symlink")
def a_link_that_somebody_put_in_place_of_a_directory_is_not_written_through(folder: Folder) -> Steps:
    put(folder.there_elsewhere / "file", "not of the set")
    folder.write("dir/file", "of the set")
    yield
    shutil.rmtree(folder.there / "dir")
    (folder.there / "dir").symlink_to(folder.elsewhere)
    folder.write("dir/file", "changed")
    folder.write("dir/new")
    yield
    assert not (folder.there / "dir").is_symlink()
    assert [path.read_text() for path in folder.there_elsewhere.iterdir()] == ["not of the set"]


@standby("rsync: copy-dest-source-symlink")
def what_a_link_on_the_standby_leads_to_is_no_basis_for_a_file(folder: Folder) -> Steps:
    os.utime(folder.write("dir/file", "of the set"), ns=AT)
    os.utime(put(folder.there_elsewhere / "file", "elsewhere!"), ns=AT)
    folder.there.mkdir()
    (folder.there / "dir").symlink_to(folder.elsewhere)
    yield
    assert (folder.there / "dir/file").read_text() == "of the set"
    assert (folder.there_elsewhere / "file").read_text() == "elsewhere!"


@standby("rsync: acls-unpinnable")
def a_list_on_the_standby_that_grants_more_is_replaced(folder: Folder) -> Steps:
    folder.write("closed/file")
    acl(folder.here / "closed", "-m", "u:60002:rx")
    (folder.here / "closed").chmod(0o300)
    folder.write("plain")
    yield
    acl(folder.there / "closed", "-m", "u:60009:rwx")
    acl(folder.there / "closed", "-d", "-m", "u:60009:rwx")
    acl(folder.there / "plain", "-m", "u:60009:rw")
    yield
    assert os.listxattr(folder.there / "plain") == []


@standby("rsync: xattrs")
def an_attribute_that_was_set_on_the_standby_goes(folder: Folder) -> Steps:
    for name in ("bare", "marked"):
        folder.write(name)
    os.setxattr(folder.here / "marked", "user.mark", b"of the set")
    yield
    os.setxattr(folder.there / "bare", "user.mark", b"by hand")
    os.removexattr(folder.there / "marked", "user.mark")
    yield
    assert os.getxattr(folder.there / "marked", "user.mark") == b"of the set"
    os.setxattr(folder.there / "marked", "user.mark", b"by hand!!!")
    yield
    assert os.getxattr(folder.there / "marked", "user.mark") == b"of the set"


@standby("unison: RPC: update props; rsync: metadata-depth")
def mode_owner_and_time_that_were_changed_on_the_standby_come_back(folder: Folder) -> Steps:
    for name in ("a/b/mode", "a/b/owner", "a/b/time"):
        os.utime(folder.write(name, mode=0o640), ns=AT)
    (folder.here / "link").symlink_to("a")
    yield
    (folder.there / "a/b/mode").chmod(0o666)
    (folder.there / "a").chmod(0o777)
    os.chown(folder.there / "a/b/owner", 1234, 4321)
    os.chown(folder.there / "link", 1234, 4321, follow_symlinks=False)
    os.utime(folder.there / "a/b/time", ns=LATER)
    os.utime(folder.there / "a/b", ns=LATER)
    yield
    assert (folder.there / "a/b/mode").stat().st_mode & 0o777 == 0o640
    assert (folder.there / "a/b/owner").stat().st_uid == 0
    assert (folder.there / "a/b/time").stat().st_mtime_ns == AT[1]


@standby("csync2: missing-leading-directories")
def directories_that_the_standby_lost_come_back_with_all_in_them(folder: Folder) -> Steps:
    for name in ("a", "b", "c"):
        folder.write(f"{name}/d/e/f")
        folder.write(f"{name}/d/untouched")
    yield
    for name in ("a", "b", "c"):
        shutil.rmtree(folder.there / name)
    os.utime(folder.here / "a/d/e/f")
    yield
    assert (folder.there / "c/d/untouched").read_text() == "content"


@standby("csync2: diff")
def of_a_file_that_was_changed_on_both_hosts_the_active_servers_counts(folder: Folder) -> Steps:
    lines = [f"{number}\n" for number in range(1000)]
    folder.write("a/f", "".join(lines))
    yield
    folder.write("a/f", "".join(reversed(lines)))
    put(folder.there / "a/f", "".join(lines[:-1]))
    yield
    assert (folder.there / "a/f").read_text() == "".join(reversed(lines))


@standby("unison: moves/renames 5 (conflicts)")
def what_was_renamed_here_and_removed_there_arrives_by_its_new_name(folder: Folder) -> Steps:
    folder.write("x", "moves")
    folder.write("c/b", "moves, too")
    yield
    (folder.here / "x").rename(folder.here / "new")
    (folder.here / "c").rename(folder.here / "d")
    (folder.there / "x").unlink()
    shutil.rmtree(folder.there / "c")
    yield
    assert folder.names_there() == {"new", "d", "d/b"}


@standby("unison: moves/renames 5 (conflicts)")
def what_was_renamed_here_and_changed_there_is_as_here(folder: Folder) -> Steps:
    folder.write("x", "before")
    folder.write("d/a", "before")
    yield
    (folder.here / "x").rename(folder.here / "z")
    (folder.here / "d").rename(folder.here / "e")
    put(folder.there / "x", "changed there")
    put(folder.there / "d/b")
    yield
    assert folder.names_there() == {"z", "e", "e/a"}
    assert (folder.there / "z").read_text() == "before"


@standby("unison: moves/renames 5 (conflicts)")
def a_new_name_that_was_taken_on_the_standby_is_freed(folder: Folder) -> Steps:
    for name in ("1", "2", "3/inner"):
        folder.write(name, "moves")
    yield
    for name in ("1", "2", "3"):
        (folder.here / name).rename(folder.here / f"new {name}")
    put(folder.there / "new 1")
    put(folder.there / "new 2/inner")
    put(folder.there / "new 3")
    yield
    assert folder.names_there() == {"new 1", "new 2", "new 3", "new 3/inner"}
    assert (folder.there / "new 2").read_text() == "moves"


@standby("unison: moves/renames 2 (reverting)")
def what_was_renamed_on_the_standby_has_its_name_again(folder: Folder) -> Steps:
    folder.write("x")
    folder.write("d/a")
    yield
    (folder.there / "x").rename(folder.there / "y")
    (folder.there / "d").rename(folder.there / "e")
    yield
    assert folder.names_there() == {"x", "d", "d/a"}


@standby("unison: moves/renames 4 (reverting overwrites)")
def what_was_renamed_over_another_on_the_standby_is_two_again(folder: Folder) -> Steps:
    for name in ("x", "y", "c/b", "d/a"):
        folder.write(name, name)
    yield
    shutil.rmtree(folder.there / "c")
    (folder.there / "x").rename(folder.there / "c")
    (folder.there / "y").unlink()
    (folder.there / "d").rename(folder.there / "y")
    yield
    assert folder.names_there() == {"x", "y", "c", "c/b", "d", "d/a"}
    assert (folder.there / "x").read_text() == "x"


@standby("unison: moves/renames 6 (unsupported)")
def two_files_that_took_one_name_on_either_host_are_as_here(folder: Folder) -> Steps:
    for name in ("x", "y"):
        os.utime(folder.write(name, name), ns=AT)
    yield
    (folder.here / "x").rename(folder.here / "z")
    (folder.there / "y").rename(folder.there / "z")
    yield
    assert [(folder.there / name).read_text() for name in ("y", "z")] == ["y", "x"]


@standby("unison: Atomicity of certain directories 1, Atomicity of certain directories 2")
def a_directory_that_was_changed_on_both_hosts_is_no_mixture(folder: Folder) -> Steps:
    for name in ("a", "b", "c", "d"):
        folder.write(f"foo/.git/{name}", f"{name} here")
        put(folder.there / f"foo/.git/{name.replace('d', 'e')}", f"{name} there")
    yield
    assert folder.names_there() == {"foo", "foo/.git"} | {f"foo/.git/{name}" for name in "abcd"}
    for name in ("a", "c"):
        folder.write(f"foo/.git/{name}", "changed here")
    for name in ("b", "c"):
        put(folder.there / f"foo/.git/{name}", "changed there")
    yield
    held = [(folder.there / f"foo/.git/{name}").read_text() for name in "abc"]
    assert held == ["changed here", "b here", "changed here"]


@standby("unison: RPC: replaceArchive")
def what_was_removed_on_both_hosts_stays_away(folder: Folder) -> Steps:
    for name in ("n", "dir/m", "stays"):
        folder.write(name)
    yield
    for top in (folder.here, folder.there):
        (top / "n").unlink()
        shutil.rmtree(top / "dir")
    yield
    assert folder.names_there() == {"stays"}


@standby("rsync: delay-updates, delay-updates-deep")
def what_an_unfinished_update_left_on_the_standby_goes_and_is_not_used(folder: Folder) -> Steps:
    for name in ("foo", "d/e/foo"):
        folder.write(name, "1")
    yield
    for name in (".~tmp~/foo", "d/e/.~tmp~/foo"):
        os.utime(put(folder.there / name, "2"), ns=AT)
    for name in ("foo", "d/e/foo"):
        os.utime(folder.there / name, ns=AT)
        os.utime(folder.write(name, "3"), ns=AT)
    yield
    assert folder.names_there() == {"foo", "d", "d/e", "d/e/foo"}
    assert (folder.there / "d/e/foo").read_text() == "3"


@standby("rsync: append; unison: RPC: transfer append")
def a_beginning_on_the_standby_is_not_taken_for_the_file(folder: Folder) -> Steps:
    content = os.urandom(1_100_000)
    for name in ("shorter", "longer", "other"):
        os.utime(folder.write(name, content), ns=AT)
    for name, lies_there in (
        ("shorter", content[:1_048_577]),
        ("longer", content + b"and more"),
        ("other", os.urandom(1_048_577)),
    ):
        os.utime(put(folder.there / name, lies_there), ns=AT)
    yield
    folder.write("shorter", content + b"and more")
    for name in ("longer", "other"):
        os.truncate(folder.there / name, 1_000_000)
    yield
    assert (folder.there / "shorter").read_bytes() == content + b"and more"


@standby("rsync: protected-regular")
def a_file_of_somebody_elses_in_a_directory_for_all_is_replaced(folder: Folder) -> Steps:
    folder.write("for all/file", "of the set")
    (folder.here / "for all").chmod(0o1777)
    os.chown(put(folder.there / "for all/file", ""), 1234, 1234)
    (folder.there / "for all").chmod(0o1777)
    yield
    os.chown(put(folder.there / "for all/file", "of another"), 1234, 1234)
    yield
    assert (folder.there / "for all/file").read_text() == "of the set"


@standby("rsync: hardlinks, hardlinks-deep")
def names_that_were_joined_or_parted_on_the_standby_are_as_here_again(folder: Folder) -> Steps:
    joined = folder.write("a/aa/joined", "shared")
    folder.write("b/bb/other")
    (folder.here / "b/bb/joined").hardlink_to(joined)
    for name in ("one", "two"):
        os.utime(folder.write(name, "alike"), ns=AT)
    yield
    parted = folder.there / "b/bb/joined"
    parted.unlink()
    shutil.copy2(folder.there / "a/aa/joined", parted)
    (folder.there / "two").unlink()
    (folder.there / "two").hardlink_to(folder.there / "one")
    yield
    assert (folder.there / "a/aa/joined").samefile(parted)
    assert not (folder.there / "one").samefile(folder.there / "two")


@standby("rsync: variety")
def a_pipe_or_a_device_on_the_standby_in_place_of_a_file_is_not_read(folder: Folder) -> Steps:
    for name in ("pipe", "zeros"):
        folder.write(name, "a file")
        (folder.there / name).parent.mkdir(exist_ok=True)
    os.mkfifo(folder.there / "pipe")
    os.mknod(folder.there / "zeros", 0o20666, os.makedev(1, 5))
    yield
    assert [(folder.there / name).read_text() for name in ("pipe", "zeros")] == ["a file"] * 2
    (folder.there / "pipe").unlink()
    os.mkfifo(folder.there / "pipe")
    yield
    assert (folder.there / "pipe").read_text() == "a file"
