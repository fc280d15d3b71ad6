"""Writes the shell scripts inside the SSM documents to files, so that shellcheck can read them.

    document_scripts.py DIRECTORY

A document's script becomes NAME.sh; the programs that it installs on a host (`install_file NAME MODE <<'WORD'`) become
files of their own names beside it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

DOCUMENTS = Path(__file__).resolve().parents[2] / "documents"
INSTALLED = re.compile(r"install_file (\S+) \d+ <<'(\w+)'\n(.*?)\n\2\n", re.DOTALL)


def main(directory: Path) -> None:
    """Write every script of every document into a directory, and print the files' names."""
    directory.mkdir(parents=True, exist_ok=True)
    for document in sorted(DOCUMENTS.glob("*.yaml")):
        for step in yaml.safe_load(document.read_text())["mainSteps"]:
            script = "\n".join(step["inputs"]["runCommand"])
            _write(directory / f"{document.stem}.sh", script)
            for name, _, text in INSTALLED.findall(script):
                _write(directory / name, text + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    print(path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
