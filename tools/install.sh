#!/usr/bin/env bash
# Puts the module where nginx looks for it, or takes it away. Usage: tools/install.sh [module | remove]
#   module   only the .so, for packages and images, which load it in their own way
#
# DESTDIR  prepended to every path
#
# Files, Debian's layout (paths follow nginx -V where nginx is another one):
#   /usr/lib/nginx/modules/ngx_http_push_stream_module.so
#   /usr/share/nginx/modules-available/mod-http-push-stream.conf       the load_module line
#   /etc/nginx/modules-enabled/50-mod-http-push-stream.conf            a link to it

. "$(dirname "$0")/lib.sh"

action=${1:-install}
[ "$action" = remove ] || tools/build.sh
locate
[ "$action" = module ] || [ -x "$NGINX" ] || die "no nginx here: set NGINX to the nginx binary"

# A path that nginx was configured with, or its default; relative ones count from the prefix.
configured() {
    local value
    value=$("$NGINX" -V 2>&1 | sed -n "s/.*--$1=\([^ ]*\).*/\1/p")
    value=${value:-$2}
    case $value in /*) echo "$value" ;; *) echo "$prefix/$value" ;; esac
}

destination=${DESTDIR:-}
# Debian's, which are those of nginx.org's packages and images too.
modules=/usr/lib/nginx/modules
conf=/etc/nginx/nginx.conf
if [ -x "$NGINX" ]; then
    prefix=$(configured prefix /usr/local/nginx)
    modules=$(configured modules-path modules)
    conf=$(configured conf-path conf/nginx.conf)
fi
so=$modules/ngx_http_push_stream_module.so
snippet=/usr/share/nginx/modules-available/mod-http-push-stream.conf
enabled=$(dirname "$conf")/modules-enabled
link=$enabled/50-mod-http-push-stream.conf

# A plain user may install into a DESTDIR of their own.
run() {
    if [ -n "$destination" ] && [ "$(id -u)" != 0 ]; then "$@"; else as_root "$@"; fi
}

if [ -z "$destination" ] && owner=$(dpkg-query -S "$so" 2>/dev/null); then
    die "$so belongs to the package ${owner%%:*}: apt remove it first, or build a newer one with: make deb"
fi

if [ "$action" = remove ]; then
    run rm -f "$destination$link" "$destination$snippet" "$destination$so"
    note "removed $so; restart nginx once its configuration uses no push_stream_ directive"
    exit 0
fi

replaced=no
[ ! -e "$destination$so" ] || replaced=yes

# Never write into the .so that a running nginx has mapped: a new file takes its name.
run install -D -m 644 "$module" "$destination$so.new"
run mv -f "$destination$so.new" "$destination$so"
note "installed $destination$so"
[ "$action" != module ] || exit 0

if [ -d "$destination$enabled" ] || { [ -n "$destination" ] && [ -d "$enabled" ]; }; then
    line=$(mktemp)
    trap 'rm -f "$line"' EXIT
    echo "load_module $so;" >"$line"
    run install -D -m 644 "$line" "$destination$snippet"
    run mkdir -p "$destination$enabled"
    run ln -sfn "$snippet" "$destination$link"
    note "loaded by $destination$link"
else
    note "add at the top of $conf: load_module $so;"
fi

[ -z "$destination" ] || exit 0
if [ $replaced = yes ]; then
    # A reload keeps the old code: the same path stays mapped.
    note "a new version takes effect with a restart, not with a reload: nginx -t && systemctl restart nginx"
else
    note "now: nginx -t && systemctl reload nginx"
fi
