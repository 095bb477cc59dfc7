#!/usr/bin/env bash
# The first stage of the Dockerfile: builds the module for a release of nginx, and lays out what goes
# onto the official image of that release. It also runs outside Docker.
#
# Usage: docker/build.sh VERSION FOLDER [SHA256]
#   VERSION  as for tools/nginx.sh, such as 1.28.0; SHA256 checks the archive of its sources

set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -ge 2 ] || { echo "usage: $0 VERSION FOLDER [SHA256]" >&2; exit 1; }
version=$1 out=$2 sum=${3:-}

sources=$PWD/target/docker/nginx-$version
[ -d "$sources" ] || tools/nginx.sh source "$version" "$sources" "$sum"

# That nginx itself is in the other image.
NGINX=none NGINX_SOURCE_DIR=$sources CARGO_TARGET_DIR=$PWD/target/docker DESTDIR=$out tools/install.sh module

install -D -m 644 docker/nginx.conf "$out/etc/nginx/nginx.conf"
install -D -m 644 docker/default.conf "$out/etc/nginx/conf.d/default.conf"
install -D -m 644 -t "$out/usr/share/doc/nginx-push-stream/examples" nginx-conf/*.conf
