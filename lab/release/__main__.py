"""`python -m lab.release`: build a release of HEAD into build/release; `--check`: build it twice, and compare."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lab.release.archive import pack, sums
from lab.release.changes import NoSection, Version, version_of
from lab.release.packaged import package
from lab.release.sbom import bill

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {"Layer": "layers/msfailover", "OracleLayer": "layers/oracle"}
"""Where each layer of the template is made."""


def build(root: Path, into: Path) -> tuple[Version, Path]:
    """Build a release of a repository's HEAD.

    Args:
        root: the repository.
        into: the directory that gets `ms-failover-VERSION/` and the same as a ZIP; what has these names is replaced.

    Returns:
        The version, and the release's directory.

    Raises:
        NoSection: the changelog says nothing of the version.
        CalledProcessError: git, pip or the layer's build failed; what they said is on stderr.
    """
    commit = _git(root, "rev-parse", "HEAD")
    at_s = int(_git(root, "log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory(prefix="ms-failover-release-") as made:
        source = Path(made, "source")
        export(root, source)
        version = version_of(source, commit)
        whole = into / f"ms-failover-{version.name}"
        shutil.rmtree(whole, ignore_errors=True)
        whole.mkdir(parents=True)
        layers = {name: build_layer(source, name, Path(made, name), at_s) for name in LAYERS}
        package(source, layers, whole, at_s)
        build_wheel(source, whole, at_s)
        finish(source, whole, version, commit, at_s)
    whole.with_name(f"{whole.name}.zip").write_bytes(pack(whole, at_s))
    return version, whole


def finish(source: Path, whole: Path, version: Version, commit: str, at_s: int) -> None:
    """Write what describes the rest: changes, licence, bill of materials, checksums."""
    (whole / "CHANGES.md").write_text(f"# ms-failover {version.name}\n\n{version.section}")
    shutil.copyfile(source / "LICENSE", whole / "LICENSE")
    files = {
        path.relative_to(whole).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in whole.rglob("*")
        if path.is_file()
    }
    (whole / "sbom.cdx.json").write_text(
        bill(version.name, commit, at_s, [source / each / "requirements.txt" for each in LAYERS.values()], files)
    )
    (whole / "SHA256SUMS").write_text(sums(whole))


def export(root: Path, into: Path) -> None:
    """Write what git has of HEAD: nothing that lies about in the checkout, and no authority of somebody's pair."""
    into.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=root, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "--extract", "--directory", into], input=archive, check=True)


def build_layer(source: Path, name: str, into: Path, at_s: int) -> Path:
    """Build a layer as `sam build` does, by its Makefile. Returns where it is."""
    found = subprocess.run([source / "lab/setup/python313.sh"], check=True, stdout=subprocess.PIPE, text=True)
    python = f"{found.stdout.strip()}/python3.13"
    order: list[str | Path] = ["make", "-s", "-C", source / LAYERS[name], f"build-{name}", f"ARTIFACTS_DIR={into}"]
    _run([*order, f"PYTHON={python}"], at_s)
    return into


def build_wheel(source: Path, into: Path, at_s: int) -> None:
    """Build failoverctl's wheel."""
    order: list[str | Path] = [
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--wheel-dir",
        into,
        source,
    ]
    _run([sys.executable, "-m", *order], at_s)


def _run(order: Sequence[str | Path], at_s: int) -> None:
    """Run a build; what it says is shown where it fails."""
    done = subprocess.run(order, check=False, env=_environment(at_s), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        done.check_returncode()


def _environment(at_s: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    return {**kept, "SOURCE_DATE_EPOCH": str(at_s), "PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"}


def _git(root: Path, *order: str) -> str:
    return subprocess.run(["git", *order], cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def main() -> int:
    """The command line. Returns an exit code: 1 where two builds differ, 2 where there is nothing to build."""
    parser = argparse.ArgumentParser(prog="release", description="Build what others deploy, from HEAD.")
    parser.add_argument("--check", action="store_true", help="build it a second time, elsewhere, and compare all bytes")
    given = parser.parse_args()
    if _git(ROOT, "status", "--porcelain", "--untracked-files=no"):
        print("What is not committed is not in it.", file=sys.stderr)
    try:
        version, whole = build(ROOT, ROOT / "build/release")
        more = ", a snapshot: CHANGELOG.md has entries that no version has" if version.snapshot else ""
        print(f"Built {whole.relative_to(ROOT)}{more}.")
        if given.check:
            with tempfile.TemporaryDirectory(prefix="ms-failover-second-") as second:
                return compare(whole, build(ROOT, Path(second))[1])
    except NoSection as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def compare(first: Path, second: Path) -> int:
    """Say which files of two releases differ. Returns 1 if any does."""
    ours, theirs = ({*sums(each).splitlines()} for each in (first, second))
    for line in sorted(ours ^ theirs):
        print(f"{'first ' if line in ours else 'second'} {line}")
    if ours == theirs:
        print(f"A second build is the same, byte for byte: {len(ours)} files.")
    return int(ours != theirs)


if __name__ == "__main__":
    sys.exit(main())
