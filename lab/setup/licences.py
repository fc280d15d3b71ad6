"""The licences of what goes to Lambda, from the packages' own metadata. Run it to write docs/licences.md anew."""

from __future__ import annotations

import re
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCKS = (ROOT / "layers/msfailover/requirements.txt", ROOT / "layers/oracle/requirements.txt")
"""Of the layer that every function has, and of the one that Oracle's driver has for itself."""

PAGE = ROOT / "docs/licences.md"

_HEAD = """# Under which licences is what this project deploys?

ms-failover itself is under Apache-2.0 (file `LICENSE`). These packages go to Lambda with it, as the lock files of the
layers (`layers/*/requirements.txt`) name them, Oracle's driver and what it needs for pairs with an Oracle database
only; boto3 is the runtime's own. This page is written by `make licences` from the packages' metadata, and a test fails
when it is out of date. Each package's own text is in its layer, in its `.dist-info`.

| package | version | licence | needed for |
|---|---|---|---|
"""


def locked(*locks: Path) -> dict[str, tuple[str, str]]:
    """The packages of lock files, of all layers if none is given: version, and who needs them."""
    found: dict[str, tuple[str, list[str]]] = {}
    for block in (each for lock in locks or LOCKS for each in re.split(r"\n(?=[a-z])", lock.read_text())):
        pinned = re.match(r"([a-z0-9._-]+)==(\S+)", block)
        if pinned:
            via = re.findall(r"^ +#(?: via)? +(?!-c|via)(\S.*)$", block, re.MULTILINE)
            _, before = found.get(pinned[1], (pinned[2], []))
            found[pinned[1]] = (pinned[2], before + ["this project" if each.startswith("-r") else each for each in via])
    return {name: (version, ", ".join(via)) for name, (version, via) in sorted(found.items())}


def page() -> str:
    """The page as it should be. Raises PackageNotFoundError where a locked package is not installed."""
    rows = [f"| {name} | {version} | {licence(metadata(name))} | {via} |" for name, (version, via) in locked().items()]
    return _HEAD + "\n".join(rows) + "\n"


def licence(about: PackageMetadata) -> str:
    """What a package says of its licence: the expression, else the classifiers, else the first line of the text."""
    said = about.json
    if "license_expression" in said:
        return str(said["license_expression"])
    classified = [each for each in said.get("classifier", []) if each.startswith("License ::")]
    named = [each.rsplit(" :: ", 1)[-1] for each in classified if each != "License :: OSI Approved"]
    return ", ".join(named) or str(said.get("license", "not said")).splitlines()[0]


if __name__ == "__main__":
    PAGE.write_text(page())
