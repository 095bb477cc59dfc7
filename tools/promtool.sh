#!/usr/bin/env bash
# Prints the path of promtool, which checks metrics, rules and configurations of Prometheus for the tests.
#
# Where it is not installed, Debian's package is unpacked into target/promtool: the package itself would start a server.
# DEPS=skip in the environment: nothing is fetched. Without promtool it says why and fails.

. "$(dirname "$0")/lib.sh"

unpacked=$root/target/promtool/usr/bin/promtool

fetch() {
    local folder
    folder=$(mktemp -d)
    # Here, not at EXIT: `set -e` ends the script inside of it.
    # shellcheck disable=SC2064 # this folder
    trap "rm -rf '$folder'" EXIT
    (
        cd "$folder"
        # As root apt would rather be another user, who cannot write here.
        apt-get download -q -o APT::Sandbox::User="$(id -un)" prometheus
        dpkg-deb -x prometheus_*.deb unpacked
    )
    mkdir -p "$root/target"
    rm -rf "$root/target/promtool"
    mv "$folder/unpacked" "$root/target/promtool"
}

if command -v promtool; then
    exit
fi
if [ ! -x "$unpacked" ]; then
    [ "${DEPS:-}" != skip ] || die "no promtool, and DEPS=skip"
    command -v apt-get >/dev/null || die "no promtool here: install Prometheus"
    fetch >&2 || die "could not fetch Debian's package prometheus: run: apt-get update, or install promtool"
fi
echo "$unpacked"
