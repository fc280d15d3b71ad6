"""One testbed in a checkout, another beside it in another one; an invalid name or file gets one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.testbed import namespaces
from lab.testbed.__main__ import _event_in, _function_named
from lab.testbed.state_files import ROOT


def test_a_second_testbed_in_a_directory_is_refused_and_one_elsewhere_is_not(tmp_path: Path) -> None:
    with namespaces.alone_in(tmp_path / "one"):
        place = f"Path({str(tmp_path)!r}, NAME)"
        program = (
            f"from pathlib import Path; from lab.testbed import namespaces\nwith namespaces.alone_in({place}): pass"
        )
        for name, ended in (("one", 1), ("two", 0)):
            done = subprocess.run(
                [sys.executable, "-c", program.replace("NAME", repr(name))],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == ended, done.stderr
            assert ("A testbed is up in" in done.stderr) is (name == "one")


@pytest.mark.parametrize("line", [["run", "crash"], ["drill"], ["acceptance"], ["testbed"]], ids=lambda line: line[0])
def test_every_command_that_builds_a_testbed_is_refused_beside_one_that_is_up(tmp_path: Path, line: list[str]) -> None:
    where = [] if line == ["testbed"] else ["--output", str(tmp_path)]
    with namespaces.alone_in(tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "lab.testbed", *line, *where],
            cwd=ROOT, env={**os.environ, "MS_FAILOVER_BUILD": str(tmp_path)},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith(f"A testbed is up in {tmp_path} already"), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["testbed.lock"], "it touches none of the other one's files"


def test_a_testbed_that_is_over_leaves_its_directory_to_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        with namespaces.alone_in(tmp_path):
            pass


def test_a_function_that_is_none_is_told_with_those_there_are() -> None:
    assert _function_named("database-access") == "database_access"
    with pytest.raises(namespaces.CannotRun, match=r"There is no function 'nix'; there are audit, .*watch\."):
        _function_named("nix")


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("{", "no JSON"), ("[1]", "holds no JSON object")]
)
def test_a_file_that_is_no_event_is_told_in_one_sentence(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "event.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(namespaces.CannotRun, match=why):
        _event_in(file)


@pytest.mark.parametrize(
    "line", [["invoke", "nix", "x.json"], ["invoke", "probe", "x.json"], ["failover", "x.json"], ["shell", "ms3"]]
)
def test_what_is_typed_wrongly_is_said_before_a_testbed_is_searched_for(line: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab.testbed", *line], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
