"""What a copy is worth after a broken run, as the comparison of replications judges it."""

from __future__ import annotations

from pathlib import Path

from lab.benchmarks.replication_tree import Holding, digests, holding, path_of, plant, rewrite

BEFORE = {"cds/a": b"1", "dists/b": b"1"}
AFTER = {"cds/a": b"2", "dists/b": b"2"}


def test_all_of_one_version_is_usable() -> None:
    assert holding(BEFORE, BEFORE, AFTER) == Holding(before=2, after=0, other=0, usable=True)
    assert holding(AFTER, BEFORE, AFTER) == Holding(before=0, after=2, other=0, usable=True)


def test_a_mixture_of_two_versions_is_not_usable() -> None:
    assert holding({**BEFORE, "dists/b": b"2"}, BEFORE, AFTER) == Holding(before=1, after=1, other=0, usable=False)


def test_a_file_cut_off_missing_or_left_over_is_of_neither_version() -> None:
    assert holding({**BEFORE, "dists/b": b"?"}, BEFORE, AFTER) == Holding(before=1, after=0, other=1, usable=False)
    assert holding({"cds/a": b"1"}, BEFORE, AFTER) == Holding(before=1, after=0, other=1, usable=False)
    assert holding({**AFTER, "cds/.a.XyZ": b"2"}, BEFORE, AFTER) == Holding(before=0, after=2, other=1, usable=False)


def test_a_tree_has_the_files_asked_for_and_rewriting_changes_only_those_named(tmp_path: Path) -> None:
    plant(tmp_path, files=8, size=100)
    before = digests(tmp_path)
    rewrite(tmp_path, range(3), size=100, seed=2)
    after = digests(tmp_path)
    assert len(before) == 8
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {str(path_of(tmp_path, number).relative_to(tmp_path)) for number in range(3)}
