#!/usr/bin/env bash
# Runs the tests of the deployable part on every supported Python of this machine, each in a virtual environment of its
# own, and names those that it has not.
# usage: pythons.sh WORKERS
set -euo pipefail
cd "$(dirname "$0")/../.."

workers=$1
tests=(tests/decisions tests/functions tests/state_machine tests/adapters/sessions)
failed=0
summary=()

python_of() { # VERSION: prints the interpreter; a name on PATH may be a shim that finds nothing behind it
  local candidate
  for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$1" ]; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

for version in 3.11 3.12 3.13; do
  if ! python=$(python_of "$version"); then
    summary+=("$version  not run: it is not on this machine")
    continue
  fi
  place=build/python-$version
  if [ ! -e "$place/.ready" ] || [ requirements.txt -nt "$place/.ready" ]; then
    PYTHON=$python lab/setup/virtualenv.sh "$place" requirements.txt
    touch "$place/.ready"
  fi
  echo "Python $version ($("$place/bin/python" -V))"
  # A warning of something that a later Python takes away is a failure to come.
  if "$place/bin/python" -m pytest -n "$workers" --dist loadfile -W error::DeprecationWarning:msfailover "${tests[@]}"; then
    summary+=("$version  passed")
  else
    summary+=("$version  FAILED")
    failed=1
  fi
done
printf '%s\n' "${summary[@]}"
exit "$failed"
