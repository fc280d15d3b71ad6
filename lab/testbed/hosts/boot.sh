#!/usr/bin/env bash
# The first process of a host: makes the host's own view of the files, takes the name, waits for the cable,
# and then stays, so that the kernel ends every process of the host when this one is killed (the power cut).
#
#   boot.sh NAME OWN ADDRESS/PREFIX PRIVATE VOLATILE [KEEP ...]
#
# OWN holds the host's own directories; those that PRIVATE names (apart by spaces, without the leading slash) are laid
# over the machine's. VOLATILE names those that begin empty at every boot. KEEP are directories of the machine that
# must stay in sight though one of these hides them (the project and its Python may live in /root).
set -euo pipefail

name=$1 own=$2 address=$3
read -ra private <<<"$4"
read -ra volatile <<<"$5"
shift 5
keeps=("$@")

hostname "$name"

# What the next mounts hide is held in sight here meanwhile.
mount -t tmpfs -o mode=0700 hold /mnt
mkdir /mnt/own
mount --bind "$own" /mnt/own
for i in "${!keeps[@]}"; do
    mkdir "/mnt/keep$i"
    mount --bind "${keeps[$i]}" "/mnt/keep$i"
done

for directory in "${private[@]}"; do
    mount --bind "/mnt/own/$directory" "/$directory"
done
for directory in "${volatile[@]}"; do
    mount -t tmpfs -o size=256m volatile "/$directory"
    case $directory in
        tmp) chmod 1777 /tmp ;;
        run) chmod 0755 /run && mkdir -m 1777 /run/lock && mkdir -m 0755 /run/sshd ;;
    esac
done

for i in "${!keeps[@]}"; do
    if [[ ! -e ${keeps[$i]} || ! ${keeps[$i]} -ef /mnt/keep$i ]]; then
        mkdir -p "${keeps[$i]}"
        mount --bind "/mnt/keep$i" "${keeps[$i]}"
    fi
done
umount -l /mnt

echo mounted
read -r _ # the cable is plugged in
ip -batch - <<NET
link set lo up
addr add $address dev eth0
link set eth0 up
NET

# Ignored, and so inherited by what replaces this shell: the kernel then reaps every orphan of the host by itself.
trap '' CHLD
echo ready
exec sleep infinity >/dev/null 2>&1
