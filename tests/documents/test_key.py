"""The key between the hosts can do nothing but replicate."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.documents.pair import CDS, REPLICATION_USER, STATE, TOOLS, Pair

pytestmark = pytest.mark.testbed

SERVER = "rsync --server -vlogDtpAXrSe.iLsfxCIvu"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "id",
        "bash -c id",
        "session; id",
        f"{SERVER} --sender . /etc/shadow",
        f"{SERVER} . /etc/",
        f"{SERVER} . {CDS}/",
        "rsync --server --daemon .",
        f"contents 0 {CDS}",
        "contents 0 /etc",
        "scp -t /etc",
        "internal-sftp",
    ],
)
def test_it_runs_no_command_but_the_receivers(pair: Pair, command: str) -> None:
    done = pair.ssh(command)
    assert done.returncode != 0
    assert "refused" in done.stdout + done.stderr
    assert "uid=" not in done.stdout


def test_it_gives_no_shell_no_forwarding_and_no_file_transfer(pair: Pair) -> None:
    terminal = pair.ssh("id", "-tt")
    assert "uid=" not in terminal.stdout
    forwarded = pair.ssh("id", "-W", "127.0.0.1:22")
    assert "stdio forwarding failed" in forwarded.stderr
    subsystem = pair.ssh("sftp", "-s")
    assert subsystem.returncode != 0
    assert subsystem.stdout == ""


def test_a_run_of_an_outsider_gets_no_further_than_the_conversation(pair: Pair) -> None:
    # Whoever stole the key can talk; paths that prepare-host did not allow, and transfers out of turn, are refused.
    said = pair.ssh("session", stdin=f"hello {TOOLS} 1 10\nunit /etc changes -\n")
    assert said.stdout.splitlines()[0].startswith("ready ")
    assert "refused /etc is not among the directories that prepare-host allowed" in said.stdout
    without_hello = pair.ssh("session", stdin=f"unit {CDS} changes -\n")
    assert "refused not understood: no hello" in without_hello.stdout


@pytest.mark.parametrize(
    "option", ["--remove-source-files", "--inplace", "--backup-dir=/etc", "--log-file=/etc/x", "-K", "--copy-dest=/etc"]
)
def test_a_transfer_takes_no_options_but_the_senders(pair: Pair, option: str) -> None:
    token = "0" * 32
    pair.write("ms2", f"{STATE}/receiving", f"{token} 1 changes {CDS}\n")
    done = pair.ssh(f"{SERVER} {option} . {token}")
    assert f"refused rsync's option {option} is not allowed" in done.stderr


def test_it_counts_only_from_the_peers_address(pair: Pair) -> None:
    for name in ("id_ed25519", "known_hosts"):
        pair.write("ms2", f"/root/stolen/{name}", pair.inside("ms1", f"{STATE}/ssh/{name}").read_bytes(), mode=0o600)
    argv = [
        "ssh", "-F", "/dev/null", "-i", "/root/stolen/id_ed25519", "-o", "StrictHostKeyChecking=no",
        "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null", "-l", REPLICATION_USER, "127.0.0.1", "session",
    ]  # fmt: skip
    done = pair.host("ms2").run(argv, check=False)
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_another_host_key_than_the_pinned_one_gets_nothing(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    known = pair.inside("ms1", f"{STATE}/ssh/known_hosts")
    pinned = known.read_text()
    known.write_text("ms-failover-peer " + pair.inside("ms1", f"{STATE}/ssh/id_ed25519.pub").read_text())
    try:
        ended = pair.replicate()
        assert "Host key verification failed" in ended.result["reason"]
        assert not pair.inside("ms2", f"{CDS}/one").exists()
    finally:
        known.write_text(pinned)


def channel(pair: Pair) -> Path:
    """The connection that a run of ms1's leaves open for the next one."""
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())
    held = pair.inside("ms1", f"{STATE}/ssh/channel")
    assert held.is_socket()
    return held


def test_a_connection_that_is_held_leads_to_nobody_else_once_the_host_is_prepared_for_another_address(
    pair: Pair,
) -> None:
    held = channel(pair)
    # The same keys: a host made from an image of the standby's has them, too.
    keys = pair.run("ms2", "prepare-host", Role="ms2", PeerAddress="10.77.0.11").result
    told = {"AuthorizedKey": keys["public_key"], "PeerHostKeys": keys["host_keys"]}
    try:
        assert pair.run("ms1", "prepare-host", Role="ms1", PeerAddress="10.77.0.99", **told).code == 0
        assert not held.exists()
    finally:
        assert pair.run("ms1", "prepare-host", Role="ms1", PeerAddress="10.77.0.12", **told).code == 0
    pair.assert_complete(pair.replicate())


def test_a_connection_that_is_held_is_made_anew_after_a_quarter_of_an_hour_though_it_is_never_idle(pair: Pair) -> None:
    held = channel(pair)
    made = held.stat().st_ino
    pair.assert_complete(pair.replicate())
    assert held.stat().st_ino == made
    old = time.time() - 16 * 60
    os.utime(held, (old, old))
    pair.assert_complete(pair.replicate())
    assert held.stat().st_mtime > old + 60  # the number of its inode may be given again


def test_the_account_has_no_password_no_home_of_its_own_and_one_rule_of_sudo(pair: Pair) -> None:
    host = pair.host("ms2")
    account = host.run(["getent", "passwd", REPLICATION_USER]).stdout.strip().split(":")
    assert account[5:] == [f"{STATE}/home", f"{STATE}/bin/login"]
    assert host.run(["getent", "shadow", REPLICATION_USER]).stdout.split(":")[1] == "*"
    may = host.run(["sudo", "-n", "-l", "-U", REPLICATION_USER]).stdout
    assert f'NOPASSWD: {STATE}/bin/receive ""' in may
    other = host.run(["runuser", "-u", REPLICATION_USER, "--", "sudo", "-n", "id"], check=False)
    assert other.returncode != 0
    for path in host.files.path(f"{STATE}/home").rglob("*"):
        assert path.stat().st_uid == 0
