#!/usr/bin/env bash
# Makes the virtual environment and puts exactly the pinned packages in it: a lock file names all of them.
# usage: virtualenv.sh DIRECTORY REQUIREMENTS
set -euo pipefail

directory=$1
requirements=$2

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1 || echo missing)." >&2
  exit 2
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  "$(dirname "$0")/packages.sh" # Debian keeps them in a package of their own
fi

echo "Making the virtual environment in $directory"
[ -x "$directory/bin/python" ] || "$python" -m venv "$directory"
log=$(mktemp)
if ! "$directory/bin/python" -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r "$requirements" >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "The Python packages could not be installed; the log is $log" >&2
  exit 2
fi
rm -f "$log"
