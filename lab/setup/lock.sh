#!/usr/bin/env bash
# Makes the lock files anew from the dependency groups of pyproject.toml, keeping the versions that they have where those
# still fit. What goes to Lambda has its own locks, made in the layers' own directories: layers/*/requirements.txt.
# usage: lock.sh [uv's options, --upgrade-package NAME among them]; needs uv on the PATH
set -euo pipefail
cd "$(dirname "$0")/../.."

export UV_CUSTOM_COMPILE_COMMAND="lab/setup/lock.sh"
compile() { # compile OUTPUT, then groups and files
  uv pip compile -q --generate-hashes --python-version 3.11 --output-file "$1" "${@:2}"
}

compile requirements.txt --group testbed --group lint --group benchmarks layers/msfailover/requirements.in \
  layers/oracle/requirements.in "$@"
compile lab/setup/tools.txt --group tool "$@"
compile lab/setup/docs.txt --group docs "$@"
compile lab/conformance/requirements.txt --group conformance "$@"
compile lab/conformance/emulator/requirements.txt --group emulator "$@"
