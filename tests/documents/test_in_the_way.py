"""Nothing is swapped or removed over what is not ours: wherever it is in the way, it is found before, and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.testbed.hosts.polling import wait_until
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


def test_the_active_host_removes_no_remains_through_a_link(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.write("ms1", f"{ELSEWHERE}/cds/kept", NOT_OURS)
    with elsewhere(pair, "ms1"):
        pair.host("ms1").run(["bash", "-c", f"rm -rf {AREA} && ln -s {ELSEWHERE} {AREA}"])
        try:
            refusal(pair.replicate(), f"{AREA} on this host is a link")
        finally:
            pair.host("ms1").run(["rm", AREA])
    pair.host("ms1").run(["rm", "-r", f"{ELSEWHERE}/cds"])
    pair.assert_complete(pair.replicate())


def test_giving_a_host_back_removes_nothing_through_a_link(pair: Pair) -> None:
    pair.write("ms2", f"{ELSEWHERE}/cds/kept", NOT_OURS)
    try:
        with elsewhere(pair, "ms2"):
            pair.host("ms2").run(["bash", "-c", f"rm -rf {AREA} && ln -s {ELSEWHERE} {AREA}"])
            undone = pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11", Undo="yes")
            assert undone.code != 0
            assert f"{AREA} is a link" in undone.stderr
    finally:
        pair.host("ms2").run(["rm", "-rf", AREA, f"{ELSEWHERE}/cds"])
        pair.prepare()


def test_a_staging_area_that_somebody_else_made_is_refused_by_name(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.host("ms2").run(["bash", "-c", f"rm -rf {AREA} && mkdir {AREA} && chown 1234 {AREA}"])
    try:
        refusal(pair.replicate(), f"{AREA} is not root's")
    finally:
        pair.host("ms2").run(["rmdir", AREA])
    pair.assert_complete(pair.replicate())


def test_a_staging_area_is_closed_whatever_the_directory_above_grants_in_it(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.host("ms2").run(["bash", "-c", f"rm -rf {AREA}; setfacl -d -m u:1234:rwx {SERVER_FILES}"])
    try:
        pair.assert_complete(pair.replicate())
        for path in (AREA, f"{AREA}/cds"):
            assert pair.inside("ms2", path).stat().st_mode & 0o077 == 0, path
    finally:
        pair.host("ms2").run(["setfacl", "-k", SERVER_FILES])


def test_what_is_mounted_between_the_last_check_and_the_swap_is_not_emptied(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/folder/kept", "1")
    pair.settle()
    pair.write("ms1", f"{CDS}/folder/kept", "2")
    mount = f"/usr/bin/mount --bind {ELSEWHERE} {CDS}/folder"
    for program in ("mv", "perl"):  # whichever exchanges
        is_swap = f'[[ "$*" = *"{AREA}/cds/staging {CDS}" ]]'
        once = f"{is_swap} && mkdir /run/mounted 2>/dev/null && {mount}"
        pair.stand_in("ms2", program, f'{once}\nexec /usr/bin/{program} "$@"')
    try:
        with elsewhere(pair, "ms2"):
            pair.replicate()
            pair.host("ms2").run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])
            assert pair.inside("ms2", "/run/mounted").exists(), "it did not come to that"
            pair.put_aside("ms2")
            refusal(pair.replicate(), "is a mount point")
    finally:
        pair.servers["ms2"].power_off()  # the mount was moved along
        pair.servers["ms2"].power_on()
    pair.assert_complete(pair.replicate())


def test_what_is_mounted_over_a_part_of_the_source_during_a_run_does_not_pass_for_the_set(pair: Pair) -> None:
    at = f"{DISTS}/folder"
    pair.write("ms1", f"{CDS}/one", "1")
    pair.write("ms1", f"{at}/of the set", "1")
    pair.assert_complete(pair.replicate())
    # After the check that a run begins with, and before the source is listed.
    once = f"mkdir /run/mounted 2>/dev/null && /usr/bin/mount --bind {ELSEWHERE} {at}"
    # All directories are listed at once: none before it is mounted.
    waits = f'n=0; until grep -q " {at} " /proc/self/mountinfo || [ $((n += 1)) -gt 500 ]; do sleep 0.01; done'
    pair.stand_in("ms1", "find", f'{once}; {waits}; exec /usr/bin/find "$@"')
    try:
        with elsewhere(pair, "ms1"):
            refusal(pair.replicate(), at)
    finally:
        pair.put_aside("ms1")
        pair.host("ms1").run(["umount", at])
        pair.inside("ms1", "/run/mounted").rmdir()
    assert pair.inside("ms2", f"{at}/of the set").exists()
    pair.assert_complete(pair.replicate())


def test_a_mount_below_a_source_that_is_a_mount_point_itself_is_refused_by_name(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.write("ms1", f"{CDS}/iso/two", "2")
    host = pair.host("ms1")
    host.run(["mount", "--bind", CDS, CDS])
    try:
        pair.assert_complete(pair.replicate())
        with elsewhere(pair, "ms1"), mounted(pair, "ms1", f"{CDS}/iso"):
            refusal(pair.replicate(), f"{CDS}/iso")
    finally:
        host.run(["umount", "-l", CDS])
    pair.assert_complete(pair.replicate())


def test_a_mount_is_found_where_the_way_to_it_has_a_blank(pair: Pair) -> None:
    top = str(Path(SERVER_FILES).parent)
    pair.write("ms1", f"{CDS}/one", "1")
    away = f"mkdir '/var/opt/a disk' && mv {top} '/var/opt/a disk/' && ln -s 'a disk/ssh-mgmt' {top}"
    pair.host("ms2").run(["bash", "-c", away])
    try:
        with elsewhere(pair, "ms2"), mounted(pair, "ms2", f"{CDS}/iso"):
            refusal(pair.replicate(), "/var/opt/a disk/ssh-mgmt/server/cds/iso is a mount point")
        pair.assert_complete(pair.replicate())
    finally:
        pair.host("ms2").run(
            ["bash", "-c", f"rm {top} && mv '/var/opt/a disk/ssh-mgmt' {top} && rmdir '/var/opt/a disk'"]
        )


def test_giving_a_host_back_during_a_swap_leaves_it_one_whole_set(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    pair.write("ms1", f"{CDS}/one", "2")
    waits = "[ $1 != -f ] || { touch /var/lib/at-it; until [ -e /var/lib/go-on ]; do sleep 0.02; done; }"
    pair.stand_in("ms2", "sync", f'{waits}; exec /usr/bin/sync "$@"')
    run = pair.begin()
    try:
        wait_until("the set is staged", pair.inside("ms2", "/var/lib/at-it").exists, deadline_s=10)
        undone = pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11", Undo="yes")
        assert undone.code == 0, undone.stderr
        pair.write("ms2", "/var/lib/go-on", "")
        assert pair.ended(run).result["complete"] is False
        assert pair.holds("ms2") == before
        assert not pair.inside("ms2", f"{AREA}/cds").exists()
    finally:
        pair.put_aside("ms2")
        pair.host("ms2").run(["rm", "-f", "/var/lib/at-it", "/var/lib/go-on"])
        pair.prepare()


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


@pytest.mark.parametrize("role", ["ms1", "ms2"])
def test_where_it_is_not_known_what_is_mounted_nothing_is_carried(pair: Pair, role: str) -> None:
    pair.settle()
    held = pair.holds("ms2")
    pair.write("ms1", f"{CDS}/one", "1")
    pair.host(role).run(["mount", "-t", "tmpfs", "none", "/proc"])
    try:
        ended = pair.replicate()
        assert pair.holds("ms2") == held
    finally:
        pair.host(role).run(["umount", "/proc"])
    assert not ended.result["complete"]
    if role == "ms1":
        assert "/proc/self/mountinfo can't be read" in ended.result["reason"]
    pair.assert_complete(pair.replicate())
