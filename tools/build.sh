#!/usr/bin/env bash
# Builds the module; BUILD=debug for the debug profile, BUILD=sanitize with AddressSanitizer.

. "$(dirname "$0")/lib.sh"

tools/ready.sh
case $profile in
    sanitize) tools/sanitize.sh -Zexternal-clangrt -- build --release ;;
    debug) cargo build ;;
    release) cargo build --release ;;
esac
note "built ${module#"$root"/}"
