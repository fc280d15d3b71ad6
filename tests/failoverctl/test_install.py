"""failoverctl as people install it: its wheel holds all that it needs, and shells complete its command lines."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from failoverctl.completion import SHELLS, man_page, script_for
from failoverctl.errors import MEANING
from failoverctl.parser import make_parser
from failoverctl.web.server import FILES
from tests.failoverctl.conftest import Run
from tests.failoverctl.pages import ROOT
from tests.house.imports import imported, imports_of, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDS = {re.split(r"[^a-z0-9]", each)[0] for each in PROJECT["project"]["dependencies"]}
ON_THE_TESTBED = {
    "lab",
    "lab.testbed",
    "lab.testbed.join_network",
    "lab.testbed.join_network.join",
    "lab.testbed.join_network.CannotJoin",
}


def needed() -> set[str]:
    """Every module of ours that failoverctl may come to import, but for the testbed's."""
    found: set[str] = set()
    more = {name for name in sources() if name.split(".")[0] == "failoverctl"}
    while more:
        found |= more
        more = {name for each in more for name in imported(each)} - found - ON_THE_TESTBED
    return found


def test_the_wheel_holds_every_module_of_ours_that_it_needs() -> None:
    packages = set(PROJECT["tool"]["setuptools"]["packages"])
    assert {name if name in packages else name.rpartition(".")[0] for name in needed()} == packages


def test_it_needs_nothing_but_the_packages_that_it_names_and_the_standard_library() -> None:
    outside = {
        name.split(".")[0]
        for each in needed()
        for name in imports_of(each) - ON_THE_TESTBED
        if name.split(".")[0] not in {*sys.stdlib_module_names, "failoverctl", "msfailover"}
    }
    assert outside == NEEDS


def test_outside_a_checkout_the_testbed_is_said_to_need_one() -> None:
    line = "sys.exit(main(['status', '--testbed']))"
    program = f"import sys; sys.modules['lab'] = None; from failoverctl.program import main; {line}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, "")
    assert done.stderr.startswith("--testbed needs the project's checkout")


def test_it_says_its_version(ctl: Run) -> None:
    said = ctl("--version", stack="")
    assert said.code == 0
    assert said.out.startswith("failoverctl")


def test_the_manual_page_has_every_command_option_and_exit_code(ctl: Run) -> None:
    page = ctl("man", stack="").out.replace("\\-", "-")
    parser = make_parser()
    for action in next(each for each in parser._actions if each.choices and not each.option_strings).choices or ():
        assert f".B {action}\n" in page
    for option in ("--reason", "--pair", "--since", "--csv", "--dry-run", "--stack", "--json"):
        assert option in page
    for code, meaning in MEANING.items():
        assert f".B {code:d}\n{meaning}" in page
    assert man_page(parser, {}).startswith(".TH FAILOVERCTL 1")


def test_what_is_installed_below_share_is_what_the_program_says_itself() -> None:
    parser = make_parser()
    said = {"share/man/man1": man_page(parser, {int(code): meaning for code, meaning in MEANING.items()})}
    folders = ("share/bash-completion/completions", "share/zsh/site-functions", "share/fish/vendor_completions.d")
    said |= {folder: script_for(shell, parser) for folder, shell in zip(folders, SHELLS, strict=True)}
    installed = PROJECT["tool"]["setuptools"]["data-files"]
    assert {folder: (ROOT / file).read_text() for folder, (file,) in installed.items()} == said, "make share"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_its_completion_without_complaint(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    script = tmp_path / "completion"
    script.write_text(script_for(shell, make_parser()))
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (["failoverctl", "sw"], ["switchover"]),
        (["failoverctl", "history", "--o"], ["--outcome"]),
        (["failoverctl", "mode", "s"], ["shadow"]),
        (["failoverctl", "failover", "--target", "ms"], ["ms1", "ms2"]),
        (["failoverctl", "failover", "--reason", ""], []),
    ],
)
def test_bash_completes_commands_options_and_values(line: list[str], wanted: list[str]) -> None:
    words = " ".join(f"'{each}'" for each in line)
    program = f"""{script_for("bash", make_parser())}
COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _failoverctl; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == sorted(wanted)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not here")
def test_fish_completes_commands_and_options() -> None:
    program = (
        f"{script_for('fish', make_parser())}\ncomplete -C 'failoverctl his'; complete -C 'failoverctl history --c'"
    )
    done = subprocess.run(["fish", "-c", program], capture_output=True, text=True, check=True)
    assert [each.split("\t")[0] for each in done.stdout.splitlines()] == ["history", "--csv"]


def test_completion_is_json_free_and_needs_no_stack(ctl: Run) -> None:
    said = ctl("completion", "bash", stack="")
    assert said.code == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.out)


@pytest.mark.parametrize(
    ("package", "wanted"),
    [("failoverctl.web", {name for name, _ in FILES.values()}), ("failoverctl.report", {"chart.css", "page.css"})],
)
def test_the_wheel_holds_every_file_of_the_pages(package: str, wanted: set[str]) -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"][package]
    files = [each for each in resources.files(package).iterdir() if Path(each.name).suffix not in ("", ".py")]
    assert {each.name for each in files} >= wanted
    assert [each.name for each in files if not any(Path(each.name).match(pattern) for pattern in patterns)] == []
