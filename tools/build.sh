#!/usr/bin/env bash
# Builds the module; BUILD=debug for the debug profile.

. "$(dirname "$0")/lib.sh"

tools/ready.sh
# shellcheck disable=SC2046 # nothing or one word
cargo build $(cargo_profile)
note "built ${module#"$root"/}"
