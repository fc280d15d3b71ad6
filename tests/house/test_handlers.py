"""How functions are written: a table of actions and one context; what a process remembers is in the context alone."""

from __future__ import annotations

import ast

import pytest

from tests.house.imports import imports_of, sources

FUNCTIONS = sorted(name for name in sources() if name.startswith("functions.") and name.endswith(".app"))


def kept(source: str) -> list[str]:
    """What a module keeps beside constants, its logger and its handler: names, `global`, caches, settings."""
    tree = ast.parse(source)
    names = [
        name.id
        for each in tree.body
        if isinstance(each, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    ]
    found = [name for name in names if name not in ("logger", "handler") and (name == "SETTINGS" or name.islower())]
    found += [f"global {', '.join(each.names)}" for each in ast.walk(tree) if isinstance(each, ast.Global)]
    cached = [each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id in ("cache", "lru_cache")]
    return found + cached


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_keeps_nothing_in_its_module(function: str) -> None:
    assert kept(sources()[function].read_text()) == []
    assert "msfailover.runtime.handler" in imports_of(function)


@pytest.mark.parametrize(
    "source",
    [
        "SETTINGS = read(Settings, os.environ)",
        "_seen: list[str] = []",
        "_until = 0.0",
        "def f():\n    global COUNT\n    COUNT += 1",
        "@cache\ndef f():\n    return 1",
        "f = 1\nf += 1",
    ],
)
def test_what_a_module_keeps_would_be_found(source: str) -> None:
    assert kept(source) != []


def test_constants_the_logger_the_table_and_the_handler_are_nothing_kept() -> None:
    assert kept("AT_MOST = 3\nlogger = logger_for('x')\nACTIONS: dict[str, int] = {}\nhandler = Handler(ACTIONS)") == []
