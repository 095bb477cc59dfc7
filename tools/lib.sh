# shellcheck shell=bash
# Names and checks shared by the scripts of this folder. Sourced, never run.
#
# Reads from the environment, all optional:
#   NGINX             the nginx binary to build for, run and test with; none: only build, it is elsewhere
#   NGINX_SOURCE_DIR  its sources; default: those of Debian's nginx-dev
#   NGINX_BUILD_DIR   its configured build folder (objs); made when missing
#   CARGO_TARGET_DIR  where cargo builds; default: target/, or target/nginx-VERSION for other sources
#   BUILD             release (default), debug, or sanitize: AddressSanitizer in the module and in an nginx of its own
# Sets: root, NGINX (a path, or empty when there is none yet), source_dir, objs, target, module.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

note() {
    printf '==> %s\n' "$*"
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root and there is no sudo: run as root: $*"
    fi
}

# The version of this package.
package_version() {
    sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1
}

# The version a source tree is of, such as 1.22.1; nothing when there is no tree.
source_version() {
    [ ! -r "$1/src/core/nginx.h" ] ||
        sed -n 's/^#define NGINX_VERSION  *"\(.*\)"/\1/p' "$1/src/core/nginx.h"
}

# The version of the binary $NGINX; nothing when it is no nginx.
nginx_version() {
    { "$NGINX" -v 2>&1 || true; } | sed -n 's|^nginx version: [^/]*/\([0-9.]*\).*|\1|p'
}

# Fails if somebody listens on a port of 127.0.0.1. $1: the port, $2: the target of make that takes another.
need_port() {
    case $1 in
        '' | *[!0-9]*) die "PORT=$1 is not a number" ;;
    esac
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
        # The holder's name is shown to root and to its owner only.
        local holder
        holder=$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*(("\([^"]*\)",pid=\([0-9]*\).*/ by \1, pid \2/p' | head -n 1) || true
        die "port $1 on 127.0.0.1 is taken${holder:-}: stop that, or choose another: make $2 PORT=$(($1 + 1))"
    fi
}

# Directives of the http block. Debian's nginx keeps temporary files and logs where only root may write:
# these name places below nginx's prefix.
own_paths() {
    local kind built_with
    built_with=$("$NGINX" -V 2>&1)
    printf '%s' "    access_log access.log;"
    for kind in client_body proxy fastcgi uwsgi scgi; do
        case $built_with in
            *--without-http_${kind}_module*) ;;
            *) printf '%s' "\n    ${kind}_temp_path $kind;" ;;
        esac
    done
}

# User and group of this checkout: whom workers started by root become, as the one who can surely reach target/.
checkout_owner() {
    local owner
    owner=$(stat -c '%U %G' "$root")
    case $owner in *UNKNOWN*) owner="root root" ;; esac
    echo "$owner"
}

# Directives of the main level for an nginx in the foreground. $1: the module.
own_globals() {
    printf '%s' "daemon off; pid nginx.pid; error_log stderr warn; load_module \"$1\";"
    [ "$(id -u)" != 0 ] || printf '%s' " user $(checkout_owner);"
}

# Runs `nginx -t` and fails with what to do about it. $1: the configuration's name; then the command.
need_good_configuration() {
    local output conf=$1
    shift
    if ! output=$("$@" -t 2>&1); then
        printf '%s\n' "$output" >&2
        case $output in
            *"not binary compatible"* | *"instead of"*)
                die "the module does not fit $NGINX: set NGINX_SOURCE_DIR to the sources of exactly this nginx" ;;
            *"Dynamic loading not supported"*)
                die "$NGINX cannot load modules: use Debian's nginx, or set NGINX to another one" ;;
            *) die "nginx refuses $conf" ;;
        esac
    fi
}

debian_source_dir=/usr/share/nginx/src

# With BUILD=sanitize: the nginx, the target that keeps build scripts out of it, and what AddressSanitizer is told. nginx never frees
# its configuration, which counts as a leak when the starting process exits.
sanitize_nginx=1.22
sanitize_target=$(uname -m)-unknown-linux-gnu
use_sanitized() {
    NGINX_SOURCE_DIR=$root/target/nginx/$sanitize_nginx-sanitize
    NGINX=$NGINX_SOURCE_DIR/objs/nginx
    CARGO_TARGET_DIR=$root/target/sanitize
    export ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=0
}

# Finds the binary, sources and folders; call it again after installing something.
locate() {
    [ "${BUILD:-}" != sanitize ] || use_sanitized
    # Debian leaves the sbin folders out of a plain user's PATH.
    if [ -z "${NGINX:-}" ]; then
        NGINX=$(PATH="$PATH:/usr/local/sbin:/usr/sbin" command -v nginx || true)
    fi
    source_dir=${NGINX_SOURCE_DIR:-$debian_source_dir}
    if [ "$source_dir" = "$debian_source_dir" ]; then
        # What .cargo/config.toml says too: cargo run by hand then shares the build with make.
        objs=${NGINX_BUILD_DIR:-$root/target/nginx-objs}
        target=${CARGO_TARGET_DIR:-$root/target}
    else
        # A folder per nginx, or each change of nginx would rebuild the bindings.
        target=${CARGO_TARGET_DIR:-$root/target/nginx-$(source_version "$source_dir")}
        if [ -z "${NGINX_BUILD_DIR:-}" ] && [ -r "$source_dir/objs/ngx_auto_config.h" ]; then
            NGINX_BUILD_DIR=$source_dir/objs
        fi
        objs=${NGINX_BUILD_DIR:-$target/nginx-objs}
        export NGINX_SOURCE_DIR NGINX_BUILD_DIR=$objs CARGO_TARGET_DIR=$target
    fi
    profile=${BUILD:-release}
    case $profile in
        release | debug) module=$target/$profile ;;
        sanitize) module=$target/$sanitize_target/release ;;
        *) die "BUILD=$profile: must be release, debug or sanitize" ;;
    esac
    module=$module/libngx_http_push_stream_module.so
    case $module in /*) ;; *) module=$root/$module ;; esac
}

# cargo's name for the profile: the debug build is its default, and what the tests themselves are with BUILD=sanitize.
cargo_profile() {
    [ "$profile" != release ] || echo --release
}

# Exports NGINX and MODULE for tests: MODULE as given, or what is built now.
need_module() {
    if [ -z "${MODULE:-}" ]; then
        tools/build.sh
        locate
        MODULE=$module
    fi
    MODULE=$(realpath "$MODULE")
    export NGINX MODULE
}

# The Python packages of the tests, in a folder of their own; made anew when their list has changed.
venv=$root/target/python
make_venv() {
    cmp -s t/requirements.txt "$venv/requirements.txt" && return
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r t/requirements.txt
    cp t/requirements.txt "$venv/"
}

# The tests of browsers and clients need node 20; Debian 12 has 18, from which npm gets a newer one.
need_node() {
    local major
    major=$(node --version | sed -n 's/^v\([0-9]*\).*/\1/p')
    [ "${major:-0}" -lt 20 ] || return 0
    if [ ! -x target/node/node_modules/.bin/node ]; then
        note "node ${major:-0} is too old for the tests, getting 20 into target/node"
        npm install --silent --no-audit --no-fund --prefix "$root/target/node" node@20 ||
            die "could not get node 20 from npm: put node 20 or newer first in PATH"
    fi
    PATH="$root/target/node/node_modules/.bin:$PATH"
}

# rustup writes its folder into the shell's start-up file, which this shell may not have read.
find_cargo() {
    if ! command -v cargo >/dev/null && [ -x "${HOME:-/root}/.cargo/bin/cargo" ]; then
        PATH="$PATH:${HOME:-/root}/.cargo/bin"
    fi
}

# Statistics locations show it. Set for every target, so that none rebuilds what another has built.
if [ -z "${PUSH_STREAM_COMMIT:-}" ] && [ -e .git ]; then
    PUSH_STREAM_COMMIT=$(git rev-parse HEAD 2>/dev/null || true)
fi
[ -z "${PUSH_STREAM_COMMIT:-}" ] || export PUSH_STREAM_COMMIT

locate
find_cargo
