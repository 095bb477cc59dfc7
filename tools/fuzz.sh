#!/usr/bin/env bash
# Fuzzes the two crates with cargo-fuzz, under AddressSanitizer. The targets are in crates/fuzzed, good inputs in
# fuzz/corpus; what is found on the way is kept in target/fuzz/corpus and used again.
#
# Usage: tools/fuzz.sh [TARGET [SECONDS]]     "" is every target; 60 seconds for each
#        tools/fuzz.sh shrink [TARGET]        takes into fuzz/corpus what covers most in the least bytes

. "$(dirname "$0")/lib.sh"
. tools/packages.sh

want g++ command -v c++
install_wanted
if ! command -v cargo-fuzz >/dev/null; then
    PATH="$root/target/tools/bin:$PATH"
    command -v cargo-fuzz >/dev/null ||
        { note "installing cargo-fuzz"; cargo install --quiet --locked --root target/tools cargo-fuzz; }
fi

shrink=
if [ "${1:-}" = shrink ]; then
    shrink=yes
    shift
fi
targets=${1:-$(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | tail -n +2)}
seconds=${2:-60}
# What the flags of cargo-fuzz need on a stable toolchain.
export RUSTC_BOOTSTRAP=1
# Safe code keeps no address of a stack that is gone; looking for it costs a sixth.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_stack_use_after_return=0
for target in $targets; do
    [ -e "fuzz/fuzz_targets/$target.rs" ] || die "no target $target: there are$(printf ' %s' fuzz/fuzz_targets/*.rs)"
    grown=$root/target/fuzz/corpus/$target kept=$root/fuzz/corpus/$target
    mkdir -p "$grown" "$kept"
    run=(cargo fuzz run --target-dir "$root/target/fuzz" "$target")
    most=4096
    case $target in
        # What is compared in a zone are its own numbers, not the input's bytes: following them takes most of the time.
        store | repair) run+=(--no-trace-compares) most=256 ;;
    esac
    if [ -n "$shrink" ]; then
        fresh=$root/target/fuzz/fresh/$target
        rm -rf "$fresh"
        mkdir -p "$fresh"
        "${run[@]}" "$fresh" "$kept" "$grown" -- -merge=1 -max_len=400
        # The shortest first, so that a target stays below 16 KiB.
        find "$kept" -type f -delete
        find "$fresh" -type f -printf '%s %p\n' | sort -n |
            awk '{ sum += $1; if (sum < 16384 && NR <= 100) print $2 }' | xargs -I '{}' cp '{}' "$kept"
    else
        note "fuzzing $target for $seconds s"
        "${run[@]}" "$grown" "$kept" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len="$most"
    fi
done
