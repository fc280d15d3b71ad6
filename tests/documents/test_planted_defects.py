"""What is done wrong on purpose in the documents' scripts is found by their tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.defects import DEFECTS, VARIABLE, planted
from tests.documents.pair import DOCUMENTS

HERE = Path(__file__).resolve().parent
DEADLINE_S = 230


def run_with(defect: str) -> subprocess.CompletedProcess[str]:
    """Run the one test that is to find a defect, in documents that have it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    test = f"{HERE.relative_to(HERE.parents[1])}/{DEFECTS[defect].found_by}"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "-p", "no:cacheprovider", "-p", "no:xdist", test],
        cwd=HERE.parents[1], env=kept | {VARIABLE: defect}, capture_output=True, text=True, check=False,
        timeout=DEADLINE_S,
    )  # fmt: skip


@pytest.mark.testbed(outside=True)
@pytest.mark.timeout(DEADLINE_S + 10)
@pytest.mark.parametrize("name", DEFECTS)
def test_it_is_found(name: str) -> None:
    done = run_with(name)
    assert f"FAILED tests/documents/{DEFECTS[name].found_by}" in done.stdout, done.stdout[-3000:]
    assert "did not come to its end" not in done.stdout, done.stdout[-3000:]
    assert "has 0 times" not in done.stdout


@pytest.mark.parametrize("name", DEFECTS)
def test_its_place_is_in_the_document_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, name)
    document = DEFECTS[name].document
    text = (DOCUMENTS / f"{document}.yaml").read_text()
    assert planted(document, text) != text
