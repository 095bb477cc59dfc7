#!/usr/bin/env bash
# Takes the pictures of the README anew: docs/images/*.png, from the pages of html/ in Chromium.
#
# MODULE, NGINX and CHROMIUM in the environment: as in t/browser/harness.mjs

. "$(dirname "$0")/lib.sh"

command -v npm >/dev/null || die "this needs node 20 or newer with npm: install Debian's nodejs and npm"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || die "no chromium: install Debian's chromium, or set CHROMIUM"
need_module
[ -d t/browser/node_modules ] || npm --prefix t/browser ci --silent
mkdir -p docs/images
node tools/screenshots.mjs
ls -l docs/images
