"""Completion for bash, zsh and fish, and the man page: all of it made from the command line's own definition."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

SHELLS = ("bash", "zsh", "fish")
_DISTRIBUTION = "ms-failover"


def version_line() -> str:
    """The program and its version; from a checkout that is not installed it has none."""
    try:
        return f"failoverctl {version(_DISTRIBUTION)}"
    except PackageNotFoundError:
        return "failoverctl, from a checkout"


def script_for(shell: str, parser: argparse.ArgumentParser) -> str:
    """What a shell has to read so that it completes the commands, their options and the options' values."""
    words = _words(parser)
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](words, _helps(parser))


def commands_of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The commands of a command line, by name."""
    found: Mapping[str, argparse.ArgumentParser] = next(
        each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction)
    )
    return found


def _helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What each command does, in its own words."""
    return {name: str(each.description or "") for name, each in commands_of(parser).items()}


def _words(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """What may follow each command: its options and the words that it takes."""
    return {name: [*_of(each)] for name, each in commands_of(parser).items()}


def _of(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        yield from (each for each in action.option_strings if each.startswith("--"))
        if not action.option_strings and action.choices:
            yield from action.choices


def _bash(words: Mapping[str, list[str]], _: Mapping[str, str]) -> str:
    cases = "\n".join(f'    {name}) words="{" ".join(each)}" ;;' for name, each in words.items())
    return f"""\
# bash completion for failoverctl: source <(failoverctl completion bash)
_failoverctl() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words
  case $previous in
    --target) words="ms1 ms2" ;;
    --stack|--profile|--region|--reason|--by|--pair|--for|--every|--most|--since|--limit) return ;;
    --ms1|--ms2|--database|--record|--admin-tls-name|--database-name|--secret|--iam-user|--config-env) return ;;
    --engine) words="postgresql mysql oracle" ;;
    *) case ${{COMP_WORDS[1]}} in
{cases}
    *) words="{" ".join(words)} --help --version" ;;
    esac ;;
  esac
  [ "$COMP_CWORD" -gt 1 ] || words="{" ".join(words)} --help --version"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -F _failoverctl failoverctl
"""


def _zsh(words: Mapping[str, list[str]], helps: Mapping[str, str]) -> str:
    described = "\n".join(f"    {shlex.quote(f'{name}:{helps[name]}')}" for name in words)
    cases = "\n".join(f"    {name}) compadd -- {' '.join(each)} ;;" for name, each in words.items())
    return f"""\
#compdef failoverctl
# zsh completion for failoverctl: source <(failoverctl completion zsh), after compinit
_failoverctl() {{
  local -a commands
  commands=(
{described}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[CURRENT-1] in
    --target) compadd ms1 ms2; return ;;
  esac
  case $words[2] in
{cases}
  esac
}}
compdef _failoverctl failoverctl
"""


def _fish(words: Mapping[str, list[str]], helps: Mapping[str, str]) -> str:
    lines = ["# fish completion for failoverctl: failoverctl completion fish | source", "complete -c failoverctl -f"]
    for name, each in words.items():
        told = shlex.quote(helps[name])
        lines.append(f"complete -c failoverctl -n __fish_use_subcommand -a {name} -d {told}")
        for word in each:
            what = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
            lines.append(f"complete -c failoverctl -n '__fish_seen_subcommand_from {name}' {what}")
    return "\n".join(lines) + "\n"


def man_page(parser: argparse.ArgumentParser, meanings: Mapping[int, str]) -> str:
    """The manual page, in the language of man(7).

    Args:
        meanings: of the exit codes.
    """
    lines = [
        '.TH FAILOVERCTL 1 "" "ms\\-failover" "User Commands"',
        ".SH NAME",
        r"failoverctl \- see and move a pair of servers of which one may run",
        ".SH SYNOPSIS",
        r".B failoverctl",
        r".I COMMAND",
        r"[\fIoptions\fR]",
        ".SH DESCRIPTION",
        "Shows how a pair of ms\\-failover is, moves the active server to the other one, and reads what happened. No"
        " command can put both servers on the database: what grants access demands the proof that the other is out.",
        ".SH COMMANDS",
    ]
    for name, each in commands_of(parser).items():
        lines += [".TP", rf".B {_roff(name)}", _roff(str(each.description or ""))]
        for action in each._actions:
            if action.help in (None, argparse.SUPPRESS) or action.option_strings == ["-h", "--help"]:
                continue
            if not action.option_strings or action.option_strings[0] in _SHARED:
                continue
            shown = " ".join([action.option_strings[-1], *([str(action.metavar)] if action.metavar else [])])
            lines += [".RS", ".TP", rf"\fB{_roff(shown)}\fR", _roff(str(action.help)), ".RE"]
    lines.append(".SH OPTIONS OF EVERY COMMAND")
    some = next(iter(commands_of(parser).values()))
    for action in some._actions:
        if action.option_strings and action.option_strings[0] in _SHARED:
            lines += [".TP", rf"\fB{_roff(action.option_strings[-1])}\fR", _roff(str(action.help))]
    lines.append(".SH EXIT STATUS")
    for code, meaning in meanings.items():
        lines += [".TP", rf".B {int(code)}", _roff(meaning)]
    lines += [
        ".SH ENVIRONMENT",
        ".TP", ".B FAILOVER_STACK", "The stack, where --stack is not given.",
        ".TP", ".B AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION", "As the AWS command line has them.",
        ".TP", ".B NO_COLOR", "No colours.",
        ".SH SEE ALSO", "docs/operate.md of the project, the runbook.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


_SHARED = ("--stack", "--profile", "--region", "--testbed", "--json")


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
