"""`failoverctl init`: what the account tells of a pair goes into the file that `sam deploy` reads."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from failoverctl.commands import CommandContext
from failoverctl.discovery import plan, samconfig
from failoverctl.discovery.facts import Facts, Wanted
from failoverctl.discovery.obstacles import Obstacle, obstacles
from failoverctl.discovery.parameters import Drift, Missing, Value
from failoverctl.discovery.survey import survey
from failoverctl.errors import CommandError, Exit

STACK = "ms-failover"
"""The stack's name, where neither an option nor the file has one."""
_WIDE = 22


def init(context: CommandContext) -> Exit:
    """Find the parameters, name the obstacles, and write the file; with --check only say what has drifted."""
    given = context.arguments
    path = Path(given.config_file)
    text = _read(path)
    with_file = f"{path} [{given.config_env}.deploy.parameters]"
    try:
        in_file = samconfig.overrides(text, given.config_env)
        settings = _settings(context, text)
    except samconfig.NotWritable as problem:
        raise CommandError(f"{path} can't be used: {problem}", Exit.USAGE) from problem
    facts = survey(context.account, _wanted(context, in_file))
    values = plan.values(facts)
    lacking = plan.missing(facts, values, in_file)
    drifted, hindering = plan.drift(values, in_file), obstacles(facts)
    added = [each.name for each in values if each.name not in in_file]
    if not given.check:
        try:
            new = samconfig.written(text, given.config_env, values, lacking, settings, update=given.update)
        except samconfig.NotWritable as problem:
            raise CommandError(f"{path} stays as it is: {problem}", Exit.CANNOT_WRITE) from problem
        if new != text:
            _write(path, new)
    done = _done(with_file, added, drifted, given.check, given.update)
    found = _for_programs(facts, values, lacking, hindering, drifted)
    found |= {"file": str(path), "environment": given.config_env, "added": [] if given.check else added}
    well = not (
        any(each.needed for each in lacking)
        or any(each.blocks for each in hindering)
        or facts.unread
        or (drifted and not given.update)
    )
    context.show(found, _for_people(facts, values, lacking, hindering, drifted, [done, _next(context, well)]))
    return Exit.DONE if well else Exit.NOT_WELL


def _wanted(context: CommandContext, in_file: dict[str, str]) -> Wanted:
    """What the options say, else what the file says. Raises CommandError where both are silent."""
    given = context.arguments
    options = {
        "AdminTlsName": given.admin_tls_name,
        "DatabaseName": given.database_name,
        "DatabaseEngine": given.engine,
        "DatabaseIamUser": given.iam_user,
    }
    known = {**in_file, **{name: value for name, value in options.items() if value}}
    if given.iam_user and in_file.get("DatabaseSecretArn"):
        raise CommandError(
            "The file names a secret: take DatabaseSecretArn out of it first, or --iam-user.", Exit.USAGE
        )
    named = {
        "--ms1": given.ms1 or in_file.get("Ms1InstanceId", ""),
        "--ms2": given.ms2 or in_file.get("Ms2InstanceId", ""),
        "--database": given.database or in_file.get("DatabaseHost", ""),
        "--record": (given.record or in_file.get("RecordName", "")).lower().rstrip("."),
    }
    lacking = [name for name, value in named.items() if not value]
    if lacking:
        raise CommandError(f"Give {', '.join(lacking)}: {given.config_file} does not say it.", Exit.USAGE)
    return Wanted(
        named["--ms1"],
        named["--ms2"],
        given.database or "",
        named["--record"],
        known,
        given.secret or in_file.get("DatabaseSecretArn", ""),
    )


def _settings(context: CommandContext, text: str) -> dict[str, str]:
    """Stack and region for the file. Raises CommandError where the file says otherwise."""
    given = context.arguments
    said = {name: samconfig.setting(text, given.config_env, name) for name in ("stack_name", "region")}
    region = str(context.account.client("ec2").meta.region_name)
    wanted = {"stack_name": given.stack or said["stack_name"] or STACK, "region": region}
    for name, value in wanted.items():
        if said[name] and said[name] != value:
            raise CommandError(
                f"{given.config_file} has {name} {said[name]} and not {value}: name another environment with"
                " --config-env, one for each pair.",
                Exit.USAGE,
            )
    return wanted


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} can't be read: {error}", Exit.USAGE) from error


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole. Raises CommandError where that can't be done; it is then as it was."""
    target = path.resolve()
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as new:
            new.write(text)
        Path(new.name).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        Path(new.name).replace(target)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}.", Exit.CANNOT_WRITE) from error


def _done(where: str, added: list[str], drifted: list[Drift], check: bool, update: bool) -> str:
    count = f"{len(added)} parameter{'' if len(added) == 1 else 's'}"
    if check:
        return f"{where}: nothing was written; {count} would be added, {len(drifted)} drifted."
    changed = f", {len(drifted)} updated" if update and drifted else ""
    kept = f"; {len(drifted)} drifted and stay as they are (--update)" if drifted and not update else ""
    return f"{where}: {count} added{changed}{kept}."


def _next(context: CommandContext, well: bool) -> str:
    if not well:
        return "Not ready to deploy: see what needs you above, then run this again."
    environment = context.arguments.config_env
    named = "" if environment == "default" else f" --config-env {environment}"
    return f"Next: sam deploy{named}"


def _for_programs(
    facts: Facts, values: list[Value], lacking: list[Missing], hindering: list[Obstacle], drifted: list[Drift]
) -> dict[str, Any]:
    return {
        "parameters": {each.name: {"value": each.value, "why": each.why} for each in values},
        "missing": [vars(each) for each in lacking],
        "obstacles": [vars(each) for each in hindering],
        "drift": [vars(each) for each in drifted],
        "unread": list(facts.unread),
    }


def _for_people(
    facts: Facts,
    values: list[Value],
    lacking: list[Missing],
    hindering: list[Obstacle],
    drifted: list[Drift],
    closing: list[str],
) -> str:
    needed = [each for each in lacking if each.needed]
    defaults = [each.name for each in lacking if each.defaulted]
    blocking = [each for each in hindering if each.blocks]
    rows = {
        "Found": [(each.name, f"{each.value}  ({each.why})") for each in values],
        "Has drifted": [(each.name, f"was {each.was or 'empty'}, is {each.now}") for each in drifted],
        "Not found, and left as comments": _of(each for each in lacking if not each.needed and not each.defaulted),
        "As the template has them, which no API of AWS can check": [("", ", ".join(defaults))] if defaults else [],
        "Obstacles that lessen the pair, or wait until it is deployed": _named(hindering, blocking),
        "Not read, so not known": [("", each) for each in facts.unread],
        "Obstacles that block the pair": _named(blocking, []),
        "Needed, and not found": _of(needed),
    }
    lines = []
    for title, some in rows.items():
        lines += [title, *(f"  {name:{_WIDE}} {said}" for name, said in some), ""] if some else []
    return "\n".join([*lines, *closing])


def _of(lacking: Iterable[Missing]) -> list[tuple[str, str]]:
    return [row for each in lacking for row in ((each.name, each.why), ("", each.how))]


def _named(some: list[Obstacle], others: list[Obstacle]) -> list[tuple[str, str]]:
    return [row for each in some if each not in others for row in ((each.name, each.sentence), ("", each.remedy))]
