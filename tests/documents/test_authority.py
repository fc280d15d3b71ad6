"""Who may send, what, and until when: asked at each act, and bounded whatever the sender and its rsync do."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.testbed.hosts.polling import wait_until
from lab.testbed.state_files import BUILD
from tests.documents.pair import CDS, DISTS, STATE, TOOLS, Pair

pytestmark = pytest.mark.testbed

SEND = ["rsync", "-aHAX", "--numeric-ids", "--modify-window=-1", "--timeout=5"]


@contextmanager
def conversation(pair: Pair, *lines: str) -> Iterator[str]:
    """A session of somebody who holds ms1's key; gives the token, and keeps the session open meanwhile."""
    said = pair.inside("ms1", "/var/log/said")
    said.unlink(missing_ok=True)
    words = "; ".join(f"echo {shlex.quote(line)}" for line in (f"hello {TOOLS} 1 60", *lines))
    talk = f"{{ {words}; sleep 61; }} | {shlex.join(pair.ssh_argv('session'))} >/var/log/said"
    run = pair.host("ms1").spawn(["sh", "-c", talk], log="conversation")
    try:
        wait_until("it may send", lambda: said.exists() and "send\n" in said.read_text(), deadline_s=30)
        yield said.read_text().split()[1]
    finally:
        pair.host("ms1").run(["pkill", "-f", "^sleep 61$"], check=False)  # and so the rest of it, from inside
        run.wait(timeout=20)


def sent(pair: Pair, token: str, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Send a directory of ms1's with a token, past our own sender."""
    shell = shlex.join(pair.ssh_argv("")[:-2])
    argv = [*SEND, *options, "-e", shell, f"{source}/", f"10.77.0.12:{token}"]
    return pair.host("ms1").run(argv, check=False, timeout_s=30)


def promote(pair: Pair) -> None:
    ended = pair.run("ms2", "start", Epoch="2", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
    assert ended.code == 0, ended.stderr


FULL = (f"unit {CDS} full -", "room 100000 10 0 0")


def test_a_transfer_that_was_allowed_before_the_promotion_is_refused_after_it(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1", mode=0o640)
    pair.assert_complete(pair.replicate())
    before = pair.holds("ms2")
    pair.write("ms1", "/root/late/one", "2", mode=0o666)
    with conversation(pair, *FULL) as token:
        promote(pair)
        done = sent(pair, token, "/root/late")
    assert done.returncode != 0
    assert "refused" in done.stderr
    assert pair.holds("ms2") == before


def test_a_promotion_ends_the_sessions_and_voids_the_tokens(pair: Pair) -> None:
    pair.leave_session()
    promote(pair)
    assert not pair.inside("ms2", f"{STATE}/receiving").exists()
    left = ["pgrep", "-f", f"{STATE}/bin/receive"]
    wait_until("no receiver", lambda: pair.host("ms2").run(left, check=False).returncode == 1, deadline_s=5)


def test_a_sender_raises_no_epoch_of_the_standby(pair: Pair) -> None:
    said = pair.ssh("session", stdin=f"hello {TOOLS} 999999999999999 10\n")
    assert said.stdout.startswith("ready ")
    assert pair.inside("ms2", f"{STATE}/epoch").read_text() == "1 standby\n"
    too_long = pair.ssh("session", stdin=f"hello {TOOLS} 9999999999999999 10\n")
    assert "refused not understood" in too_long.stdout


def test_what_a_transfer_can_reach_shares_no_file_with_what_is_served(pair: Pair) -> None:
    for name in ("a", "b", "c"):
        pair.write("ms1", f"{CDS}/{name}", os.urandom(100_000))
    pair.assert_complete(pair.replicate())
    for name in ("b", "c"):
        pair.write("ms1", f"{CDS}/{name}", os.urandom(100_000))
    pair.hold_copies_after(150_000)
    run = pair.begin()
    pair.await_half(f"{CDS}/b")
    served = {path.stat().st_ino for path in pair.inside("ms2", CDS).iterdir()}
    reach = pair.inside("ms2", f"{Path(CDS).parent}/.ms-failover/cds/transfer")
    assert served.isdisjoint(path.lstat().st_ino for path in reach.rglob("*"))
    pair.let_go()
    pair.assert_complete(pair.ended(run))


@pytest.mark.parametrize(("mode", "kinds"), [(0o4755, "setid"), (0o2755, "setid")])
def test_a_file_that_runs_with_anothers_rights_is_refused_unless_asked_for(pair: Pair, mode: int, kinds: str) -> None:
    pair.write("ms1", f"{DISTS}/tool", "x", mode=mode).chmod(mode)
    ended = pair.replicate()
    assert ended.result["outcome"] == "refused"
    assert f"{DISTS}/tool runs with another owner's rights" in ended.result["reason"]
    with conversation(pair, f"unit {DISTS} full -", "room 100000 10 0 0") as token:  # past our own sender
        assert sent(pair, token, DISTS).returncode == 0
    said = pair.inside("ms1", "/var/log/said").read_text()
    assert not pair.inside("ms2", f"{DISTS}/tool").exists(), said
    pair.allow_kinds(kinds)
    pair.assert_complete(pair.replicate())


def test_a_device_cannot_even_be_made(pair: Pair) -> None:
    pair.host("ms1").run(["sh", "-c", "mkdir -p /root/odd && rm -f /root/odd/null && mknod /root/odd/null c 1 3"])
    with conversation(pair, *FULL) as token:
        done = sent(pair, token, "/root/odd")
    assert done.returncode == 23
    assert "Operation not permitted" in done.stderr


@pytest.fixture(scope="module", params=["newest", "Debian 12"])
def rsync(request: pytest.FixtureRequest) -> Path:
    """An rsync for the standby; Debian 12's own has known holes."""
    if request.param == "newest":
        return Path(shutil.which("rsync") or "")
    found = BUILD / "tools" / "rsync-debian-12"
    if not found.exists():
        pytest.skip(f"{found} is not there: lab/setup/rsync_debian_12.sh fetches it")
    return found


def test_a_link_in_one_transfer_and_a_name_through_it_in_the_next_reach_nothing_else(pair: Pair, rsync: Path) -> None:
    program = pair.inside("ms2", "/usr/local/sbin/rsync")
    shutil.copy(rsync, program)
    host = pair.host("ms1")
    host.run(["sh", "-c", "rm -rf /root/first /root/then; mkdir -p /root/first /root/then/out"])
    host.run(["ln", "-s", f"{STATE}/bin", "/root/first/out"])
    pair.write("ms1", "/root/then/out/receive", "evil")
    pair.write("ms1", "/root/then/out/evil", "evil")
    mine = pair.inside("ms2", f"{STATE}/bin/receive").read_bytes()
    with conversation(pair, *FULL) as token:
        assert sent(pair, token, "/root/first").returncode == 0
        pair.write("ms1", "/root/names", "out/evil\nout/receive\n")
        sent(pair, token, "/root/then", "--files-from=/root/names", "--no-implied-dirs")
    assert pair.inside("ms2", f"{STATE}/bin/receive").read_bytes() == mine
    assert not pair.inside("ms2", f"{STATE}/bin/evil").exists()
    program.unlink()
    pair.write("ms1", f"{CDS}/one", "1")
    pair.assert_complete(pair.replicate())


def test_an_rsync_that_puts_a_link_in_the_place_where_it_writes_leads_nobody_elsewhere(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    kept = pair.write("ms2", "/var/lib/elsewhere/kept", "somebody else's")
    pair.stand_in("ms2", "rsync", "rm -rf /tree/incoming; ln -s /var/lib/elsewhere /tree/incoming; exit 1")
    assert pair.replicate().result["complete"] is False
    pair.put_aside("ms2")
    pair.replicate()
    assert kept.read_text() == "somebody else's"
    pair.assert_complete(pair.replicate())


def test_an_rsync_that_is_the_enemy_itself_writes_nowhere_else(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    paths = f"/etc/evil /usr/evil /evil {STATE}/evil {CDS}/evil /live/evil /proc/sys/kernel/evil"
    tries = f"for p in {paths}; do echo x >$p; done; mount -t tmpfs x /tree; mknod /tree/d c 1 3; chroot /tree"
    pair.stand_in("ms2", "rsync", f"exec 2>&-; {tries}; exit 1")
    assert pair.replicate().result["complete"] is False
    pair.put_aside("ms2")
    for path in ("/etc/evil", "/usr/evil", "/evil", f"{STATE}/evil", f"{CDS}/evil"):
        assert not pair.inside("ms2", path).exists(), path
    pair.assert_complete(pair.replicate())
