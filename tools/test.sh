#!/usr/bin/env bash
# Runs tests. Usage: tools/test.sh unit | t | torture | browser | client
#   unit      the two crates without nginx (needs neither nginx nor libclang)
#   t         the blocks in t/ against a running nginx with the module; TESTS=t/x.t or a part of a
#             test's name picks some
#   torture   crashes, reloads, slow readers and churn for TORTURE_SECONDS (600), with the choices of SEED
#   browser   t/browser: Chromium and npm clients; TESTS=t/browser/x.test.mjs runs that file
#   client    the JavaScript clients, in node and in Chromium
# Those with the module test MODULE, or what is built now.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
    unit)
        if [ "$profile" = sanitize ]; then
            tools/sanitize.sh -- test --quiet --tests --release -p protocol -p store -p fuzzed --features store/fault
        else
            cargo test --quiet -p protocol -p store
            cargo test --quiet -p store -p fuzzed --features store/fault
        fi
        ;;
    t)
        need_module
        # shellcheck disable=SC2046 # nothing or one word
        cargo test $(cargo_profile) --test t -- ${TESTS:+"$TESTS"}
        ;;
    torture)
        need_module
        export TORTURE_SECONDS=${TORTURE_SECONDS:-600}
        # Workers are killed by SIGSEGV here: under AddressSanitizer, too, they are to die of it. What it keeps of freed memory, 256 MB
        # unless told, must not look like a leak.
        export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:quarantine_size_mb=2
        # shellcheck disable=SC2046 # nothing or one word
        cargo test $(cargo_profile) --test t -- --test-threads 1 torture:
        ;;
    browser)
        need_module
        need_node
        make_venv
        (cd t/browser && npm ci --silent)
        # shellcheck disable=SC2086 # one file or several
        node --test ${TESTS:-t/browser/*.test.mjs}
        ;;
    client)
        need_module
        need_node
        for folder in t/browser client; do (cd $folder && npm ci --silent); done
        cd client
        npm test --silent
        ;;
    *) die "usage: tools/test.sh unit | t | torture | browser | client" ;;
esac
