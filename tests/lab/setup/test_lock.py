"""What goes to Lambda is locked, is what was tested here, and its licences are listed."""

from __future__ import annotations

import re
from pathlib import Path

from lab.setup import licences

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "layers/msfailover"
WANTED = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", (LAYER / "requirements.in").read_text(), re.MULTILINE))
LOCK = (LAYER / "requirements.txt").read_text()


def blocks(text: str) -> list[str]:
    return [each for each in re.split(r"\n(?=[a-z])", text) if "==" in each.partition("\n")[0]]


def test_the_lock_file_has_what_was_asked_for_in_the_version_that_was_asked_for() -> None:
    locked = {name: version for name, (version, _) in licences.locked().items()}
    for name, version in WANTED.items():
        assert locked[name.lower()] == version
    said = (LAYER / "requirements.in").read_text().splitlines()
    assert len(WANTED) == len([each for each in said if each and not each.startswith("#")])


def test_every_locked_package_has_hashes() -> None:
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", each) for each in blocks(LOCK))
    assert len(blocks(LOCK)) == len(licences.locked())


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
    for lock in (LAYER / "requirements.txt", ROOT / "requirements.txt", setup / "tools.txt", setup / "docs.txt"):
        assert not re.search(r"^--|://", lock.read_text(), re.MULTILINE)


def test_the_page_of_licences_is_the_one_that_would_be_written_now() -> None:
    assert licences.PAGE.read_text() == licences.page()
