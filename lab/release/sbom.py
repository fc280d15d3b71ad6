"""The bill of materials, CycloneDX 1.6 as JSON, from the layers' lock files: what goes to Lambda.

Written here and not by a generator, because a generator's output names its own version and a random serial number. A
test holds it against CycloneDX's own schema.
"""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Sequence
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

from lab.setup.licences import licence, locked

_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom-1.6.schema.json")
FAILOVERCTL_NEEDS = "what failoverctl installs beside it is its own: see Requires-Dist in the wheel"


def bill(version: str, commit: str, at_s: int, locks: Sequence[Path], artefacts: dict[str, str]) -> str:
    """The document.

    Args:
        version, commit: of the release.
        at_s: the commit's time, in epoch seconds.
        locks: the layers' lock files.
        artefacts: SHA-256 of the release's files, by name.
    """
    packages = [_package(name, pinned, locks) for name, (pinned, _) in locked(*locks).items()]
    own: dict[str, Any] = {
        "type": "application",
        "bom-ref": f"ms-failover@{version}",
        "name": "ms-failover",
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "properties": [{"name": "ms-failover:commit", "value": commit}],
    }
    files = [
        {"type": "file", "bom-ref": name, "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for name, digest in sorted(artefacts.items())
    ]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": own,
            "properties": [{"name": "ms-failover:failoverctl", "value": FAILOVERCTL_NEEDS}],
        },
        "components": [*packages, *files],
        "dependencies": [
            {"ref": own["bom-ref"], "dependsOn": sorted(each["bom-ref"] for each in packages)},
            *({"ref": each["bom-ref"]} for each in packages),
        ],
    }
    serial = uuid.uuid5(_SPACE, json.dumps(document, sort_keys=True))
    return json.dumps({**document, "serialNumber": f"urn:uuid:{serial}"}, indent=1, sort_keys=True) + "\n"


def _package(name: str, version: str, locks: Sequence[Path]) -> dict[str, Any]:
    pinned = rf"^{re.escape(name)}=={re.escape(version)}(?: \\\n +--hash=\S+)+"
    found = [each[0] for lock in locks if (each := re.search(pinned, lock.read_text(), re.MULTILINE))]
    hashes = {digest for each in found for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", each)}
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "purl": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "scope": "required",
        "licenses": [{"license": {"name": licence(metadata(name))}}],
        # One of these was installed: the lock file allows each of the version's files.
        "properties": [{"name": "ms-failover:locked-sha256", "value": each} for each in sorted(hashes)],
    }
