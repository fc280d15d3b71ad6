"""Files go from the active server of this epoch to its standby. Everything else is refused on the host."""

from __future__ import annotations

import os

import pytest

from tests.documents.pair import CDS, SERVICE, STATE, Ended, Pair, tree

pytestmark = pytest.mark.testbed


def refused(ended: Ended) -> str:
    """The run's reason for refusing; fails where it did anything else."""
    assert ended.code != 0
    assert ended.result["complete"] is False
    assert ended.result["outcome"] == "refused", ended.result
    return str(ended.result["reason"])


def after_a_failover(pair: Pair) -> dict[str, object]:
    """ms2 is active in epoch 2 and has continued by itself; returns what it holds."""
    pair.write("ms1", f"{CDS}/old", "of ms1")
    pair.write("ms2", f"{CDS}/new", "of ms2")
    pair.set_epoch("ms2", 2, "active")
    return dict(tree(pair.inside("ms2", CDS)))


def test_an_old_order_after_the_failover_is_refused_where_the_host_was_told(pair: Pair) -> None:
    before = after_a_failover(pair)
    pair.set_epoch("ms1", 2, "standby")
    assert "this host is not the active server" in refused(pair.replicate(epoch=1))
    assert tree(pair.inside("ms2", CDS)) == before


def test_an_old_order_to_a_host_that_missed_the_failover_is_refused_by_the_other_host(pair: Pair) -> None:
    before = after_a_failover(pair)
    assert refused(pair.replicate(epoch=1)) == "the receiving host is itself the active server, of epoch 2"
    assert tree(pair.inside("ms2", CDS)) == before


def test_a_standby_that_has_seen_a_later_epoch_takes_nothing_of_an_earlier_one(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    pair.set_epoch("ms2", 3, "standby")
    assert "is of epoch 1, the receiving host has seen epoch 3" in refused(pair.replicate())
    assert not pair.inside("ms2", f"{CDS}/one").exists()


def test_an_order_of_an_epoch_that_is_not_the_hosts_own_is_refused(pair: Pair) -> None:
    assert "the order is of epoch 2, this host is active in epoch 1" in refused(pair.replicate(epoch=2))


def test_a_damaged_record_of_the_epoch_is_not_taken_for_a_yes(pair: Pair) -> None:
    for damaged in ("active\n", "1\n", "1 activ\n"):
        pair.write("ms1", f"{STATE}/epoch", damaged)
        assert "damaged" in refused(pair.replicate())
    pair.set_epoch("ms1", 1, "active")
    for damaged in ("standby\n", "1\n", "1 activ\n", "1 active of\n"):
        pair.write("ms2", f"{STATE}/epoch", damaged)
        assert "damaged" in refused(pair.replicate())


def test_after_the_failover_files_go_the_other_way_and_what_only_the_old_server_had_goes(pair: Pair) -> None:
    after_a_failover(pair)
    pair.set_epoch("ms1", 2, "standby")
    pair.write("ms2", "/etc/opt/ssh-mgmt/server/server.key", "secret", mode=0o600)
    pair.assert_complete(pair.replicate("ms2", epoch=2))
    assert set(tree(pair.inside("ms1", CDS))) == {".", "new"}


def test_a_server_that_took_over_without_the_files_does_not_take_them_from_the_other_one(pair: Pair) -> None:
    for number in range(20):
        pair.write("ms1", f"{CDS}/{number}", "1")
    pair.set_epoch("ms1", 2, "standby")
    pair.set_epoch("ms2", 2, "active")
    pair.write("ms2", f"{CDS}/imported since", "1")
    pair.write("ms2", "/etc/opt/ssh-mgmt/server/server.key", "secret", mode=0o600)
    before = pair.holds("ms1")
    assert f"19 of 21 names of {CDS} on the standby are not on this host" in refused(pair.replicate("ms2", epoch=2))
    assert pair.holds("ms1") == before
    pair.assert_complete(pair.replicate("ms2", epoch=2, MostRemovedPercent="100"))


def test_what_was_carried_after_a_change_of_roles_is_not_carried_again(pair: Pair) -> None:
    for name in ("a", "b", "c"):
        pair.write("ms1", f"{CDS}/{name}", name)
    pair.settle()
    pair.assert_complete(pair.replicate())
    pair.set_epoch("ms1", 2, "standby")
    pair.set_epoch("ms2", 2, "active")
    pair.assert_complete(pair.replicate("ms2", epoch=2))
    again = pair.assert_complete(pair.replicate("ms2", epoch=2))
    assert (again["changed"], again["reason"]) == (0, "nothing changed")


def test_a_standby_that_is_promoted_during_a_copy_keeps_what_it_has(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/kept", "1")
    pair.assert_complete(pair.replicate())
    before = tree(pair.inside("ms2", CDS))
    for name in ("a", "b"):
        pair.write("ms1", f"{CDS}/{name}", os.urandom(100_000))
    pair.hold_copies_after(150_000)
    run = pair.begin()
    pair.await_half()
    promoted = pair.run("ms2", "start", Epoch="2", NotAfter="9999999999", StartCommand="true", StatusCommand="true")
    assert promoted.code == 0, promoted.stderr
    pair.let_go()
    assert "is itself the active server, of epoch 2" in refused(pair.ended(run))
    assert tree(pair.inside("ms2", CDS)) == before


def test_a_host_whose_server_runs_takes_no_files_whatever_its_record_says(pair: Pair) -> None:
    pair.stand_in("ms2", "systemctl", "[ $1 != is-active ] || echo active")
    try:
        assert f"{SERVICE} runs on the receiving host" in refused(pair.replicate())
    finally:
        pair.servers["ms2"].install_stand_ins()


def test_an_order_for_another_standby_than_the_host_was_prepared_for_is_refused(pair: Pair) -> None:
    assert "was prepared for the peer 10.77.0.12" in refused(pair.replicate(StandbyAddress="10.77.0.99"))
