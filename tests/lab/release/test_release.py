"""What a release holds: the same bytes each time, names that say the content, a bill of materials by the schema.

The layer is a small one here, and there is no wheel: `make release` builds both twice, and compares them too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lab.release import __main__ as release
from lab.release.archive import pack, sums
from lab.release.changes import NoSection, Version, version_of
from lab.release.packaged import package
from lab.testbed.cloud import template as templates
from tests.failoverctl.pages import ROOT

AT_S = 1_795_000_000


def made(into: Path, *, turned: bool) -> Path:
    """A release of this checkout, in a directory of its own; `turned`: made in another order, at another time."""
    source, whole = into / "source", into / "release"
    layers = {name: into / name for name in release.LAYERS}
    whole.mkdir(parents=True)
    release.export(ROOT, source)
    for name in sorted(("b.py", "a/__init__.pyc", "a/library.so"), reverse=turned):
        for of, layer in layers.items():
            path = layer / "python" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(of)
    if turned:
        for path in into.rglob("*"):
            os.utime(path, (1, 1))
            path.chmod(0o700)
    package(source, layers, whole, AT_S)
    release.finish(source, whole, Version("9.9.9", "- something\n", snapshot=False), "c0ffee", AT_S)
    return whole


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(tmp_path_factory.mktemp("first"), turned=False), made(tmp_path_factory.mktemp("second"), turned=True)


def test_two_builds_are_the_same_bytes(both: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = both
    assert pack(first, AT_S) == pack(second, AT_S)
    assert release.compare(first, second) == 0
    (second / "LICENSE").write_text("other")
    assert release.compare(first, second) == 1
    assert "LICENSE" in capsys.readouterr().out


def test_names_say_the_content_and_checksums_are_right(both: tuple[Path, Path]) -> None:
    whole, _ = both
    for path in (whole / "artefacts").iterdir():
        (said,) = re.findall(r"-([0-9a-f]{64})\.(?:zip|asl\.json)$", path.name)
        assert said == hashlib.sha256(path.read_bytes()).hexdigest()
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=whole, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert len(sums(whole).splitlines()) == sum(path.is_file() for path in whole.rglob("*")) - 1


def test_the_template_is_ours_with_its_code_beside_it(both: tuple[Path, Path]) -> None:
    whole, _ = both
    packed, ours = (
        json.loads((whole / "template.json").read_text()),
        templates.load(whole.parent / "source/template.yaml"),
    )
    named = set()
    for name, resource in packed["Resources"].items():
        for key in ("CodeUri", "ContentUri", "DefinitionUri"):
            if key in resource.get("Properties", {}):
                place = resource["Properties"].pop(key)
                ours["Resources"][name]["Properties"].pop(key)
                named.add(place)
    for layer in release.LAYERS:
        ours["Resources"][layer].pop("Metadata")
    assert packed == json.loads(json.dumps(ours))
    assert named == {f"artefacts/{each.name}" for each in (whole / "artefacts").iterdir()}


def test_an_archive_holds_the_function_and_nothing_that_a_run_left(both: tuple[Path, Path]) -> None:
    whole, _ = both
    for path in (whole / "artefacts").glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        assert names == sorted(names)
        if not path.name.startswith(("layer-", "oraclelayer-")):
            assert [each for each in names if not each.endswith(".py")] == []
            assert "app.py" in names


def test_the_bill_of_materials_is_by_the_schema_and_names_what_goes_to_lambda(both: tuple[Path, Path]) -> None:
    text = (both[0] / "sbom.cdx.json").read_text()
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None
    bill: dict[str, Any] = json.loads(text)
    locks = [(ROOT / layer / "requirements.txt").read_text() for layer in release.LAYERS.values()]
    locked = {each for lock in locks for each in re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE)}
    libraries = [each for each in bill["components"] if each["type"] == "library"]
    assert [(each["name"], each["version"]) for each in libraries] == sorted(locked)
    assert all(each["properties"] for each in libraries), "each with the hashes that the lock file allows"
    files = {each["name"] for each in bill["components"] if each["type"] == "file"}
    assert "template.json" in files


def test_the_changelog_says_what_a_version_is(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    log = tmp_path / "CHANGELOG.md"
    log.write_text("# Changes\n\n## Unreleased\n\n- more\n\n## 1.2.0 (2026-11-27)\n\n- this\n\n## 1.1.0\n\n- that\n")
    assert version_of(tmp_path, "c0ffee0123456789") == Version("1.2.0+c0ffee012345", "- more\n", snapshot=True)
    log.write_text(log.read_text().replace("- more\n", ""))
    assert version_of(tmp_path, "c0ffee0123456789") == Version("1.2.0", "- this\n", snapshot=False)
    log.write_text(log.read_text().replace("1.2.0", "1.2.1"))
    with pytest.raises(NoSection, match=r"no section 1\.2\.0"):
        version_of(tmp_path, "c0ffee0123456789")
