#!/usr/bin/env bash
# Measures the module beside nchan and the limit of the machine, prints a table for each scenario
# and writes docs/benchmark.md: bench/README.md tells how to read it.
#
# Usage: tools/bench.sh [check]
#   check    no measuring: formatting, lints and unit tests of the rig
#
#   REPEAT=3             how often each server is measured; 0: writes the page without figures
#   ONLY=fanout,scaling  only these scenarios and suites
#   SUITE=bench/x.suite  other lines than those of bench/short.suite,bench/scaling.suite
#   PAGE=x.md            where the page goes; default: docs/benchmark.md for the whole of
#                        these two, target/bench/benchmark.md for anything else
#   MODULE=/path/x.so    this module instead of what is built now

. "$(dirname "$0")/lib.sh"
. tools/packages.sh

rig=$root/target/bench
manifest=bench/Cargo.toml
page=docs/benchmark.md
[ -z "${ONLY:-}${SUITE:-}" ] || page=target/bench/benchmark.md
page=${PAGE:-$page}
suite=${SUITE:-bench/short.suite,bench/scaling.suite}
repeat=${REPEAT:-3}

if [ "${1:-}" = check ]; then
    export CARGO_TARGET_DIR=$rig
    cargo fmt --manifest-path $manifest --check || die "not formatted: run: cargo fmt --manifest-path $manifest"
    cargo clippy --manifest-path $manifest --all-targets --quiet -- -D warnings
    exec cargo test --manifest-path $manifest --quiet
fi

case $repeat in
    '' | *[!0-9]*) die "REPEAT=$repeat is not a number" ;;
esac
for file in ${suite//,/ }; do
    [ -r "$file" ] || die "SUITE=$suite: $file is not there"
done

# Unpacked, not installed: installing it would load nchan into the nginx of this machine.
nchan=$rig/nchan/usr/lib/nginx/modules/ngx_nchan_module.so
get_nchan() {
    [ ! -e "$nchan" ] || return 0
    mkdir -p "$rig/nchan"
    note "getting Debian's libnginx-mod-nchan into target/bench/nchan"
    (
        cd "$rig/nchan" &&
            { apt-get download -q libnginx-mod-nchan ||
                { as_root apt-get update -q && apt-get download -q libnginx-mod-nchan; }; } &&
            dpkg-deb -x libnginx-mod-nchan_*.deb .
    ) >"$rig/nchan.log" 2>&1 </dev/null
}

# nchan is built for Debian's nginx and fits no other.
nchan_fits() {
    local conf=$rig/nchan.conf
    printf 'load_module %s;\npid %s;\nevents {}\n' "$nchan" "$rig/nchan.pid" >"$conf"
    "$NGINX" -t -q -p "$rig/" -c "$conf" >>"$rig/nchan.log" 2>&1
}

mkdir -p "$rig"
keep=()
servers=floor,nchan,push-stream
built="$(package_version)${PUSH_STREAM_COMMIT:+, commit ${PUSH_STREAM_COMMIT:0:12}}"
if [ -n "${MODULE:-}" ]; then
    built="the file that MODULE= named"
elif [ -n "$(git status --porcelain --untracked-files=no -- src crates 2>/dev/null)" ]; then
    built="$built, with changes"
fi
if [ "$repeat" != 0 ]; then
    want valgrind command -v valgrind
    want strace command -v strace
    install_wanted
    need_module
    keep=(--out "$rig/figures.json")
    if [ "${DEPS:-}" = skip ] || ! get_nchan || ! nchan_fits; then
        note "nchan is left out: none that fits $NGINX, see target/bench/nchan.log"
        servers=floor,push-stream
    fi
fi

CARGO_TARGET_DIR=$rig cargo build --release --quiet --manifest-path $manifest

command=make\ bench${REPEAT:+" REPEAT=$REPEAT"}${ONLY:+" ONLY=$ONLY"}${SUITE:+" SUITE=$SUITE"}
nchan_version=$(dpkg-deb -f "$rig"/nchan/libnginx-mod-nchan_*.deb Version 2>/dev/null) || true

export PSBENCH_LAB=$rig/run
"$rig/release/psbench" suite "$suite" --servers $servers --repeat "$repeat" ${ONLY:+--only "$ONLY"} \
    --set.push-stream.module "${MODULE:-}" --set.nchan.module "$nchan" \
    "${keep[@]}" --page bench/page.md --page-out "$page" \
    --page.command "$command" \
    --page.module "$built" \
    --page.nchan "$nchan_version" \
    --page.rust "$(rustc --version | cut -d ' ' -f 1,2)"
note "wrote $page"
