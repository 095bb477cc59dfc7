# shellcheck shell=bash
# Debian packages that a step needs: `want` names them, `install_wanted` installs what is missing.
# Sourced after lib.sh, never run. DEPS=skip in the environment: nothing is looked for or installed.

packages=()

# Adds a package unless the command after it succeeds.
want() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}

# What compiling nginx itself takes, with the libraries its stock modules need.
want_nginx_build() {
    want gcc command -v cc
    want libc6-dev test -e /usr/include/stdio.h
    want make command -v make
    want libpcre2-dev test -e /usr/include/pcre2.h
    want libssl-dev test -e /usr/include/openssl/ssl.h
    want zlib1g-dev test -e /usr/include/zlib.h
}

install_packages() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${packages[@]}"
}

install_wanted() {
    if [ ${#packages[@]} = 0 ] || [ "${DEPS:-}" = skip ]; then
        return 0
    fi
    local list=${packages[*]} log=target/packages.log
    command -v apt-get >/dev/null ||
        die "no apt-get here: install what Debian calls $list, then try again (DEPS=skip if it is there under other names)"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "missing packages and no sudo to install them: run as root: apt-get install $list"
    mkdir -p target
    note "installing Debian packages: $list (output in $log)"
    # sudo asks for its password here, not into the log.
    as_root true || die "could not become root to install them: run as root: apt-get install $list"
    # Package lists may be absent or old: refresh them only when the first try fails.
    install_packages >$log 2>&1 </dev/null ||
        { as_root apt-get update -q >>$log 2>&1 </dev/null && install_packages >>$log 2>&1 </dev/null; } ||
        die "could not install $list, see $log; where nginx is not Debian's own, set NGINX_SOURCE_DIR to the sources of that nginx"
    packages=()
}
