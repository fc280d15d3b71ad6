#!/usr/bin/env bash
# Says where Python 3.13 is: prints the directory to put on PATH. The functions run on 3.13, so they are built with it.
set -euo pipefail

for python in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13; do
  # A name on PATH may be a shim that finds nothing behind it.
  if found=$("$python" -c 'import os, sys; print(os.path.dirname(sys.executable))' 2>/dev/null); then
    echo "$found"
    exit 0
  fi
done
echo "Python 3.13 is not on this machine, and what runs on Lambda's python3.13 is built with it." >&2
echo "Install it (pyenv install 3.13, or your distribution's python3.13) and run this again. Nothing was built." >&2
exit 2
