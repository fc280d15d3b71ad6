#!/usr/bin/env bash
# Installs the Debian packages that the testbed and the tests need (or those named as arguments), and starts none of their
# services: the testbed starts its own servers, with configurations of its own, and leaves the machine's alone.
set -euo pipefail

packages=(
  iproute2 nftables util-linux procps        # hosts
  postgresql pgbouncer mariadb-server        # database and pooler
  knot unbound                               # name server and resolver
  openssh-server openssh-client rsync acl sudo # replication
  shellcheck python3-venv ca-certificates
)
if [ "$#" -gt 0 ]; then
  packages=("$@")
fi

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
    missing+=("$package")
  fi
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "These packages are needed and there is no apt-get to install them: ${missing[*]}" >&2
  exit 2
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "These packages are needed: ${missing[*]}. Run this as root, or install them with apt-get." >&2
  exit 2
fi

# policy-rc.d is how Debian lets an installation be told not to start services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

echo "Installing Debian packages: ${missing[*]}"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "The packages could not be installed; the log is $log" >&2
  exit 2
fi
rm -f "$log"
