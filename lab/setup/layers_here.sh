#!/usr/bin/env bash
# Builds the layers for this machine's processor, to try and to measure them here: DIRECTORY/Layer and DIRECTORY/OracleLayer.
# usage: layers_here.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."

into=$1
case $into in /*) ;; *) into=$PWD/$into ;; esac
directory=$(lab/setup/python313.sh)
machine=$(uname -m)
rm -rf "$into"
for layer in msfailover:Layer oracle:OracleLayer; do
  make -s -C "layers/${layer%:*}" "build-${layer#*:}" ARTIFACTS_DIR="$into/${layer#*:}" PYTHON="$directory/python3.13" \
    PLATFORMS="manylinux2014_$machine manylinux_2_28_$machine"
done
