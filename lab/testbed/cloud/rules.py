"""The template's rules about parameters, which CloudFormation checks before it makes anything, and moto does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NEEDS_ACCOUNT = ("Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll")


def broken(template: Mapping[str, Any], given: Mapping[str, str]) -> list[str]:
    """The descriptions of all assertions that do not hold, in the template's order.

    Assertions that ask for attributes of what is in the account (the network of a subnet) are left out.

    Args:
        template: the template, with its Parameters and Rules.
        given: the parameters' values as they are typed; defaults are added.
    """
    declared = template.get("Parameters", {})
    values = {name: _typed(str(given.get(name, about.get("Default", ""))), about) for name, about in declared.items()}
    found = []
    for rule in template.get("Rules", {}).values():
        if not holds(rule.get("RuleCondition", True), values):
            continue
        for each in rule["Assertions"]:
            if not any(name in str(each["Assert"]) for name in _NEEDS_ACCOUNT) and not holds(each["Assert"], values):
                found.append(str(each["AssertDescription"]))
    return found


def _typed(value: str, about: Mapping[str, Any]) -> str | list[str]:
    kind = str(about.get("Type"))
    return [each.strip() for each in value.split(",")] if "List" in kind else value


def holds(expression: Any, values: Mapping[str, str | list[str]]) -> Any:
    """What an expression of a rule comes to: a truth, a string or a list of strings."""
    if isinstance(expression, list):
        return [holds(each, values) for each in expression]
    if not isinstance(expression, Mapping):
        return expression
    ((name, argument),) = expression.items()
    if name == "Ref":
        return values[argument]
    operands = holds(argument, values)
    match name:
        case "Fn::Equals":
            return operands[0] == operands[1]
        case "Fn::Not":
            return not operands[0]
        case "Fn::And":
            return all(operands)
        case "Fn::Or":
            return any(operands)
        case "Fn::EachMemberIn":
            return set(operands[0]) <= set(operands[1])
        case "Fn::EachMemberEquals":
            return set(operands[0]) <= {operands[1]}
        case "Fn::Contains":
            return operands[1] in operands[0]
    raise ValueError(f"a rule uses {name}, which is not known here")
