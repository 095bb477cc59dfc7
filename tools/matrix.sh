#!/usr/bin/env bash
# Builds the module for, and runs t/ against, one version of nginx after the other.
#
# VERSIONS  default "installed 1.26 1.28": the nginx of this machine (Debian 12: 1.22.1), and others as
#           tools/nginx.sh knows them
# TESTS     only these, as for make test

. "$(dirname "$0")/lib.sh"

test_with() {
    if [ "$1" != installed ]; then
        tools/nginx.sh "$1" || return
        export NGINX=$root/target/nginx/$1/objs/nginx NGINX_SOURCE_DIR=$root/target/nginx/$1
    fi
    tools/ready.sh && tools/test.sh t
}

versions=${VERSIONS:-installed 1.26 1.28} failed=
for version in $versions; do
    note "nginx: $version"
    (test_with "$version") || failed+=" $version"
done
[ -z "$failed" ] || die "failed with nginx:$failed"
note "passed with nginx: $versions"
