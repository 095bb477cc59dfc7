#!/usr/bin/env bash
# Tests the module over HTTP/3, with the client of t/http3. nginx must have it (1.25 or newer,
# --with-http_v3_module), which Debian 12's has not:
#   make http3 NGINX=/path/to/nginx NGINX_SOURCE_DIR=/path/to/its/sources

. "$(dirname "$0")/lib.sh"

tools/ready.sh
locate
case $("$NGINX" -V 2>&1) in
    *--with-http_v3_module*) ;;
    *) die "$NGINX has no HTTP/3: set NGINX and NGINX_SOURCE_DIR to a newer one, built --with-http_v3_module" ;;
esac
tools/build.sh
venv=$root/target/http3
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv" || die "python3 with venv is needed: install Debian's python3-venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement t/http3/requirements.txt
"$venv/bin/python" t/http3/check.py "$NGINX" "$module"
