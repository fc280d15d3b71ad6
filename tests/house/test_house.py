"""The house as it is meant to be: imports run one way, files stay small, and names say what is in them."""

from __future__ import annotations

import pytest

from tests.house.imports import ROOT, circle, imported, imports_of, sources

VOCABULARY = sorted(name for name in sources() if name.count(".") == 1 and name.startswith("msfailover."))
VOCABULARY = [name for name in VOCABULARY if name.split(".")[1] not in ("decisions", "adapters", "runtime")]
DECISIONS, ADAPTERS, RUNTIME = (
    sorted(name for name in sources() if name.startswith(f"msfailover.{room}"))
    for room in ("decisions", "adapters", "runtime")
)
DEPLOYED = [name for name in sources() if name.startswith(("msfailover", "functions"))]
LAB = [name for name in sources() if name.startswith("lab.")]
OUTSIDE = ("boto3", "botocore", "requests", "dns", "pg8000", "pymysql", "oracledb", "aws_lambda_powertools")


def others(module: str, *allowed: list[str]) -> list[str]:
    """What a module imports of the project's own besides what is allowed; a package is what its modules are."""
    known = {name for each in allowed for name in each} | {"msfailover", "msfailover.decisions", "msfailover.adapters"}
    return sorted(imported(module) - known)


@pytest.mark.parametrize("module", VOCABULARY)
def test_the_vocabulary_imports_nothing_but_itself(module: str) -> None:
    assert others(module, VOCABULARY) == []
    assert [name for name in imports_of(module) if name.split(".")[0] in OUTSIDE] == []


@pytest.mark.parametrize("module", DECISIONS)
def test_a_decision_imports_decisions_and_vocabulary_only(module: str) -> None:
    assert others(module, DECISIONS, VOCABULARY) == []
    assert [name for name in imports_of(module) if name.split(".")[0] in OUTSIDE] == []


@pytest.mark.parametrize("module", ADAPTERS)
def test_an_adapter_imports_no_decision(module: str) -> None:
    """polling is how often a question is asked again."""
    assert others(module, ADAPTERS, VOCABULARY, ["msfailover.runtime", "msfailover.runtime.polling"]) == []


@pytest.mark.parametrize("module", RUNTIME)
def test_what_a_function_runs_on_imports_no_decision_and_no_adapter(module: str) -> None:
    assert others(module, RUNTIME, VOCABULARY) == []


@pytest.mark.parametrize("module", sorted(DEPLOYED))
def test_what_is_deployed_imports_nothing_of_the_lab(module: str) -> None:
    assert [name for name in imports_of(module) if name.split(".")[0] in ("lab", "tests", "moto")] == []


@pytest.mark.parametrize("module", [name for name in sources() if name.startswith("functions.")])
def test_no_function_reaches_into_another_one(module: str) -> None:
    assert [name for name in imported(module) if name.startswith("functions.")] == []


@pytest.mark.parametrize("module", [name for name in sources() if name.startswith("failoverctl")])
def test_the_command_imports_the_vocabulary_and_reaches_the_lab_through_one_entry_point(module: str) -> None:
    mine = [name for name in sources() if name.startswith("failoverctl")]
    entry = ["lab.testbed.join_network"] if module == "failoverctl.program" else []
    again = DECISIONS if module.startswith("failoverctl.whatif") else []  # it decides once more by the same code
    assert others(module, mine, VOCABULARY, entry, [*again]) == []


def test_imports_go_round_in_no_circle() -> None:
    assert circle() == []


def test_no_file_of_code_is_longer_than_400_lines() -> None:
    code = [*sources().values(), *(ROOT / "tests").rglob("*.py")]
    assert {str(path.relative_to(ROOT)): n for path in code if (n := len(path.read_text().splitlines())) > 400} == {}


def test_no_module_is_named_for_holding_anything() -> None:
    assert [name for name in sources() if name.split(".")[-1] in ("utils", "util", "helpers", "common", "misc")] == []
