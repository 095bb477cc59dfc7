#!/usr/bin/env bash
# Fetches and unpacks the sources of an nginx release, for building against an nginx that comes
# without them, such as the official container image.
#
# Usage: tools/nginx-source.sh VERSION FOLDER [SHA256]
# Then:  make build NGINX_SOURCE_DIR=FOLDER

set -euo pipefail

[ $# -ge 2 ] || { echo "usage: $0 VERSION FOLDER [SHA256]" >&2; exit 1; }
version=$1 folder=$2 sum=${3:-}

archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
curl -fsSL --retry 3 -o "$archive" "https://nginx.org/download/nginx-$version.tar.gz"
[ -z "$sum" ] || echo "$sum  $archive" | sha256sum --check --quiet
mkdir -p "$folder"
tar -xzf "$archive" -C "$folder" --strip-components=1
