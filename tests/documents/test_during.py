"""What changes while it is copied is never passed off as a set, and the next run brings it."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.pair import CDS, Pair

pytestmark = pytest.mark.testbed

HELD = 150_000


def grows(top: Path) -> None:
    with (top / "b").open("ab") as file:
        file.write(b"and more")


def shrinks(top: Path) -> None:
    os.truncate(top / "b", 10)


def is_rewritten_with_its_size_and_time(top: Path, size: int = 0) -> None:
    before = (top / "b").stat()
    (top / "b").write_bytes(os.urandom(size or before.st_size))
    os.utime(top / "b", ns=(before.st_atime_ns, before.st_mtime_ns))


def vanishes(top: Path) -> None:
    (top / "c").unlink()


def becomes_a_directory(top: Path) -> None:
    (top / "c").unlink()
    (top / "c").mkdir()
    (top / "c/inner").write_text("inner")


def is_a_directory_that_becomes_a_file(top: Path) -> None:
    shutil.rmtree(top / "folder")
    (top / "folder").write_text("now a file")


def is_a_directory_that_becomes_a_link(top: Path) -> None:
    (top / "folder").rename(top / "moved")
    (top / "folder").symlink_to("/etc")


def is_renamed(top: Path) -> None:
    (top / "b").rename(top / "z")


def gets_another_mode(top: Path) -> None:
    (top / "a").chmod(0o600)


def is_a_link_that_leads_elsewhere(top: Path) -> None:
    (top / "link").unlink()
    (top / "link").symlink_to("b")


def is_joined_by_a_new_name(top: Path) -> None:
    (top / "new").hardlink_to(top / "a")


def is_removed_and_made_again(top: Path) -> None:
    content = (top / "c").read_bytes()
    (top / "c").unlink()
    (top / "c").write_bytes(content)


def is_given_another_attribute(top: Path) -> None:
    os.setxattr(top / "a", "user.mark", b"new")


def is_given_to_another_owner(top: Path) -> None:
    os.chown(top / "a", 1234, 4321)


def becomes_a_pipe(top: Path) -> None:
    (top / "c").unlink()
    os.mkfifo(top / "c")


def is_a_directory_that_is_renamed(top: Path) -> None:
    (top / "folder").rename(top / "renamed")


def comes_where_all_was_read_already(top: Path) -> None:
    (top / "folder/new").write_text("new")


CHANGES: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("rsync: growing-file", grows),
    ("rsync: change-shrink", shrinks),
    ("rsync: source-change-size-continues", is_rewritten_with_its_size_and_time),
    ("rsync: change-vanish, missing", vanishes),
    ("rsync: daemon-leaf-type-race-fchmod", becomes_a_directory),
    ("rsync: sender-scan-dir-escape", is_a_directory_that_becomes_a_file),
    ("rsync: symlink-race-source, sender-flist-symlink-leak", is_a_directory_that_becomes_a_link),
    ("lsyncd: churn-direct", is_renamed),
    ("lsyncd: churn-rsync (attributes)", gets_another_mode),
    ("rsync: sender-readlink-atfd", is_a_link_that_leads_elsewhere),
    ("rsync: hardlinks", is_joined_by_a_new_name),
    ("lsyncd: randrsync", is_removed_and_made_again),
    ("rsync: copy-xattrs-symlink-race", is_given_another_attribute),
    ("rsync: chown", is_given_to_another_owner),
    ("rsync: variety", becomes_a_pipe),
    ("lsyncd: churn-rsync (directories)", is_a_directory_that_is_renamed),
    ("lsyncd: churn-rsyncssh", comes_where_all_was_read_already),
)


@pytest.fixture(scope="module")
def pair(prepared_pair: Pair) -> Pair:
    """Both hosts hold a set; each test leaves them equal."""
    prepared_pair.reset()
    prepared_pair.write("ms1", f"{CDS}/a", "first set")
    prepared_pair.assert_complete(prepared_pair.replicate())
    return prepared_pair


sizes = itertools.count(100_001)


def plant(pair: Pair) -> tuple[Path, int]:
    """Make the next set on the active server's host; returns its top, and the new size of its first file."""
    top = pair.inside("ms1", CDS)
    pair.host("ms1").run(["bash", "-c", f"rm -rf {CDS}/*"])
    size = next(sizes)
    for name in ("a", "b", "c"):
        pair.write("ms1", f"{CDS}/{name}", os.urandom(size))
    pair.write("ms1", f"{CDS}/folder/inner", "inner")
    (top / "link").symlink_to("a")
    return top, size


def test_a_file_that_is_rewritten_all_the_time_with_its_size_and_time_is_no_part_of_a_set(pair: Pair) -> None:
    top, size = plant(pair)
    before = pair.holds("ms2")
    # Rewritten right before its own directory is listed, too: it counts as changed next time in any case. The other
    # directories are listed at the same time.
    again = (
        f"touch -r {CDS}/b /run/b; head -c {size} /dev/urandom | dd of={CDS}/b conv=notrunc; touch -r /run/b {CDS}/b"
    )
    first = f'[ "$1" = {CDS} ] && mkdir /run/found 2>/dev/null'
    pair.stand_in("ms1", "find", f'{first} && ( {again} ) 2>/dev/null; exec /usr/bin/find "$@"')
    pair.hold_copies_after(HELD)
    try:
        run = pair.begin()
        pair.await_half(size=size)
        is_rewritten_with_its_size_and_time(top, size)
        pair.let_go()
        assert pair.ended(run).result["reason"].startswith("source changed")
        assert pair.holds("ms2") == before
    finally:
        pair.put_aside("ms1")
    pair.assert_complete(pair.replicate())


@pytest.mark.parametrize(("suites", "change"), CHANGES, ids=[change.__name__ for _, change in CHANGES])
def test_a_name_that_changes_during_the_copy(pair: Pair, suites: str, change: Callable[[Path], None]) -> None:
    assert suites
    top, size = plant(pair)
    before = pair.holds("ms2")
    pair.hold_copies_after(HELD)
    run = pair.begin()
    pair.await_half(size=size)
    change(top)
    pair.let_go()
    ended = pair.ended(run)
    assert ended.code != 0
    assert ended.result["reason"].startswith("source changed"), ended.result
    assert pair.holds("ms2") == before
    pair.assert_complete(pair.replicate())
