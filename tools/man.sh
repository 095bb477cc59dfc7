#!/usr/bin/env bash
# Makes the manual page target/ngx_http_push_stream_module.7 from debian/man.md and docs/directives.md.

. "$(dirname "$0")/lib.sh"
. tools/packages.sh

want lowdown command -v lowdown
install_wanted

page=target/ngx_http_push_stream_module.7
mkdir -p target
# The list of links at the top of the directives leads nowhere in a manual page.
{ cat debian/man.md && sed '/^\*\*Contents:\*\*/,/^$/d' docs/directives.md; } |
    lowdown -s -tman --parse-no-intraemph --nroff-nolinks --out-no-smarty \
        -M title=ngx_http_push_stream_module -M section=7 -M source="nginx push stream $(package_version)" -o $page
