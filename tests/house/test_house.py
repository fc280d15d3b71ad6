"""The house as it is meant to be: imports run one way, files stay small, and names say what is in them."""

from __future__ import annotations

import pytest

from tests.house.imports import ROOT, circle, imported, imports_of, sources

ADAPTERS = sorted(name for name in sources() if name.startswith("msfailover.adapters"))
DECISIONS = sorted(
    name
    for name in sources()
    if name.startswith("msfailover.") and name not in ADAPTERS and name != "msfailover.observing"
)
DEPLOYED = [name for name in sources() if name.startswith(("msfailover", "functions"))]
WORDS = {f"msfailover.{name}" for name in ("pair", "history", "record", "evidence", "verdict", "waiting", "words")}
"""What adapters and decisions both speak; waiting is how often a question is asked again."""
OUTSIDE = ("boto3", "botocore", "requests", "dns", "pg8000", "pymysql", "oracledb", "aws_lambda_powertools")


@pytest.mark.parametrize("module", DECISIONS)
def test_a_decision_knows_neither_adapters_nor_what_is_behind_them(module: str) -> None:
    assert [name for name in imports_of(module) if name.startswith(("msfailover.adapters", "functions"))] == []
    assert [name for name in imports_of(module) if name.split(".")[0] in OUTSIDE] == []


@pytest.mark.parametrize("module", ADAPTERS)
def test_an_adapter_knows_words_and_verdicts_and_no_decision(module: str) -> None:
    known = [name for name in imported(module) if name.startswith("msfailover.") and name not in ADAPTERS]
    assert set(known) <= WORDS


@pytest.mark.parametrize("module", sorted(WORDS))
def test_the_words_rest_on_nothing_but_words(module: str) -> None:
    assert {name for name in imported(module) if name.startswith("msfailover.")} <= WORDS


@pytest.mark.parametrize("module", sorted(DEPLOYED))
def test_what_is_deployed_knows_nothing_of_the_stage(module: str) -> None:
    assert [name for name in imports_of(module) if name.split(".")[0] in ("local", "tests", "moto")] == []


@pytest.mark.parametrize("module", [name for name in sources() if name.startswith("functions.")])
def test_no_function_reaches_into_another_one(module: str) -> None:
    assert [name for name in imported(module) if name.startswith("functions.")] == []


def test_imports_go_round_in_no_circle() -> None:
    assert circle() == []


def test_no_file_of_code_is_longer_than_400_lines() -> None:
    code = [*sources().values(), *(ROOT / "tests").rglob("*.py")]
    assert {str(path.relative_to(ROOT)): n for path in code if (n := len(path.read_text().splitlines())) > 400} == {}


def test_no_module_is_named_for_holding_anything() -> None:
    assert [name for name in sources() if name.split(".")[-1] in ("utils", "util", "helpers", "common", "misc")] == []
