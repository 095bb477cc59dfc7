#!/usr/bin/env bash
# Runs tests. Usage: tools/test.sh unit | t | client
#   unit  the two crates without nginx (needs neither nginx nor libclang)
#   t     the blocks in t/ against a running nginx with the module; TESTS=t/x.t or a part of a
#         test's name picks some
#   client  the JavaScript clients, in node and in Chromium, with the module: MODULE, or what is built now

. "$(dirname "$0")/lib.sh"

case ${1:-} in
    unit)
        cargo test --quiet -p protocol -p store
        cargo test --quiet -p store --features fault
        ;;
    t)
        tools/build.sh
        locate
        export NGINX MODULE=$module
        # shellcheck disable=SC2046 # nothing or one word
        cargo test $(cargo_profile) --test t -- ${TESTS:+"$TESTS"}
        ;;
    client)
        if [ -z "${MODULE:-}" ]; then
            tools/build.sh
            locate
            MODULE=$module
        fi
        export NGINX MODULE
        for folder in t/browser client; do (cd $folder && npm ci --silent); done
        cd client
        npm test --silent
        ;;
    *) die "usage: tools/test.sh unit | t | client" ;;
esac
