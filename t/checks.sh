# shellcheck shell=bash
# For tests written in the shell: `check` a command, wait for one `eventually`. Sourced, never run.

set -euo pipefail

fail() {
    printf 'not ok: %s\n' "$*" >&2
    exit 1
}

# check WHAT COMMAND...: its failure is the test's, with what it said.
check() {
    local what=$1 output
    shift
    output=$("$@" 2>&1) || fail "$what: $* said: $output"
    printf 'ok: %s\n' "$what"
}

# eventually WHAT COMMAND...: waits up to ten seconds until it succeeds.
eventually() {
    local what=$1 i
    shift
    for ((i = 0; i < 100; i++)); do
        if "$@" >/dev/null 2>&1; then
            printf 'ok: %s\n' "$what"
            return 0
        fi
        sleep 0.1
    done
    fail "$what: not within ten seconds: $*"
}

no() {
    ! "$@"
}
