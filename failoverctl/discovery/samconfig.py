"""The file that `sam deploy` reads: parameters are added with a comment each, and what a person wrote stays."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import tomlkit
from msfailover.text import clean
from tomlkit.items import Array, Table

from failoverctl.discovery.parameters import Missing, Value

CAPABILITIES = "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"
_ONE = re.compile(
    r"(?:ParameterKey=)?([A-Za-z0-9]+)(?:,ParameterValue)?="
    r"""("(?:\\.|[^"\\])*"|'[^']*'|(?:\\.|[^ "\\])+|)"""
)
"""One parameter as sam takes it, `Name=value` or `ParameterKey=Name,ParameterValue=value`."""
_NOT_FOUND = "not found:"
_OURS = re.compile(rf"^\s*# ([A-Za-z0-9]+) {_NOT_FOUND} ")
COMMENT_AT_MOST = 160


class NotWritable(Exception):
    """The file can't be read as what it should be, or could not be written without changing something else."""


def overrides(text: str, environment: str) -> dict[str, str]:
    """The parameters that an environment of the file sets. Raises NotWritable for a file that is no TOML."""
    return _read(_parameters(_parsed(text), environment).get("parameter_overrides", []))


def setting(text: str, environment: str, name: str) -> str:
    """Another key of sam deploy ("stack_name"), of the environment or its global section; empty where it is not set."""
    found = _parsed(text)
    sections = (_parameters(found, environment), _parameters(found, environment, "global"))
    return next((str(each[name]) for each in sections if name in each), "")


def written(
    text: str,
    environment: str,
    values: Iterable[Value],
    missing: Iterable[Missing],
    settings: Mapping[str, str],
    *,
    update: bool = False,
) -> str:
    """The file with parameters added.

    Args:
        text: the file; empty for a new one.
        environment: sam's --config-env.
        values: the parameters; one that the file has already stays as it is, unless `update`.
        missing: those that were not found, each left as a comment.
        settings: other keys of sam deploy ("stack_name", "region"), set where neither this environment nor its global
            section has them.
        update: whether the file's values give way to these.

    Raises:
        NotWritable: something else than these parameters would change; nothing is to be written.
    """
    before = _parsed(text)
    had = overrides(text, environment)
    document = tomlkit.parse(text or "version = 0.1\n")
    section = _section(document, environment)
    inherited = _parameters(before, environment, "global")
    for name, value in (("capabilities", CAPABILITIES), ("resolve_s3", True), *settings.items()):
        instead = name == "resolve_s3" and ("s3_bucket" in section or "s3_bucket" in inherited)
        if name not in section and name not in inherited and value and not instead:
            section[name] = value
    lines, wanted, added = _array(section), dict(had), []
    for each in values:
        if each.name not in had:
            added.append(f"{_text(f'{each.name}={_quoted(each.value)}')}, # {clean(each.why, COMMENT_AT_MOST)}")
        elif update and not each.is_met_by(had[each.name]):
            _replace(lines, each)
        else:
            continue
        wanted[each.name] = each.value
    gaps = [f"# {gap.name} {_NOT_FOUND} {clean(f'{gap.why}: {gap.how}', 2 * COMMENT_AT_MOST)}" for gap in missing]
    section["parameter_overrides"] = _with_lines(lines, added, gaps)
    found = tomlkit.dumps(document)
    _demand(before, found, environment, wanted)
    return found


def _demand(before: Mapping[str, Any], found: str, environment: str, wanted: Mapping[str, str]) -> None:
    """Raises NotWritable where the new text, read by another parser, changes anything but what was meant."""
    after = tomllib.loads(found)
    if overrides(found, environment) != dict(wanted):
        raise NotWritable("The parameters would not be what they should be; nothing was written.")
    kept, now = dict(_flat(before)), dict(_flat(after))
    mine = f"{environment}.deploy.parameters.parameter_overrides"
    lost = [name for name in kept if name != mine and kept[name] != now.get(name)]
    if lost:
        raise NotWritable(f"{lost[0]} would change; nothing was written.")


def _flat(found: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    for name, each in found.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{path}{name}.")
        else:
            yield f"{path}{name}", each


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotWritable(f"It is no TOML: {error}.") from error


def _parameters(found: Mapping[str, Any], environment: str, command: str = "deploy") -> Mapping[str, Any]:
    """What a section of sam's file sets; empty where there is none. Raises NotWritable where it is no table."""
    for name in (environment, command, "parameters"):
        found = found.get(name, {})
        if not isinstance(found, Mapping):
            raise NotWritable(f"{name} in it is no table.")
    return found


def _read(given: Any) -> dict[str, str]:
    """Parameters as sam takes them: one text, or a list of them. Raises NotWritable for another form."""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise NotWritable("Its parameter_overrides is neither a text nor a list of texts.")
    if any(each.startswith("file://") for each in texts):
        raise NotWritable("Its parameter_overrides names a file: write the parameters here instead.")
    return {name: _plain(value) for each in texts for name, value in _ONE.findall(each)}


def _plain(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return re.sub(r"\\(.)", r"\1", value[1:-1] if quoted else value)


def _quoted(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9@._/:,*+=-]+", value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _section(document: Any, environment: str) -> Table:
    """The table `[ENVIRONMENT.deploy.parameters]`, made where it is not there."""
    found = document
    for name in (environment, "deploy"):
        if name not in found:
            found.add(name, tomlkit.table(is_super_table=True))
        found = found[name]
    if "parameters" not in found:
        found.add("parameters", tomlkit.table())
    section: Table = found["parameters"]
    return section


def _array(section: Table) -> Array:
    """The list of parameters: as it is, or made of the one text that sam writes."""
    given = section.get("parameter_overrides")
    if isinstance(given, Array):
        return given
    made = tomlkit.array()
    for name, value in _read(given if given is not None else []).items():
        made.add_line(f"{name}={_quoted(value)}")
    made.add_line(indent="")
    return made


def _replace(lines: Array, value: Value) -> None:
    """Give a parameter another value where it stands; what else its line holds, and its comment, stay."""
    wanted = f"{value.name}={_quoted(value.value)}"
    for index, line in enumerate(lines):
        changed = _ONE.sub(lambda one: wanted if one[1] == value.name else one[0], str(line))
        if changed != str(line):
            lines[index] = changed


def _with_lines(lines: Array, added: list[str], gaps: list[str]) -> Array:
    """The list with lines before its own, and with comments after it in place of those that an earlier run left."""
    rest = lines.as_string()[1:].lstrip(" \t").removeprefix("\n")
    kept = "".join(line for line in rest.splitlines(keepends=True) if not _OURS.match(line)).removesuffix("]").rstrip()
    if kept and not kept[0].isspace():
        kept = f"    {kept}"
    body = [*(f"    {line}" for line in added), *([kept] if kept else []), *(f"    {line}" for line in gaps)]
    found: Array = tomlkit.parse("\n".join(["x = [", *body, "]\n"]))["x"]
    return found


def _text(value: str) -> str:
    """A text as TOML writes it."""
    return tomlkit.item(value).as_string()
