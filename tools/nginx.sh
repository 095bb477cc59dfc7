#!/usr/bin/env bash
# Fetches the sources of an nginx and builds it, with all stock modules that need no other library,
# for testing the module against it. Nothing is installed; what is there already is not built again.
#
# Usage: tools/nginx.sh VERSION           into target/nginx/VERSION; prints the variables for make
#        tools/nginx.sh source VERSION FOLDER [SHA256]     only fetches the sources, into FOLDER
#
# VERSION   1.22, 1.26   the releases that Debian 12 and 13 have, from Debian
#           1.28         the one in the nginx-src crate
#           X.Y.Z        that release, from nginx.org; SHA256 checks the archive
#
# SANITIZE=1       with AddressSanitizer, into target/nginx/VERSION-sanitize
# NGINX_DOWNLOAD   another place for the archives of releases
# DEBIAN_MIRROR    another place for Debian's archive

. "$(dirname "$0")/lib.sh"
. tools/packages.sh

# The release that a suite of Debian is based on, without Debian's patches: apt checks it against the
# signed index. The machine's own package lists stay as they are.
from_debian() {
    # Where this machine gets its Debian packages from.
    local suite=$1 folder=$2 mirror=${DEBIAN_MIRROR:-}
    [ -n "$mirror" ] ||
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)
    [ -n "$mirror" ] || die "apt knows no Debian archive here: set DEBIAN_MIRROR to the URI of one"
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg
    want debian-archive-keyring test -e $keys
    install_wanted
    mkdir -p "$work/lists/partial" "$work/parts"
    echo "deb-src [signed-by=$keys] $mirror $suite main" >"$work/sources.list"
    local apt=(apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o "Dir::Etc::SourceParts=$work/parts"
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User=root)
    (cd "$work" && "${apt[@]}" update && "${apt[@]}" source --tar-only nginx) >"$work/log" 2>&1 ||
        die "could not fetch the sources of nginx from Debian $suite: $(tail -n 2 "$work/log")"
    unpack "$work"/nginx_*.orig.tar.* "$folder"
}

unpack() {
    mkdir "$2"
    tar -xf "$1" -C "$2" --strip-components=1
}

# The crate that ngx's own builds use; cargo checks it against the registry's index.
from_crate() {
    local version=$1 folder=$2 found
    command -v cargo >/dev/null || die "no cargo in PATH: install Rust with rustup (www.rust-lang.org/tools/install)"
    mkdir "$work/src"
    : >"$work/src/lib.rs"
    printf '[package]\nname = "fetch"\nedition = "2024"\n[dependencies]\nnginx-src = "=%s"\n[workspace]\n' "$version" >"$work/Cargo.toml"
    found=$(cargo metadata --quiet --format-version 1 --manifest-path "$work/Cargo.toml" |
        grep -o '"manifest_path":"[^"]*/nginx-src-[^"]*/Cargo.toml"' | head -n 1 | cut -d '"' -f 4)
    [ -n "$found" ] || die "could not fetch the crate nginx-src $version"
    cp -R "$(dirname "$found")/nginx" "$folder"
}

from_nginx_org() {
    local version=$1 folder=$2 sum=$3 place=${NGINX_DOWNLOAD:-https://nginx.org/download}
    want curl command -v curl
    want ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
    install_wanted
    curl -fsSL --retry 3 -o "$work/nginx.tar.gz" "$place/nginx-$version.tar.gz" ||
        die "could not fetch $place/nginx-$version.tar.gz"
    [ -z "$sum" ] || echo "$sum  $work/nginx.tar.gz" | sha256sum --check --quiet ||
        die "$place/nginx-$version.tar.gz is not the archive with SHA-256 $sum"
    unpack "$work/nginx.tar.gz" "$folder"
}

fetch() {
    local version=$1 folder=$2 sum=${3:-}
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    note "fetching the sources of nginx $version"
    case $version in
        1.22) from_debian bookworm "$work/nginx" ;;
        1.26) from_debian trixie "$work/nginx" ;;
        1.28) from_crate 1.28.5 "$work/nginx" ;;
        [0-9]*.[0-9]*.[0-9]*) from_nginx_org "$version" "$work/nginx" "$sum" ;;
        *) die "nginx $version: must be 1.22, 1.26, 1.28 or a full version such as 1.28.0" ;;
    esac
    mkdir -p "$(dirname "$folder")"
    mv -T "$work/nginx" "$folder"
}

if [ "${1:-}" = source ]; then
    [ $# -ge 3 ] || die "usage: $0 source VERSION FOLDER [SHA256]"
    [ ! -e "$3" ] || die "$3 is there already"
    fetch "$2" "$3" "${4:-}"
    exit 0
fi

[ $# = 1 ] || die "usage: $0 VERSION, or $0 source VERSION FOLDER [SHA256]"
folder=$root/target/nginx/$1${SANITIZE:+-sanitize}
[ -d "$folder" ] || fetch "$1" "$folder"

if [ ! -x "$folder/objs/nginx" ]; then
    want_nginx_build
    install_wanted
    flags=(--prefix=/nonexistent --error-log-path=stderr --with-compat --with-debug --with-threads
        --with-mail --with-mail_ssl_module --with-stream --with-stream_ssl_module --with-stream_ssl_preread_module --with-stream_realip_module)
    for module in addition auth_request dav degradation flv gunzip gzip_static mp4 random_index realip \
        secure_link slice ssl stub_status sub v2 v3; do
        # HTTP/3 came with 1.25.
        if [ $module != v3 ] || [ -e "$folder/src/http/v3" ]; then
            flags+=("--with-http_${module}_module")
        fi
    done
    if [ -n "${SANITIZE:-}" ]; then
        # NGX_DEBUG_PALLOC: each piece of a pool is an allocation of its own, with guards around it.
        flags+=(--with-cc-opt="-O1 -g -fsanitize=address -fno-omit-frame-pointer -DNGX_DEBUG_PALLOC=1" --with-ld-opt=-fsanitize=address)
        # What the checks of configure run leaks memory.
        export ASAN_OPTIONS=detect_leaks=0
    fi
    cd "$folder"
    configure=./configure
    [ -x $configure ] || configure=auto/configure
    note "building nginx $(source_version .) (output in ${folder#"$root"/}/build.log)"
    { $configure "${flags[@]}" && make -j "$(nproc)"; } >build.log 2>&1 ||
        die "nginx does not build: $(grep -m 1 -i 'error' build.log || tail -n 1 build.log); see $folder/build.log"
fi
echo "NGINX=$folder/objs/nginx NGINX_SOURCE_DIR=$folder"
