"""The template with its includes in place, and its code as files beside it, named by hash: `sam deploy` takes it so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.release.archive import pack, write_by_hash
from lab.testbed.cloud import template as templates

FOLDER = "artefacts"
TEMPLATE = "template.json"
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def package(source: Path, layers: Mapping[str, Path], into: Path, at_s: int) -> dict[str, Any]:
    """Write template and artefacts.

    Args:
        source: a checkout.
        layers: the layers as they are built from it, by their names in the template.
        into: the release's directory.
        at_s: the commit's time, in epoch seconds.

    Returns:
        The template as written.

    Raises:
        TemplateError: the template can't be read.
    """
    template = templates.load(source / "template.yaml")
    for name, resource in template["Resources"].items():
        about, kind = resource.get("Properties", {}), resource["Type"]
        if kind == "AWS::Serverless::LayerVersion":
            resource.pop("Metadata", None)  # how to build it: it is built
        if kind in _CODE:
            directory = layers[name] if kind == "AWS::Serverless::LayerVersion" else source / about[_CODE[kind]]
            about[_CODE[kind]] = _relative(into, _stem(about, name), ".zip", pack(directory, at_s))
        elif kind == "AWS::Serverless::StateMachine":
            definition = (source / about["DefinitionUri"]).read_bytes()
            stem = Path(about["DefinitionUri"]).name.partition(".")[0]
            about["DefinitionUri"] = _relative(into, stem, ".asl.json", definition)
    (into / TEMPLATE).write_text(json.dumps(template, indent=1, ensure_ascii=False) + "\n")
    return template


def _stem(about: Mapping[str, Any], name: str) -> str:
    """What a function's archive is called: as its directory, which two functions may share."""
    return Path(about["CodeUri"]).name if "CodeUri" in about else name.lower()


def _relative(into: Path, stem: str, suffix: str, data: bytes) -> str:
    return write_by_hash(into / FOLDER, stem, suffix, data).relative_to(into).as_posix()
