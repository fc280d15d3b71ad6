"""The configuration belongs to a version of the server: it is carried when both hosts run the same."""

from __future__ import annotations

import pytest

from tests.documents.pair import CDS, CONFIG, STATE, Pair, tree

pytestmark = pytest.mark.testbed


def test_after_an_upgrade_of_one_host_the_configuration_is_withheld_and_carried_once_both_agree(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    before = tree(pair.inside("ms2", CONFIG))
    pair.set_version("ms1", "7.0.0-1")
    pair.write("ms1", f"{CONFIG}/ms.json", "written by the upgrade")
    pair.write("ms1", f"{CDS}/one", "software goes on")
    ended = pair.replicate()
    assert ended.result["complete"] is True
    assert ended.result["config_withheld"] == "versions differ (7.0.0-1 here, 6.6.9-1 on the standby)"
    assert tree(pair.inside("ms2", CONFIG)) == before
    assert tree(pair.inside("ms2", CDS)) == tree(pair.inside("ms1", CDS))
    assert pair.replicate().result["config"] == "withheld"
    pair.set_version("ms2", "7.0.0-1")
    assert pair.assert_complete(pair.replicate())["config"] == "sent"


def test_a_configuration_that_is_withheld_has_an_age_of_its_own_and_the_oldest_counts(pair: Pair) -> None:
    first = pair.assert_complete(pair.replicate())
    pair.set_version("ms1", "7.0.0-1")
    pair.write("ms1", f"{CONFIG}/server.key", "renewed", mode=0o600)
    pair.write("ms1", f"{CDS}/one", "software goes on")
    held = pair.replicate().result
    assert held["complete"] is True
    assert held["as_of"] == held["config_as_of"] == first["as_of"], "the oldest counts"
    ages = pair.marker()["as_of"]
    assert ages[CONFIG] == first["as_of"] < ages[CDS]
    assert pair.verify()["pending"] >= 1, "and is not called identical without a word"
    pair.set_version("ms2", "7.0.0-1")
    carried = pair.assert_complete(pair.replicate())
    assert carried["as_of"] == carried["config_as_of"] > held["started_at"]


def test_a_configuration_that_an_upgrade_rewrote_on_the_standby_is_of_no_moment_while_it_is_withheld(
    pair: Pair,
) -> None:
    pair.settle()
    pair.set_version("ms2", "7.0.0-1")
    pair.write("ms2", f"{CONFIG}/server.key", "by the upgrade", mode=0o600)
    held = pair.replicate().result
    assert held["config_withheld"]
    assert (held["as_of"], held["config_as_of"]) == (0, 0), "it is not the active server's of any time"
    assert held["software_as_of"] == held["started_at"]
    pair.set_version("ms1", "7.0.0-1")
    carried = pair.assert_complete(pair.replicate())
    assert carried["as_of"] == carried["config_as_of"] == carried["started_at"]


def test_a_configuration_that_a_wrong_clock_dated_ahead_is_of_no_moment_once_it_is_withheld(pair: Pair) -> None:
    pair.assert_complete(pair.replicate())
    for times in pair.inside("ms1", f"{STATE}/sent").glob("*/times"):
        times.write_text("4000000000.000001 4000000000.000001\n")
    pair.set_version("ms1", "7.0.0-1")
    pair.write("ms1", f"{CONFIG}/server.key", "renewed", mode=0o600)
    held = pair.replicate().result
    assert held["complete"] is True
    assert (held["as_of"], held["config_as_of"], held["content_as_of"]) == (0, 0, 0)
    assert held["software_as_of"] == held["started_at"]


def test_an_unchanged_configuration_needs_no_versions(pair: Pair) -> None:
    pair.settle()
    pair.set_version("ms1", "7.0.0-1")
    pair.write("ms1", f"{CDS}/one", "1")
    assert pair.assert_complete(pair.replicate())["config"] == "same"


def test_two_unknown_versions_are_not_the_same_version(pair: Pair) -> None:
    for role in ("ms1", "ms2"):
        pair.set_version(role, "")
    ended = pair.replicate()
    assert ended.result["config_withheld"] == "versions differ (unknown here, unknown on the standby)"
    assert set(tree(pair.inside("ms2", CONFIG))) == {"."}


def test_software_and_configuration_can_be_left_out(pair: Pair) -> None:
    pair.write("ms1", f"{CDS}/one", "1")
    assert pair.replicate(ReplicateSoftware="no", ConfigPath="none").result["reason"] == "nothing changed"
    assert pair.replicate(ReplicateSoftware="no").result["config"] == "sent"
    assert not pair.inside("ms2", f"{CDS}/one").exists()
    result = pair.replicate(SoftwarePaths=CDS, ConfigPath="none").result
    assert (result["complete"], result["files"]) == (True, 1)


def test_a_dry_run_says_what_would_travel_and_asks_nothing_of_the_standby(pair: Pair) -> None:
    pair.write("ms1", f'{CDS}/a "name"\nof two lines', "1")
    pair.host("ms2").cut()
    result = pair.replicate(DryRun="yes").result
    assert (result["outcome"], result["complete"]) == ("dry-run", False)
    assert any("two lines" in name for name in result["names"])
    assert result["changed"] >= 3
