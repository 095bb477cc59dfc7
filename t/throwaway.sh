#!/usr/bin/env bash
# Runs a command as root in a throw-away copy of this machine: an overlay over /, with processes and a
# loopback network of its own. What it writes is gone afterwards. Needs root that may mount.
#
# Usage: t/throwaway.sh FOLDER COMMAND [ARGUMENT...]
#   FOLDER is copied to /t there, where the command starts.

set -euo pipefail

# Runs in namespaces of its own: nothing it mounts is seen elsewhere, and all ends with it.
inside() {
    local work=$1 new=$1/root folder=$2
    shift 2
    ip link set lo up
    mount -t tmpfs tmpfs "$work"
    mkdir "$work/upper" "$work/work" "$new"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$new"
    mount -t tmpfs tmpfs "$new/run"
    mount -t tmpfs -o mode=1777 tmpfs "$new/tmp"
    mount -t proc proc "$new/proc"
    mount --rbind /dev "$new/dev"
    cp -R "$folder" "$new/t"
    exec chroot "$new" sh -c 'cd /t && exec "$@"' sh "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
fi

[ $# -ge 2 ] || { echo "usage: $0 FOLDER COMMAND [ARGUMENT...]" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "error: $0 mounts: run it as root" >&2; exit 1; }
work=$(mktemp -d)
trap 'rmdir "$work"' EXIT
unshare --mount --pid --net --fork --kill-child "$0" --inside "$work" "$@"
