"""What a host keeps of one directory is never taken for what it keeps of another, whatever they are called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.documents.pair import CDS, STATE, Pair

pytestmark = pytest.mark.testbed

ALIKE = ("/var/opt/x_y/z", "/var/opt/x/y_z", "/var/opt/x_y_z/z")


@pytest.fixture
def allowed(pair: Pair) -> Iterator[Pair]:
    """Both hosts take directories whose names differ by what separates them only."""
    settings = {role: pair.inside(role, f"{STATE}/receiver.conf") for role in ("ms1", "ms2")}
    before = {role: path.read_text() for role, path in settings.items()}
    for role, path in settings.items():
        path.write_text(f"{before[role]}paths='{' '.join(ALIKE)}'\n")
        pair.host(role).run(["mkdir", "-p", *ALIKE])
    yield pair
    for role, path in settings.items():
        path.write_text(before[role])


def test_directories_whose_names_differ_by_what_separates_them_only_are_two(allowed: Pair) -> None:
    for content in ("1", "2"):
        for number, directory in enumerate(ALIKE):
            allowed.write("ms1", f"{directory}/file", f"{content} of {number}")
        result = allowed.replicate(SoftwarePaths=" ".join(ALIKE), ConfigPath="none").result
        assert (result["complete"], result["files"]) == (True, 3), result["reason"]
        for number, directory in enumerate(ALIKE):
            assert allowed.inside("ms2", f"{directory}/file").read_text() == f"{content} of {number}"


def test_a_directory_that_is_named_twice_is_carried_once(pair: Pair) -> None:
    for content in ("1", "2"):
        pair.write("ms1", f"{CDS}/file", content)
        result = pair.replicate(SoftwarePaths=f"{CDS} {CDS}", ConfigPath="none").result
        assert (result["complete"], result["files"]) == (True, 1), result["reason"]
        assert pair.inside("ms2", f"{CDS}/file").read_text() == content
