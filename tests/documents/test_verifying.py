"""The deep check compares both hosts by content, names what differs, and tells it from what is merely on its way."""

from __future__ import annotations

import os

import pytest

from tests.documents.pair import CDS, CONFIG, DISTS, Pair

pytestmark = pytest.mark.testbed


def a_set(pair: Pair) -> None:
    for name in ("content", "mode", "missing", "listed", "untouched", "with a\nnewline"):
        pair.write("ms1", f"{CDS}/{name}", name)
    pair.write("ms1", f"{DISTS}/twin", "twin")
    os.link(pair.inside("ms1", f"{DISTS}/twin"), pair.inside("ms1", f"{DISTS}/twin2"))
    pair.settle()


def spoil(pair: Pair) -> None:
    """What happens to files that nobody is to touch; the first as silently as can be: same size, same time."""
    there = pair.inside("ms2", CDS)
    before = (there / "content").stat()
    (there / "content").write_text("CONTENT")
    os.utime(there / "content", ns=(before.st_atime_ns, before.st_mtime_ns))
    (there / "mode").chmod(0o666)
    (there / "missing").unlink()
    pair.host("ms2").run(["setfacl", "-m", "u:99:r", f"{CDS}/listed"])
    pair.write("ms2", f"{CDS}/stray", "from somewhere")
    pair.host("ms2").run(["sh", "-c", f"cd {DISTS} && cp -p twin2 new && mv new twin2"])


def test_equal_hosts_are_identical(pair: Pair) -> None:
    a_set(pair)
    result = pair.verify()
    assert (result["identical"], result["outcome"], result["drifted"]) == (True, "identical", 0)
    assert result["files"] == 9


def test_drift_is_listed_by_file_with_what_differs_and_the_next_run_repairs_it(pair: Pair) -> None:
    a_set(pair)
    spoil(pair)
    result = pair.verify()
    assert (result["identical"], result["outcome"]) == (False, "drift")
    found = {each["name"]: each["differs"] for each in result["drift"]}
    assert found.pop(f"{CDS}/content") == "content"
    assert found.pop(f"{CDS}/mode") == "metadata"
    assert found.pop(f"{CDS}/missing") == "missing on the standby"
    assert found.pop(f"{CDS}/listed") == "access control list"
    assert found.pop(f"{CDS}/stray") == "only on the standby"
    assert found.pop(f"{DISTS}/twin2") in ("hard links", "missing on the standby")
    assert not any("untouched" in name or "newline" in name for name in found)
    repaired = pair.assert_complete(pair.replicate())
    assert repaired["mode"] == "compare", "what lies there is not what was left there"
    assert pair.verify()["identical"] is True


def test_what_changed_since_the_last_set_is_pending_and_no_drift(pair: Pair) -> None:
    a_set(pair)
    pair.write("ms1", f"{CDS}/content", "changed just now")
    pair.write("ms1", f"{CDS}/new\nlisted", "came just now")
    pair.host("ms1").run(["setfacl", "-m", "u:99:r", f"{CDS}/new\nlisted"])
    pair.inside("ms1", f"{CDS}/missing").unlink()
    result = pair.verify()
    assert (result["outcome"], result["drifted"]) == ("identical", 0)
    assert result["pending"] >= 3
    assert f"{result['pending']} names changed since the last complete set" in result["reason"]


def test_a_configuration_that_is_withheld_is_pending_and_no_drift(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    pair.set_version("ms1", "7.0.0-1")
    pair.write("ms1", f"{CONFIG}/server.key", "new", mode=0o600)
    assert pair.replicate().result["config"] == "withheld"
    assert pair.verify()["outcome"] == "identical"


def test_a_long_list_is_cut_short_and_all_are_counted(pair: Pair) -> None:
    for number in range(30):
        pair.write("ms1", f"{CDS}/{number:02} {'x' * 230}", "x")
    pair.settle()
    pair.host("ms2").run(["sh", "-c", f"rm {CDS}/*"])
    few = pair.verify(ListLimit="3")
    assert (len(few["drift"]), few["drifted"]) == (3, 31)
    all_of_them = pair.run("ms1", "verify-replication", Epoch="1", StandbyAddress="10.77.0.12", ListLimit="999")
    assert len(all_of_them.stdout) < 24_000, "Run Command returns no more"


def test_it_is_for_the_active_server_of_this_epoch_only(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    for epoch, state in ((1, "standby"), (2, "active")):
        pair.set_epoch("ms1", epoch, state)
        ended = pair.run("ms1", "verify-replication", Epoch="1", StandbyAddress="10.77.0.12")
        assert ended.result["outcome"] == "refused"
        assert "the order is for the active server of epoch 1" in ended.result["reason"]
