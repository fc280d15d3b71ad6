"""What goes to Lambda is locked, is what was tested here, and its licences are listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.setup import licences

ROOT = Path(__file__).parents[3]
LAYERS = [each.parent for each in licences.LOCKS]


def blocks(text: str) -> list[str]:
    return [each for each in re.split(r"\n(?=[a-z])", text) if "==" in each.partition("\n")[0]]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_lock_file_has_what_was_asked_for_in_the_version_that_was_asked_for(layer: Path) -> None:
    said = (layer / "requirements.in").read_text()
    wanted = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", said, re.MULTILINE))
    locked = {name: version for name, (version, _) in licences.locked(layer / "requirements.txt").items()}
    for name, version in wanted.items():
        assert locked[name.lower()] == version
    assert len(wanted) == len([each for each in said.splitlines() if each and not each.startswith("#")])


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_locked_package_has_hashes(layer: Path) -> None:
    lock = layer / "requirements.txt"
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", each) for each in blocks(lock.read_text()))
    assert len(blocks(lock.read_text())) == len(licences.locked(lock))


def test_every_layer_is_locked() -> None:
    assert sorted(LAYERS) == sorted(each for each in (ROOT / "layers").iterdir() if (each / "Makefile").is_file())


def test_what_is_in_two_layers_is_the_same_in_both() -> None:
    """Their files lie in one directory, where the layer that comes last wins."""
    first, second = (licences.locked(each) for each in licences.LOCKS)
    shared = first.keys() & second.keys()
    assert shared == {"typing-extensions"}
    assert [first[name][0] for name in shared] == [second[name][0] for name in shared]


def test_only_pairs_with_an_oracle_database_have_its_driver() -> None:
    everybody, oracle = (licences.locked(each) for each in licences.LOCKS)
    assert "oracledb" in oracle
    assert not everybody.keys() & {"oracledb", "cryptography", "cffi"}


def test_what_is_deployed_is_in_the_versions_that_are_tested_here() -> None:
    desk = licences.locked(ROOT / "requirements.txt")
    assert {name: desk[name][0] for name in licences.locked()} == {
        name: version for name, (version, _) in licences.locked().items()
    }


def test_nothing_is_deployed_that_nothing_needs() -> None:
    """A package that was needed once is taken out by compiling the lock again (the command is in its first lines)."""
    assert all(via for _, via in licences.locked().values())


def test_no_lock_file_names_a_place_of_its_own_to_take_packages_from() -> None:
    setup = ROOT / "lab/setup"
    for lock in (*licences.LOCKS, ROOT / "requirements.txt", setup / "tools.txt", setup / "docs.txt"):
        assert not re.search(r"^--|://", lock.read_text(), re.MULTILINE)


def test_the_page_of_licences_is_the_one_that_would_be_written_now() -> None:
    assert licences.PAGE.read_text() == licences.page()
