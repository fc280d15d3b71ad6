"""The workflow's definition and the template around it, read as data."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = ROOT / "statemachine" / "failover.asl.json"
TEMPLATE = ROOT / "template.yaml"
SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9]+)\}")

Machine = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """One state, wherever it stands: its path ("Fence/1/RevokeAccess"), its body, and the states it may name."""

    path: str
    body: Mapping[str, Any]
    siblings: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def payload(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("Arguments", {}).get("Payload", {})
        return found


def definition_text() -> str:
    return DEFINITION.read_text()


def definition() -> Machine:
    machine: Machine = json.loads(definition_text())
    return machine


def places(machine: Mapping[str, Any], prefix: str = "") -> Iterator[Place]:
    """Every state, those inside the branches too."""
    for name, body in machine["States"].items():
        yield Place(prefix + name, body, machine["States"])
        for number, branch in enumerate(body.get("Branches", [])):
            yield from places(branch, f"{prefix}{name}/{number}/")


def targets(body: Mapping[str, Any]) -> list[str]:
    """Every state that a state names as what comes next."""
    found = [body[key] for key in ("Next", "Default") if key in body]
    found += [each["Next"] for each in (*body.get("Choices", []), *body.get("Catch", []))]
    return found


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values."""


def _short_form(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _short_form)


def template() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=_Loader)
    return found


def substitutions() -> dict[str, Any]:
    found: dict[str, Any] = template()["Resources"]["FailoverMachine"]["Properties"]["DefinitionSubstitutions"]
    return found


def function_directory(substitution: str) -> str:
    """The directory of the function that a substitution stands for ("PairFunction" is functions/pair)."""
    resource = str(substitutions()[substitution]).removesuffix(".Arn")
    code: str = template()["Resources"][resource]["Properties"]["CodeUri"]
    return code


def actions_of(directory: str) -> set[str]:
    """The actions that a function's code knows: what it compares `action` with, or lists as ACTIONS."""
    tree = ast.parse((ROOT / directory / "app.py").read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "action":
            found |= _strings(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(name, ast.Name) and name.id == "ACTIONS" for name in names):
                value = node.value
                if isinstance(value, ast.DictComp):  # of functions, each under its own name
                    listed = ast.walk(value.generators[0].iter)
                    found |= {each.id for each in listed if isinstance(each, ast.Name)}
                    continue
                keys = [key for key in value.keys if key] if isinstance(value, ast.Dict) else [value]
                found |= {text for key in keys for text in _strings(key)}
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id == "ACTIONS":
            found |= _strings(node.value)  # ACTIONS |= dict.fromkeys(names, function)
    return found


def _strings(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
