#!/usr/bin/env bash
# Checks every shell script of the project: files, and the scripts inside the SSM documents.
set -euo pipefail
cd "$(dirname "$0")/../.."

mapfile -t scripts < <(git ls-files -co --exclude-standard -- '*.sh' .ci/run local/hosts/stand_ins | sort -u)
shellcheck "${scripts[@]}"
