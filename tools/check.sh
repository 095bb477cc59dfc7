#!/usr/bin/env bash
# Formatting and lints of all Rust code; any finding fails.

. "$(dirname "$0")/lib.sh"

tools/ready.sh check
cargo fmt --all --check || die "not formatted: run: make fmt"
cargo clippy --workspace --all-targets --quiet -- -D warnings
