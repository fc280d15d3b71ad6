#!/usr/bin/env bash
# A browser for the tests of `failoverctl web`: Chromium or Chrome as they are here, or else Debian's. It is not among the
# packages of packages.sh: a run needs none, and Ubuntu has Chromium as a snap only.
set -euo pipefail

for browser in chromium chromium-browser google-chrome; do
  if command -v "$browser" >/dev/null; then
    exit 0
  fi
done
exec "$(dirname "$0")/packages.sh" chromium
