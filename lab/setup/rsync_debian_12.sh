#!/usr/bin/env bash
# Fetches the rsync that Debian 12 began with, for a test that the receiver is confined whatever its rsync is. Where Debian's
# archive does not give it (another release, no network) that test is skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=build/tools/rsync-debian-12
[ ! -e "$target" ] || exit 0
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
timeout 60 apt-get download 'rsync=3.2.7*' >/dev/null 2>&1
dpkg -x rsync_*.deb .
cd "$OLDPWD"
install -D -m 0755 "$place/usr/bin/rsync" "$target"
