#!/usr/bin/env bash
# The Debian package, from installing to purging it, with Debian's nginx running as a service.
#
# It all happens in a throw-away copy of this machine (throwaway.sh): nothing is installed here.
#
# Usage: t/deb.sh [PACKAGE.deb]     default: the one in target/deb

. "$(dirname "$0")/checks.sh"

name=libnginx-mod-http-push-stream
so=/usr/lib/nginx/modules/ngx_http_push_stream_module.so
link=/etc/nginx/modules-enabled/50-mod-http-push-stream.conf

loaded_by_service() {
    grep -q ngx_http_push_stream_module.so "/proc/$(cat /run/nginx.pid)/maps"
}

# Whether nginx's whole configuration, with all that it includes, loads the module.
configured() {
    nginx -T 2>/dev/null | grep -q '^load_module .*ngx_http_push_stream_module'
}

subscribed() {
    curl -fsS 'http://127.0.0.1:8001/stats?id=news' | grep -q '"subscribers": "*1'
}

received() {
    grep -qx Hello /tmp/received
}

leftovers() {
    # Not the documentation of this project, which may lie anywhere.
    find /etc /usr /var -xdev -name '*push[-_]stream*' -not -path '/usr/src/*' | grep .
}

install_it() {
    dpkg -i "$1" >/tmp/dpkg.log 2>&1 || fail "dpkg -i: $(cat /tmp/dpkg.log)"
}

steps() {
    local package=$1
    export DEBIAN_FRONTEND=noninteractive
    # Containers forbid starting services; here one is wanted.
    rm -f /usr/sbin/policy-rc.d /etc/nginx/sites-enabled/* /run/nginx.pid
    if leftovers; then fail "this machine has files of the module already: make uninstall, or apt purge $name"; fi
    printf 'server { listen 127.0.0.1:8000; location / { return 204; } }\n' >/etc/nginx/conf.d/plain.conf
    check "Debian's nginx starts without the module" service nginx start
    eventually "it answers" curl -fsS http://127.0.0.1:8000/

    install_it "$package"
    check "installed" grep -qx 'Status: install ok installed' <(dpkg -s $name)
    check "depends on the ABI of this nginx" \
        grep -q "$(dpkg-query -W -f '${Provides}' nginx | grep -o 'nginx-abi-[^ ,]*')" <(dpkg-query -W -f '${Depends}' $name)
    check "the configuration loads it" configured
    check "the configuration is valid" nginx -t
    eventually "the service has reloaded and has the module" loaded_by_service
    check "the manual page is there" test -e /usr/share/man/man7/ngx_http_push_stream_module.7.gz
    check "md5sums are right" dpkg --verify $name

    cat >/etc/nginx/conf.d/push.conf <<'EOF'
push_stream_shared_memory_size 4m;
server {
    listen 127.0.0.1:8001;
    location = /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
    location ~ ^/sub/(.+)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_message_template "~text~\n"; }
    location = /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
}
EOF
    check "a configuration with its directives is valid" nginx -t
    check "reload" service nginx reload
    eventually "the statistics answer" curl -fsS http://127.0.0.1:8001/stats
    curl -sN --max-time 20 http://127.0.0.1:8001/sub/news >/tmp/received &
    eventually "a subscriber is there" subscribed
    check "publish" curl -fsS -d Hello 'http://127.0.0.1:8001/pub?id=news'
    eventually "the subscriber gets the message" received

    rm $link
    install_it "$package"
    check "an upgrade does not switch on what the administrator switched off" no test -e $link
    ln -s /usr/share/nginx/modules-available/mod-http-push-stream.conf $link

    rm /etc/nginx/conf.d/push.conf
    check "remove" dpkg -r $name
    check "the load_module line is gone" no configured
    check "the configuration is valid without it" nginx -t
    check "the module is gone" no test -e $so
    check "nginx still serves" curl -fsS http://127.0.0.1:8000/

    install_it "$package"
    check "installed again, it is loaded again" configured
    check "purge" dpkg -P $name
    check "nothing is left" no leftovers
    check "nginx still serves" curl -fsS http://127.0.0.1:8000/
    service nginx stop >/dev/null
    echo "all ok"
}

if [ "${1:-}" = --inside ]; then
    steps package.deb
    exit 0
fi

cd "$(dirname "$0")/.."
package=${1:-$(echo target/deb/libnginx-mod-http-push-stream_*.deb)}
[ -r "$package" ] || fail "no package $package: build it with make deb"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp t/deb.sh t/checks.sh "$folder"
cp "$package" "$folder/package.deb"
t/throwaway.sh "$folder" ./deb.sh --inside
