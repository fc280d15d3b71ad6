"""What a disk refuses in the middle of a swap: one whole set, no claim that the disk may not keep, and a true word."""

from __future__ import annotations

import pytest

from tests.documents.pair import CDS, DISTS, SERVER_FILES, STATE, Pair
from tests.documents.test_whole import failed

pytestmark = pytest.mark.testbed

FAILS = 'echo "sync: error syncing: Input/output error" >&2; exit 1'


def rest(pair: Pair, role: str = "ms2") -> None:
    pair.host(role).run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])


def two_sets(pair: Pair) -> None:
    """The standby holds one; the active server has the next one."""
    for directory in (CDS, DISTS):
        pair.write("ms1", f"{directory}/one", "1")
    pair.settle()
    rest(pair)
    for directory in (CDS, DISTS):
        pair.write("ms1", f"{directory}/one", "2")


def start(pair: Pair, role: str = "ms2") -> None:
    started = pair.run(role, "start", Epoch="1", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
    assert started.code == 0, started.stderr


def test_a_record_that_is_not_sure_to_be_on_the_disk_is_none(pair: Pair) -> None:
    two_sets(pair)
    before = pair.holds("ms2")
    pair.stand_in("ms2", "sync", f'[ "$*" != {STATE} ] || {{ {FAILS}; }}; exec /usr/bin/sync "$@"')
    assert "the standby keeps its last complete set" in failed(pair.replicate())
    pair.put_aside("ms2")
    rest(pair)
    start(pair)
    assert pair.holds("ms2") == before
    pair.set_epoch("ms2", 1, "standby")
    pair.assert_complete(pair.replicate())


@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_marker_that_can_not_be_replaced_keeps_the_set_that_it_is_of(pair: Pair, flag: str) -> None:
    two_sets(pair)
    before = pair.holds("ms2")
    pair.host("ms2").run(["chattr", f"+{flag}", f"{STATE}/received.json"])
    try:
        assert f"{STATE}/received.json can't be replaced" in failed(pair.replicate())
        assert pair.holds("ms2") == before
    finally:
        pair.host("ms2").run(["chattr", f"-{flag}", f"{STATE}/received.json"])
    pair.assert_complete(pair.replicate())


def test_an_exchange_that_is_not_sure_to_be_on_the_disk_is_claimed_of_no_set(pair: Pair) -> None:
    two_sets(pair)
    pair.stand_in("ms2", "sync", f'[[ "$*" != {SERVER_FILES}* ]] || {{ {FAILS}; }}; exec /usr/bin/sync "$@"')
    assert f"{SERVER_FILES} can't be synced to the disk" in failed(pair.replicate())
    rest(pair)
    assert not pair.inside("ms2", f"{STATE}/received.json").exists()
    assert pair.inside("ms2", f"{STATE}/swap").exists(), "it makes one set of whatever a power cut leaves"
    assert f"{SERVER_FILES} can't be synced to the disk" in failed(pair.replicate()), "and no other takes its place"
    start(pair)
    assert {pair.inside("ms2", f"{directory}/one").read_text() for directory in (CDS, DISTS)} == {"2"}
    pair.put_aside("ms2")
    pair.set_epoch("ms2", 1, "standby")
    pair.assert_complete(pair.replicate())
    assert not pair.inside("ms2", f"{STATE}/swap").exists()


def test_a_file_system_of_layers_is_copied_from_by_no_move_where_there_is_no_perl(pair: Pair) -> None:
    pair.host("ms2").run(["bash", "-c", f"rm -rf {SERVER_FILES}/.ms-failover; echo old >{CDS}/old"])
    top, disk = "/var/opt/ssh-mgmt", "/run/layers"
    layers = f"mkdir -p {disk} && mount -t tmpfs layers {disk} && mkdir {disk}/upper {disk}/work && cp -a {top} {disk}/"
    options = f"lowerdir={disk}/ssh-mgmt,upperdir={disk}/upper,workdir={disk}/work,redirect_dir=off"
    pair.host("ms2").run(["bash", "-c", f"{layers} && mount -t overlay -o {options} layers {top}"])
    try:
        pair.write("ms1", f"{CDS}/one", "1")
        pair.stand_in("ms2", "perl", "exit 127")
        before = pair.holds("ms2")
        assert "could not be exchanged" in failed(pair.replicate())
        assert pair.holds("ms2") == before
    finally:
        pair.put_aside("ms2")
        pair.servers["ms2"].power_off()
        pair.servers["ms2"].power_on()


def test_the_active_host_clears_nothing_away_that_the_record_of_a_swap_names(pair: Pair) -> None:
    two_sets(pair)
    pair.stand_in("ms2", "mv", f'/usr/bin/mv "$@"; case "$*" in *{STATE}/swap) kill -KILL $PPID ;; esac')
    failed(pair.replicate())
    pair.put_aside("ms2")
    rest(pair)
    assert pair.inside("ms2", f"{STATE}/swap").exists(), "it was not killed there"
    pair.set_epoch("ms1", 2, "standby")
    pair.set_epoch("ms2", 2, "active")  # as by a start that ended there
    result = pair.replicate("ms2", epoch=2).result
    assert result["complete"] is True, result["reason"]
    assert {pair.inside("ms2", f"{directory}/one").read_text() for directory in (CDS, DISTS)} == {"2"}
    assert not pair.inside("ms2", f"{STATE}/swap").exists()
