"""Each run and each comparison has its one line, which is JSON whatever files are called, with the cause in it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.documents import pair as hosts
from tests.documents.pair import CDS, STATE, Pair
from tests.documents.test_room import a_disk_of_its_own, fill
from tests.documents.test_whole import failed

pytestmark = pytest.mark.testbed

COMPARED: dict[str, Any] = {"Epoch": "1", "StandbyAddress": "10.77.0.12"}


def test_a_reason_that_names_what_is_no_text_is_json_all_the_same(pair: Pair) -> None:
    for name in (b"\xff\xfe\\", "Prüfung".encode()):
        path = pair.write("ms1", f"{CDS}/{os.fsdecode(name)}", "1", mode=0o4755)
        run = pair.begin()
        stdout, _ = run.communicate(timeout=30)
        reason = json.loads(stdout.decode())["reason"]
        said = name.decode() if b"\xff" not in name else r"\377\376" + "\\"
        assert reason.startswith(f"{CDS}/{said} runs with another owner's rights"), reason
        path.unlink()


@pytest.mark.parametrize("role", ["ms1", "ms2"])
def test_a_state_directory_that_became_read_only_is_said_to_be_that(pair: Pair, role: str) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.settle()
    pair.write("ms1", f"{CDS}/one", "2")
    pair.host(role).run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])
    pair.host(role).run(["bash", "-c", f"mount --bind {STATE} {STATE} && mount -o remount,bind,ro {STATE}"])
    try:
        reason = failed(pair.replicate())
    finally:
        pair.host(role).run(["umount", "-l", STATE])
    assert STATE in reason
    assert "can't be written: Read-only file system" in reason
    pair.assert_complete(pair.replicate())


def test_a_clock_that_is_set_back_during_a_run_leaves_it_its_line(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    real = hosts.script_of
    ahead = ("started=${EPOCHREALTIME/,/.}", "started=$((${EPOCHREALTIME%[.,]*} + 5)).123456")
    monkeypatch.setattr(hosts, "script_of", lambda *what, **how: real(*what, **how).replace(*ahead))
    pair.write("ms1", f"{CDS}/one", "1")
    assert pair.assert_complete(pair.replicate())["seconds"] == 0


def test_a_marker_that_is_damaged_leaves_the_hosts_status_its_line(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    marker = pair.inside("ms2", f"{STATE}/received.json")
    assert pair.run("ms2", "status").result["replica"] == pair.marker()
    for damaged in (b"\0" * 300, b'{"digest": "x', b"", b'\0\0"}'):
        marker.write_bytes(damaged)
        assert pair.run("ms2", "status").result["replica"] is None


def three_files(pair: Pair) -> None:
    for name in ("a", "b", "c"):
        pair.write("ms1", f"{CDS}/{name}", name)
    pair.settle()


def test_a_file_that_vanishes_during_a_comparison_is_pending(pair: Pair) -> None:
    three_files(pair)
    pair.stand_in("ms1", "sha256sum", f'rm -f {CDS}/b; exec /usr/bin/sha256sum "$@"')
    result = pair.verify()
    assert (result["outcome"], result["drifted"]) == ("identical", 0)
    assert result["pending"] >= 1


def test_a_file_that_neither_host_can_read_is_not_called_equal(pair: Pair) -> None:
    three_files(pair)
    unreadable = 'shift 2; for each; do [ "$each" = ./b ] || /usr/bin/sha256sum -z -- "$each"; done; exit 1'
    for role in ("ms1", "ms2"):
        pair.stand_in(role, "sha256sum", f'[ "$1" = -z ] || exec /usr/bin/sha256sum "$@"; {unreadable}')
    assert pair.verify()["drift"] == [{"name": f"{CDS}/b", "differs": "can't be read"}]


def test_a_comparison_on_a_host_without_room_says_so(pair: Pair) -> None:
    three_files(pair)
    with a_disk_of_its_own(pair, "ms1", STATE, "size=4m,nr_inodes=400"):
        fill(pair, "ms1", STATE, "bytes")
        ended = pair.run("ms1", "verify-replication", **COMPARED)
    assert ended.code != 0
    assert ended.result["outcome"] == "failed"
    assert f"this host's disk is full at {STATE}" in ended.result["reason"]


def test_a_comparison_that_is_killed_says_so(pair: Pair) -> None:
    three_files(pair)
    pair.stand_in("ms1", "sha256sum", 'pkill -TERM -x timeout; sleep 5; exec /usr/bin/sha256sum "$@"')
    script = pair.write_script("ms1", "verify-replication", **COMPARED)
    run = pair.host("ms1").spawn([script], log="verify", stdout=subprocess.PIPE)
    stdout, _ = run.communicate(timeout=30)
    assert json.loads(stdout.splitlines()[-1])["reason"] == "the comparison was killed by signal 15"


def test_a_comparison_tells_names_apart_of_which_one_begins_like_the_other(pair: Pair) -> None:
    alike = ("a", "a\x01b", "a\tp", "a\tthere C", "a b")
    for name in alike:
        pair.write("ms1", f"{CDS}/{name}", "1")
    pair.settle()
    for name in alike:
        pair.write("ms1", f"{CDS}/{name}", "2")
    pending = pair.verify()
    assert (pending["outcome"], pending["drifted"]) == ("identical", 0)
    pair.settle()
    for name in alike:
        os.utime(pair.write("ms2", f"{CDS}/{name}", "3"), ns=(1, 1))
    found = pair.verify()
    assert found["drifted"] == len(alike)
    assert [each["differs"] for each in found["drift"]] == ["content"] * len(alike)
