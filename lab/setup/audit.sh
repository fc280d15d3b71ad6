#!/usr/bin/env bash
# Asks PyPI for known vulnerabilities of every locked package: of what goes to Lambda, and of the desk. Needs the network.
# usage: audit.sh VIRTUAL-ENVIRONMENT
set -euo pipefail
cd "$(dirname "$0")/../.."

audit=$1/bin/pip-audit
failed=0
for lock in layers/*/requirements.txt requirements.txt; do
  echo "$lock:"
  # Strict, because a package that could not be asked about would count as a good one otherwise.
  if ! "$audit" --strict --disable-pip --require-hashes --progress-spinner off -r "$lock"; then
    failed=1
  fi
done
if [ "$failed" -ne 0 ]; then
  echo "Not clean: a package has a known vulnerability, or PyPI's list could not be asked (then nothing is known)." >&2
fi
exit "$failed"
