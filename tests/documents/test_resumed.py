"""What a broken run left behind, or files of an unusual kind, never keep a directory from being copied for good."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.documents import pair as hosts
from tests.documents.pair import CDS, SERVER_FILES, STATE, Pair
from tests.documents.test_whole import failed

pytestmark = pytest.mark.testbed

AT = (1_000_000_000_000_000_001, 1_000_000_000_000_000_001)
NAMES_OF_ONE_FILE = 33_000
"""More than half of what ext4 allows (65,000): a second directory with the same file can't be made by links."""


def test_names_that_were_one_file_when_a_first_copy_broke_off_and_are_two_now_arrive_as_two(pair: Pair) -> None:
    top = os.fspath(pair.inside("ms1", CDS))
    os.utime(pair.write("ms1", f"{CDS}/a", os.urandom(100_000)), ns=AT)
    os.link(f"{top}/a", f"{top}/b")
    pair.write("ms1", f"{CDS}/c", os.urandom(400_000))
    pair.hold_copies_after(150_000)
    run = pair.begin()
    pair.await_half()
    pair.end("ms1", "rsync")
    pair.let_go()
    assert pair.ended(run).code != 0
    pair.host("ms1").run(["bash", "-c", f"cd {CDS} && cp -p a new && mv new b"])
    pair.assert_complete(pair.replicate())


def test_what_a_run_left_that_was_killed_as_it_tried_the_swap_is_in_nobodys_way(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.stand_in("ms2", "rmdir", "kill -KILL $PPID")
    failed(pair.replicate())
    pair.put_aside("ms2")
    assert pair.inside("ms2", f"{SERVER_FILES}/.ms-failover.try").is_dir(), "it was not killed there"
    pair.assert_complete(pair.replicate())
    assert not pair.inside("ms2", f"{SERVER_FILES}/.ms-failover.try").exists()


def test_a_file_that_takes_longer_to_read_than_a_connection_may_be_silent_is_compared(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hosts.script_of

    def impatient(document: dict[str, Any], **parameters: str) -> str:
        script = real(document, **parameters)
        assert script.count("quiet=60") == 1
        return script.replace("quiet=60", "quiet=1")

    monkeypatch.setattr(hosts, "script_of", impatient)
    for role, size in (("ms1", 6 * 2**30), ("ms2", 6 * 2**30)):  # of holes: no disk, but reading and reckoning
        path = pair.write(role, f"{CDS}/large", "")
        os.truncate(path, size)
        os.utime(path, ns=AT)
    result = pair.replicate(timeout_s=120).result
    assert (result["complete"], result["mode"]) == (True, "compare"), result["reason"]


def test_a_file_of_more_names_than_a_second_directory_could_give_it_is_copied_each_time(pair: Pair) -> None:
    make = f'for (1..{NAMES_OF_ONE_FILE}) {{ link "a", "l$_" or die }}'
    pair.host("ms1").run(["bash", "-c", f"cd {CDS} && echo 1 >a && perl -e '{make}'"], timeout_s=60)
    assert pair.replicate(timeout_s=90).result["complete"] is True
    pair.host("ms2").run(["/usr/bin/flock", "-w", "20", f"{STATE}/receive.lock", "true"])
    pair.write("ms1", f"{CDS}/a", "2")
    result = pair.replicate(timeout_s=90).result
    assert (result["complete"], result["mode"]) == (True, "full"), result["reason"]
    assert pair.inside("ms2", f"{CDS}/l1").read_text() == "2"
    assert pair.inside("ms2", f"{CDS}/a").stat().st_nlink == NAMES_OF_ONE_FILE + 1
