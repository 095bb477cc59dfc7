#!/usr/bin/env bash
# The container image without Docker: the Dockerfile's syntax; its first stage, the script; then what that
# made is laid over a throw-away copy of this machine, where nginx of the same version runs it with the user
# and the health check that the Dockerfile names.
#
# What it cannot show: that the images the Dockerfile begins with are what they are taken for.

. "$(dirname "$0")/checks.sh"

# What follows an instruction in the Dockerfile; continued lines are joined.
instruction() {
    sed -e ':a' -e '/\\$/N; s/\\\n *//; ta' Dockerfile | sed -n "s/^$1 //p" | tail -n 1
}

steps() {
    cp -R out/. /
    cp nginx /usr/sbin/nginx
    getent passwd nginx >/dev/null || useradd --system --no-create-home nginx
    local user health
    user=$(instruction USER)
    health=$(instruction HEALTHCHECK | sed 's/.*CMD //')
    as_user() {
        # As container runtimes do: so it may open its own output by name.
        chown "$user" /proc/self/fd/1 /proc/self/fd/2
        setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
    }
    check "nginx -t as $user" as_user nginx -c /etc/nginx/nginx.conf -t
    as_user nginx -c /etc/nginx/nginx.conf -g 'daemon off;' >output 2>&1 &
    eventually "the health check succeeds: $health" sh -c "$health"
    check "nothing runs as root" no pgrep -u root -x nginx
    curl -sN --max-time 20 http://127.0.0.1:8080/sub/news >received &
    eventually "a subscriber is there" sh -c 'curl -fsS "http://127.0.0.1:8080/health?id=news" | grep -q "\"subscribers\": \"*1"'
    check "publish from inside" curl -fsS -d Hello 'http://127.0.0.1:8080/pub?id=news'
    eventually "the subscriber gets the message" grep -qx Hello received
    # A second address of this machine stands for the world outside the container.
    ip address add 192.0.2.1/32 dev lo
    check "no publishing from outside" grep -qx 403 \
        <(curl -s -o /dev/null -w '%{http_code}\n' -d Hello 'http://192.0.2.1:8080/pub?id=news')
    check "subscribing from outside" grep -q Hello \
        <(curl -sN --max-time 2 'http://192.0.2.1:8080/sub/news.b1')
    check "the log is the container's output" grep -q 'POST /pub?id=news' output
    check "no errors in it" no grep -E '\[(alert|crit|emerg|error)\]' <(grep -v 'access forbidden by rule' output)
    as_user nginx -c /etc/nginx/nginx.conf -s quit
    eventually "nginx ends" sh -c '! pgrep -x nginx'
    eventually "the health check fails then" no sh -c "$health"
    echo "all ok"
}

if [ "${1:-}" = --inside ]; then
    steps
    exit 0
fi

cd "$(dirname "$0")/.."
command -v npx >/dev/null || fail "npx is missing: install npm, or Node.js with it"
check "the syntax of the Dockerfile" npx --yes dockerfile-utils@0.16.3 lint Dockerfile

# nginx 1.28 is here in full; its sources are also the archive that docker/build.sh fetches from nginx.org.
tools/nginx.sh 1.28
nginx=$PWD/target/nginx/1.28
version=$(sed -n 's/^#define NGINX_VERSION  *"\(.*\)"/\1/p' "$nginx/src/core/nginx.h")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tar -czf "$folder/nginx-$version.tar.gz" -C "$nginx" --exclude=./objs --exclude=./build.log --transform "s|^\.|nginx-$version|" .
sum=$(sha256sum "$folder/nginx-$version.tar.gz" | cut -d ' ' -f 1)
rm -rf "target/docker/nginx-$version"
NGINX_DOWNLOAD=file://$folder docker/build.sh "$version" "$folder/out" "$sum"
cp t/docker.sh t/checks.sh Dockerfile "$nginx/objs/nginx" "$folder"
t/throwaway.sh "$folder" ./docker.sh --inside
