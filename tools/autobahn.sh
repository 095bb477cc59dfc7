#!/usr/bin/env bash
# Runs the Autobahn cases against nginx with the module as an echo server: t/autobahn/run.py tells
# how. CASES=all runs all of them, CASES="6.* 7.1.5" those.

. "$(dirname "$0")/lib.sh"

need_module
make_venv
"$venv/bin/python" t/autobahn/run.py "${CASES:-}"
