"""Nothing is swapped or removed over what is not ours: wherever it is in the way, it is found before, and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.documents.pair import CDS, CONFIG, DISTS, SERVER_FILES, STATE, Ended, Pair, tree

pytestmark = pytest.mark.testbed

ELSEWHERE = "/var/lib/elsewhere"
AREA = f"{SERVER_FILES}/.ms-failover"
NOT_OURS = "of somebody else"
REASON_LIMIT = 500


def refusal(ended: Ended, named: str) -> str:
    """The reason of a run that did not complete, which names a path and is a sentence; returns it."""
    assert ended.code != 0, ended.stdout
    assert ended.result["complete"] is False
    reason = str(ended.result["reason"])
    assert named in reason
    assert len(reason) < REASON_LIMIT
    return reason


@contextmanager
def elsewhere(pair: Pair, role: str) -> Iterator[Path]:
    """A directory outside the set, with a file and a folder that no replication may touch."""
    pair.write(role, f"{ELSEWHERE}/kept", NOT_OURS)
    pair.write(role, f"{ELSEWHERE}/folder/kept", NOT_OURS)
    top = pair.inside(role, ELSEWHERE)
    before = tree(top)
    yield top
    assert tree(top) == before, "somebody else's files were touched"


@contextmanager
def mounted(pair: Pair, role: str, at: str, *, what: str = ELSEWHERE) -> Iterator[None]:
    """A directory or a file of the host mounted at a path, which is made."""
    host = pair.host(role)
    make = f"mkdir -p {at}" if Path(what).name != "kept" else f"mkdir -p {Path(at).parent} && touch {at}"
    host.run(["bash", "-c", f"{make} && mount --bind {what} {at}"])
    try:
        yield
    finally:
        if host.run(["umount", "-l", at], check=False).returncode:  # it was moved
            pair.servers[role].power_off()
            pair.servers[role].power_on()


# Where else a mount on the standby may be; the last one is where sets are staged.
ON_THE_STANDBY = (f"{CDS}/deep/er/iso", f"{CONFIG}/iso", AREA)


@pytest.mark.parametrize("at", ON_THE_STANDBY)
def test_a_mount_on_the_standby_is_refused_by_name_and_left_as_it_is(pair: Pair, at: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    with elsewhere(pair, "ms2"), mounted(pair, "ms2", at):
        refusal(pair.replicate(), at)
        assert not pair.inside("ms2", f"{CDS}/one").exists()
    pair.assert_complete(pair.replicate())


def test_a_mount_that_comes_between_two_runs_is_refused_by_the_second(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/folder/one", "1")
    pair.assert_complete(pair.replicate())
    pair.write("ms1", f"{CDS}/two", "2")
    with elsewhere(pair, "ms2"), mounted(pair, "ms2", f"{CDS}/folder"):
        refusal(pair.replicate(), f"{CDS}/folder")
    pair.assert_complete(pair.replicate())


def test_a_single_file_that_is_mounted_on_the_standby_is_refused_by_name(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    with elsewhere(pair, "ms2"), mounted(pair, "ms2", f"{CDS}/licence", what=f"{ELSEWHERE}/kept"):
        refusal(pair.replicate(), f"{CDS}/licence")
    pair.assert_complete(pair.replicate())


def test_a_mount_below_the_sources_configuration_is_refused_by_name_and_not_crossed(pair: Pair) -> None:
    at = f"{CONFIG}/deep/iso"
    pair.write("ms1", f"{CDS}/one", "1")
    with elsewhere(pair, "ms1"), mounted(pair, "ms1", at):
        refusal(pair.replicate(), at)
    pair.assert_complete(pair.replicate())


def test_the_active_host_removes_no_remains_over_a_mount(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    with elsewhere(pair, "ms1"), mounted(pair, "ms1", f"{AREA}/cds/staging/iso"):
        refusal(pair.replicate(), f"{AREA}/cds")


def test_giving_a_host_back_removes_nothing_over_a_mount(pair: Pair) -> None:
    try:
        with elsewhere(pair, "ms2"), mounted(pair, "ms2", f"{AREA}/cds/staging/iso"):
            undone = pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11", Undo="yes")
            assert undone.code != 0
            assert f"{AREA}/cds" in undone.stderr
    finally:
        pair.prepare()


# Where a link to elsewhere would have the standby write and remove outside of its own.
LINKED = (f"{AREA}/cds/staging", CDS)


@pytest.mark.parametrize(("device", "link"), [("other", f"{AREA}/cds"), *(("same", link) for link in LINKED)])
def test_a_link_to_elsewhere_in_the_way_is_refused_by_name(pair: Pair, device: str, link: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    host = pair.host("ms2")
    target = ELSEWHERE if device == "same" else "/run/elsewhere"  # /run is a file system of its own
    with elsewhere(pair, "ms2"):
        host.run(["bash", "-c", f"mkdir -p {target} && rm -rf {link} && mkdir -p {Path(link).parent}"])
        host.run(["ln", "-s", target, link])
        try:
            refusal(pair.replicate(), link)
            assert sorted(pair.inside("ms2", target).iterdir()) == sorted(
                pair.inside("ms2", f"{target}/{name}") for name in (("folder", "kept") if device == "same" else ())
            )
        finally:
            host.run(["bash", "-c", f"rm -rf {link} /run/elsewhere && mkdir -p {CDS}"])
    pair.assert_complete(pair.replicate())


def test_a_directory_of_the_set_that_is_a_file_on_the_standby_is_refused_by_name(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.host("ms2").run(["bash", "-c", f"rmdir {CDS} && echo '{NOT_OURS}' >{CDS}"])
    try:
        refusal(pair.replicate(), CDS)
        assert pair.inside("ms2", CDS).read_text() == f"{NOT_OURS}\n"
    finally:
        pair.host("ms2").run(["bash", "-c", f"rm -rf {CDS} && mkdir {CDS}"])


def test_a_standby_without_the_directory_above_the_set_is_refused_by_name(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.host("ms2").run(["mv", SERVER_FILES, f"{SERVER_FILES}.away"])
    try:
        refusal(pair.replicate(), SERVER_FILES)
    finally:
        pair.host("ms2").run(["bash", "-c", f"rm -rf {SERVER_FILES} && mv {SERVER_FILES}.away {SERVER_FILES}"])


def test_a_directory_of_the_set_that_the_standby_lacks_is_made(pair: Pair) -> None:
    pair.write("ms1", f"{DISTS}/one", "1")
    pair.host("ms2").run(["rmdir", DISTS])
    pair.assert_complete(pair.replicate())


FLAGGED = (("i", CONFIG), ("a", CDS), ("i", f"{CDS}/folder"), ("a", f"{CDS}/folder/one"))


@pytest.mark.parametrize(("flag", "flagged"), FLAGGED)
def test_what_the_standby_may_not_change_leaves_it_one_whole_set_that_can_be_started(
    pair: Pair, flag: str, flagged: str
) -> None:
    for directory in (CDS, DISTS, CONFIG):
        pair.write("ms1", f"{directory}/folder/one", "before")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    for directory in (CDS, DISTS, CONFIG):
        pair.write("ms1", f"{directory}/folder/one", "after it")
    pair.host("ms2").run(["chattr", f"+{flag}", flagged])
    try:
        ended = pair.replicate()
        if ended.result["complete"]:
            pair.assert_same()
        else:
            refusal(ended, flagged if flagged in (CDS, DISTS, CONFIG) else CDS)
            assert pair.holds("ms2") == before
        held = pair.holds("ms2")
        started = pair.run("ms2", "start", Epoch="1", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
        assert started.code == 0, started.stderr
        assert pair.holds("ms2") == held
    finally:
        pair.set_epoch("ms2", 1, "standby")
        pair.host("ms2").run(["bash", "-c", f"chattr -R -{flag} {SERVER_FILES} {CONFIG} 2>/dev/null; true"])
    pair.assert_complete(pair.replicate())
    assert not pair.inside("ms2", f"{STATE}/swap").exists()
