#!/usr/bin/env bash
# Runs cargo with AddressSanitizer for Rust code, assertions and overflow checks, on a stable toolchain.
#
# Usage: tools/sanitize.sh [RUSTFLAG…] -- COMMAND [ARGUMENT…]
# -Zexternal-clangrt for what is loaded into a program that brings the runtime along, such as nginx.

BUILD=sanitize . "$(dirname "$0")/lib.sh"

flags="-Zsanitizer=address -Cforce-frame-pointers=yes --cfg sanitized"
while [ "$1" != -- ]; do
    flags+=" $1"
    shift
done
shift
command=$1
shift
# With a target named, the flags are for it alone and build scripts stay as they are.
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags CARGO_TARGET_DIR=$target
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
exec cargo "$command" --target "$sanitize_target" "$@"
