"""A host is prepared once or ten times with the same result, and can be given back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.documents.pair import CDS, CONFIG, DISTS, REPLICATION_USER, STATE, Pair

pytestmark = pytest.mark.testbed

MADE_BY_US = ("/etc/sudoers.d", "/etc/ssh", "/etc/opt", "/var/lib/ms-failover", "/var/opt", "/root/.ssh")
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sudoers")


def listed(pair: Pair, role: str) -> dict[str, tuple[int, bytes]]:
    """Every file that prepare-host might have to do with, with mode and content."""
    paths = [pair.inside(role, name) for name in ACCOUNTS]
    for top in MADE_BY_US:
        paths += [path for path in pair.inside(role, top).rglob("*") if not path.is_symlink()]
    root = pair.inside(role, "/")
    return {
        str(path.relative_to(root)): (path.stat().st_mode, b"" if path.is_dir() else path.read_bytes())
        for path in paths
    }


def test_preparing_again_changes_nothing_and_keeps_the_keys(bare_pair: Pair) -> None:
    first = bare_pair.prepare()
    before = listed(bare_pair, "ms2")
    assert bare_pair.prepare() == first
    assert listed(bare_pair, "ms2") == before
    assert first["ms1"]["ready"] is True
    assert first["ms1"]["autostart"] == "off"


def test_the_first_pass_says_what_is_missing(bare_pair: Pair) -> None:
    undo(bare_pair)
    assert bare_pair.run("ms1", "install-receiver").code == 0
    result = bare_pair.run("ms1", "prepare-host", Role="ms1", PeerAddress="10.77.0.12").result
    assert (result["ready"], result["missing"]) == (False, "AuthorizedKey, PeerHostKeys")
    bare_pair.set_epoch("ms1", 1, "active")
    assert "run prepare-host on both hosts" in bare_pair.replicate().result["reason"]


@pytest.mark.parametrize("user", [REPLICATION_USER, "root"])
def test_undo_leaves_the_host_as_it_was(bare_pair: Pair, user: str) -> None:
    undo(bare_pair)
    own = bare_pair.write("ms2", "/root/.ssh/authorized_keys", "ssh-ed25519 AAAA somebody\n", mode=0o600)
    before = listed(bare_pair, "ms2")
    bare_pair.prepare(user=user)
    bare_pair.set_epoch("ms1", 1, "active")
    bare_pair.set_epoch("ms2", 1, "standby")
    for directory in (CDS, DISTS, CONFIG):
        bare_pair.write("ms1", f"{directory}/{user}", "1")
    bare_pair.assert_complete(bare_pair.replicate())
    assert bare_pair.run("ms1", "verify-replication", Epoch="1", StandbyAddress="10.77.0.12").result["identical"]
    undo(bare_pair)
    left = {name for name, value in listed(bare_pair, "ms2").items() if before.get(name) != value}
    ours = {name for name in left if not name.startswith(("var/opt/ssh-mgmt/server/", "etc/opt/ssh-mgmt/server"))}
    assert {Path(name).name for name in ours} <= {"epoch", "state.lock"}
    assert own.read_text() == "ssh-ed25519 AAAA somebody\n"
    assert not bare_pair.inside("ms2", "/var/opt/ssh-mgmt/server/.ms-failover").exists()
    assert "undone" in bare_pair.run("ms2", "prepare-host", Undo="yes", Role="ms2", PeerAddress="10.77.0.11").stdout


def test_an_account_that_is_somebody_elses_is_not_taken(bare_pair: Pair) -> None:
    undo(bare_pair)
    bare_pair.run("ms2", "install-receiver")
    ended = bare_pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11", ReplicationUser="nobody")
    assert ended.code != 0
    assert "the user nobody is there already and is not ours" in ended.stderr


def test_a_host_without_what_it_needs_is_told_so(bare_pair: Pair) -> None:
    undo(bare_pair)
    ended = bare_pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11")
    assert "run the document install-receiver on this host first" in ended.stderr


def test_a_directory_of_the_set_in_another_one_is_refused(bare_pair: Pair) -> None:
    bare_pair.run("ms2", "install-receiver")
    nested = bare_pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11", Paths=f"{CDS} {CDS}/sub")
    assert nested.code != 0
    assert f"{CDS}/sub lies in {CDS}" in nested.stderr


def test_autostart_that_cannot_be_turned_off_is_an_error(bare_pair: Pair) -> None:
    undo(bare_pair)
    bare_pair.run("ms2", "install-receiver")
    bare_pair.stand_in("ms2", "systemctl", "[ $1 != is-enabled ] || echo enabled")
    try:
        ended = bare_pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11")
        assert "could not be turned off" in ended.stderr
    finally:
        bare_pair.servers["ms2"].install_stand_ins()


def test_a_full_disk_costs_nobody_elses_key(bare_pair: Pair) -> None:
    bare_pair.prepare(user="root")
    host, keys = bare_pair.host("ms2"), bare_pair.inside("ms2", "/root/.ssh/authorized_keys")
    keys.write_text(keys.read_text() + "".join(f"ssh-ed25519 AAAA{number} somebody\n" for number in range(200)))
    before = keys.read_text()
    small = "mount -t tmpfs -o size=64k,mode=0700 small /root/.ssh && cp -a /root/kept/. /root/.ssh/"
    host.run(["bash", "-c", f"cp -a /root/.ssh /root/kept && {small}; head -c 1M /dev/zero >/root/.ssh/filler; true"])
    try:
        cases: tuple[dict[str, Any], ...] = (
            {"Undo": "yes"}, {"AuthorizedKey": f"ssh-ed25519 {'A' * 68}", "ReplicationUser": "root"},
        )  # fmt: skip
        for parameters in cases:
            ended = bare_pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11", **parameters)
            assert ended.code != 0
            assert keys.read_text() == before
    finally:
        host.run(["bash", "-c", "umount -l /root/.ssh; rm -rf /root/kept"])
    undo(bare_pair)


def undo(pair: Pair) -> None:
    for role, peer in (("ms1", "10.77.0.12"), ("ms2", "10.77.0.11")):
        ended = pair.run(role, "prepare-host", Undo="yes", Role=role, PeerAddress=peer)
        assert ended.code == 0, ended.stderr
        left = (
            {path.name for path in pair.inside(role, STATE).iterdir()} if pair.inside(role, STATE).exists() else set()
        )
        assert left <= {"epoch", "state.lock"}, left
