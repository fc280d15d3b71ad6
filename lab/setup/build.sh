#!/usr/bin/env bash
# Builds what goes to AWS, into .aws-sam/build: the functions, and the layers from their lock files. Says how large those are.
# usage: build.sh TOOLS-DIRECTORY, with the project's virtual environment in .venv
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=$1
directory=$(lab/setup/python313.sh)
export PATH="$directory:$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-eu-central-1}"

for authority in database-ca.pem admin-ca.pem; do
  [ -e "layers/msfailover/certificates/$authority" ] ||
    echo "layers/msfailover/certificates/$authority is not there: without it nothing is verified by that name, and so not trusted." >&2
done
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$tools/bin/sam" build >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
# The same layers for this machine's processor: does everything in them load, with nothing but the runtime's boto3 beside it?
check=build/layer-check
lab/setup/layers_here.sh "$check" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
"$directory/python3.13" -I lab/setup/starts.py "$check"/{Layer,OracleLayer}/python .venv/lib/python3*/site-packages

for layer in Layer:5000000 OracleLayer:10000000; do
  "$tools/bin/python" - ".aws-sam/build/${layer%:*}" "${layer#*:}" <<'PYTHON'
import io
import sys
import zipfile
from pathlib import Path

root, most = Path(sys.argv[1]), int(sys.argv[2])
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(root.rglob("*")):
        archive.write(path, path.relative_to(root))
foreign = [path.name for path in root.rglob("*.so") if "aarch64" not in path.name and "abi3" not in path.name]
size = len(packed.getvalue())
print(f"Built {root} for python3.13 on arm64: {size / 1e6:.1f} MB zipped (at most {most / 1e6:.0f}).")
if size > most or foreign:
    sys.exit(f"{root.name} is not fit to be deployed: {size} bytes, not for arm64: {foreign or 'nothing'}.")
PYTHON
done
