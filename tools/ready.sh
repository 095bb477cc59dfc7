#!/usr/bin/env bash
# Makes the machine ready: installs the Debian packages that are missing, checks the Rust toolchain
# and nginx, and configures nginx's sources for the bindings. Quick when nothing is missing.
#
# Usage: tools/ready.sh [check | test | web-im | browser | autobahn]
#   check     rustfmt and clippy are needed too
#   test      the modules of nginx that examples load
#   web-im    PHP-FPM with SQLite
#   browser   Chromium, node, Python, and what the web IM needs
#   autobahn  Python
# DEPS=skip in the environment: look for no packages and install none.

. "$(dirname "$0")/lib.sh"
. tools/packages.sh

# ---- the Rust toolchain ----

required=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
rustup_hint="install Rust $required or newer with rustup (www.rust-lang.org/tools/install)"

command -v cargo >/dev/null ||
    die "no cargo in PATH: $rustup_hint${SUDO_USER:+; if it is installed for you only: sudo env \"PATH=\$PATH\" make}"
rust=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p') || true
[ -n "$rust" ] || die "rustc does not run: give rustup a toolchain with: rustup default stable"
[ "$(printf '%s\n' "$required" "$rust" | sort -V | head -n 1)" = "$required" ] ||
    die "Rust $rust is too old, this needs $required: run 'rustup update stable', or $rustup_hint"
if [ "${1:-}" = check ]; then
    for tool in fmt clippy; do
        cargo $tool --version >/dev/null 2>&1 ||
            die "cargo $tool is missing: run: rustup component add rustfmt clippy"
    done
fi

# ---- packages ----

has_nginx() {
    [ -n "$NGINX" ] && [ "$NGINX" != none ] && [ -x "$NGINX" ]
}

# bindgen loads the library and needs the compiler's own headers, which come in another package.
has_libclang() {
    [ -z "${LIBCLANG_PATH:-}" ] || return 0
    { compgen -G '/usr/lib*/llvm*/lib*/libclang.so*' || compgen -G '/usr/lib*/llvm*/lib*/libclang-[0-9]*.so*' ||
        compgen -G '/usr/lib/*/libclang-[0-9]*.so*' || compgen -G '/usr/lib*/libclang.so*'; } >/dev/null &&
        { compgen -G '/usr/lib*/llvm*/lib*/clang/*/include/stddef.h' ||
            compgen -G '/usr/lib*/clang/*/include/stddef.h'; } >/dev/null
}

[ "$profile" != sanitize ] || has_nginx || SANITIZE=1 tools/nginx.sh "$sanitize_nginx"

[ -z "$NGINX" ] || [ "$NGINX" = none ] || has_nginx || die "NGINX=$NGINX is not there or cannot be run"

want gcc command -v cc
want libc6-dev test -e /usr/include/stdio.h
want libclang-dev has_libclang
want curl command -v curl
want openssl command -v openssl
if [ "$source_dir" = "$debian_source_dir" ]; then
    want nginx has_nginx
    want nginx-dev test -x "$source_dir/configure"
    [ "${1:-}" != test ] || want libnginx-mod-http-js test -e /usr/lib/nginx/modules/ngx_http_js_module.so
elif [ ! -r "$objs/ngx_auto_config.h" ]; then
    [ -r "$source_dir/src/core/nginx.h" ] ||
        die "NGINX_SOURCE_DIR=$source_dir holds no nginx sources (no src/core/nginx.h)"
    want_nginx_build
fi

case ${1:-} in
    browser)
        want chromium test -x "${CHROMIUM:-/usr/bin/chromium}"
        want nodejs command -v node
        want npm command -v npm
        ;;&
    web-im | browser)
        want php-fpm compgen -G '/usr/sbin/php-fpm[0-9]*'
        want php-sqlite3 compgen -G '/usr/lib/php/*/pdo_sqlite.so'
        ;;&
    browser | autobahn) want python3-venv python3 -c 'import ensurepip, venv' ;;
esac

install_wanted
locate

# ---- nginx ----

if has_nginx; then
    have=$(nginx_version)
    sources=$(source_version "$source_dir")
    [ -n "$have" ] || die "$NGINX does not run as nginx: set NGINX to the nginx binary"
    [ "$have" = "$sources" ] ||
        die "$NGINX is $have but the sources in $source_dir are ${sources:-missing}: set NGINX_SOURCE_DIR to the sources of nginx $have"
    if [ "$(head -c 4 "$NGINX" | tail -c 3)" = ELF ] &&
        ldd "$NGINX" 2>&1 | grep -q -e 'not a dynamic executable' -e 'statically linked'; then
        die "$NGINX is linked statically and cannot load modules: use Debian's nginx, or set NGINX to another one"
    fi
    # Without --with-compat only a module built in that nginx's own objs folder fits.
    case $("$NGINX" -V 2>&1) in
        *--with-compat*) ;;
        *) [ -n "${NGINX_BUILD_DIR:-}" ] ||
            die "$NGINX was built without --with-compat and takes no modules built elsewhere: use Debian's nginx, or set NGINX_SOURCE_DIR and NGINX_BUILD_DIR to the folders it was built in" ;;
    esac
fi

exec tools/configure.sh
