#!/usr/bin/env bash
# Checks every shell script of the project: files, and the scripts inside the SSM documents.
set -euo pipefail
cd "$(dirname "$0")/../.."

mapfile -t scripts < <(git ls-files -co --exclude-standard -- '*.sh' .ci/run bin lab/testbed/hosts/stand_ins ':!*.py' | sort -u)
shellcheck "${scripts[@]}"

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mapfile -t scripts < <(.venv/bin/python lab/setup/document_scripts.py "$directory")
[ "${#scripts[@]}" -gt 0 ] || { echo "no script was found in documents/" >&2; exit 1; }
# The settings are written on the host, by prepare-host.
printf "%s\n" "# shellcheck shell=bash disable=SC2034" "server='' peer='' port='' login='' service='' package='' paths='' kinds='' pair='' region=''" >"$directory/receiver.conf"
cd "$directory"
shellcheck -x "${scripts[@]}"
