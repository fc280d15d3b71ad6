"""Reading a function's settings from its environment, once, at start.

Each function has one frozen dataclass, in `settings.py`; a bad environment stops the function
before it does anything, with one sentence that names every bad variable and says what is allowed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

from msfailover.observations import parse_address
from msfailover.pair import Pair, Role, Server

T = TypeVar("T")
Parser = Callable[[str], Any]


class BadSettings(Exception):
    """The environment does not hold what the function needs; nothing was done."""


def setting(variable: str, parse: Parser, default: Any = MISSING) -> Any:
    """Declare a dataclass field that is read from `variable`; without a default it must be there."""
    metadata = {"variable": variable, "parse": parse}
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def text(pattern: str, meaning: str) -> Parser:
    # Not compiled here: every function declares the settings of all, and reads only its own.
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{meaning} is needed")
        return value

    return parse


def number(least: float, most: float, unit: str) -> Parser:
    def parse(value: str) -> float:
        try:
            parsed = float(value)
        except ValueError:
            parsed = float("nan")
        if not least <= parsed <= most:
            raise ValueError(f"{unit} from {least:g} to {most:g} is needed")
        return parsed

    return parse


def whole(least: int, most: int, unit: str) -> Parser:
    def parse(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise ValueError(f"{unit} from {least} to {most} is needed")
        return int(value)

    return parse


def choice(*allowed: str) -> Parser:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is needed")
        return value

    return parse


def flag(value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError("yes or no is needed")
    return value == "yes"


def addresses(value: str) -> tuple[str, ...]:
    """One or more IP addresses, separated by commas."""
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        # An IPv4 address that is written as IPv6 is the IPv4 address: that is what packets, rules and entries have.
        parsed = tuple(str(parse_address(part) or ipaddress.ip_address(part)) for part in found)
    except ValueError:
        parsed = ()
    if not parsed:
        raise ValueError("one or more IP addresses, separated by commas, are needed")
    return parsed


def optional_addresses(value: str) -> tuple[str, ...]:
    return addresses(value) if value.strip() else ()


def listed(each: Parser, meaning: str) -> Parser:
    """No, one or more of something, separated by commas."""

    def parse(value: str) -> tuple[Any, ...]:
        try:
            return tuple(each(part.strip()) for part in value.split(",") if part.strip())
        except ValueError as error:
            raise ValueError(f"{meaning}, separated by commas, are needed") from error

    return parse


def host_names(value: str) -> tuple[str, ...]:
    """No, one or more host names, separated by commas."""
    found = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    if any(not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9])?", name) for name in found):
        raise ValueError("host names, separated by commas, are needed")
    return found


instance_id = text(r"(i-[0-9a-f]{8,17}|mi-[0-9a-f]{17})", "an instance id (i-… or mi-…)")
host_name = text(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9.])?", "a host name")
arn = text(r"arn:aws[a-z-]*:[A-Za-z0-9:/_.*-]{5,500}", "an ARN")
anything = text(r"[^\x00-\x1f]{1,500}", "a line of text of at most 500 characters")
function_name = text(r"[A-Za-z0-9:_-]{1,170}", "the name or ARN of a function")
port = whole(1, 65535, "a port")


def read(kind: type[T], env: Mapping[str, str]) -> T:
    """Fill a settings dataclass from an environment.

    Args:
        kind: a frozen dataclass. Its fields that were declared with `setting` are read, `pair` from the MS1_…/MS2_…
            variables; the others keep their defaults.
        env: the environment.

    Raises:
        BadSettings: one sentence naming every variable that is missing or wrong, and what is allowed.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    declared = fields(kind)  # type: ignore[arg-type]
    if "pair" in [each.name for each in declared]:
        values["pair"] = _read_pair(env, problems)
    for each in declared:
        if "variable" not in each.metadata:  # `pair`, and what is not the environment's to say
            continue
        variable, parse = each.metadata["variable"], each.metadata["parse"]
        if variable in env and (env[variable] != "" or each.default is MISSING):
            _take(values, each.name, variable, env[variable], parse, problems)
        elif each.default is MISSING:
            problems.append(f"{variable} is missing")
    if problems:
        raise BadSettings(f"{kind.__name__} can't be read, nothing was done: {'; '.join(problems)}.")
    return kind(**values)


def _take(values: dict[str, Any], name: str, variable: str, value: str, parse: Parser, problems: list[str]) -> None:
    try:
        values[name] = parse(value)
    except ValueError as error:
        problems.append(f"{variable} is {value[:60]!r}, but {error}")


def _read_pair(env: Mapping[str, str], problems: list[str]) -> Pair | None:
    values: dict[str, Any] = {}
    wanted = [("name", "PAIR_NAME", text(r"[A-Za-z][A-Za-z0-9-]{0,40}", "a pair's name"))]
    for role in Role:
        prefix = role.name
        wanted += [
            (f"{role}_id", f"{prefix}_INSTANCE_ID", instance_id),
            (f"{role}_addresses", f"{prefix}_ADDRESSES", addresses),
            (f"{role}_names", f"{prefix}_HOST_NAMES", host_names),
        ]
    before = len(problems)
    for name, variable, parse in wanted:
        if variable not in env:
            problems.append(f"{variable} is missing")
        else:
            _take(values, name, variable, env[variable], parse, problems)
    if len(problems) > before:
        return None
    first, second = (
        Server(role, values[f"{role}_id"], values[f"{role}_addresses"], values[f"{role}_names"]) for role in Role
    )
    same = set(first.addresses) & set(second.addresses) or set(first.host_names) & set(second.host_names)
    if first.instance_id == second.instance_id or same:
        problems.append("MS1_… and MS2_… name the same server, but two different ones are needed")
        return None
    if (":" in first.address) != (":" in second.address):
        problems.append(
            "the first addresses of MS1_ADDRESSES and MS2_ADDRESSES are of different kinds, but both IPv4 or both IPv6"
            " are needed: the name has one kind of record"
        )
        return None
    return Pair(values["name"], first, second)
