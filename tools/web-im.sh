#!/usr/bin/env bash
# Builds the module and starts the web IM of examples/web-im in the foreground: PHP-FPM and nginx as
# instances of their own, on 127.0.0.1 only. Everything they write stays in target/web-im. Ctrl-C stops both.
#
# PORT        the port to listen on; default 9081
# MODULE      a module that is built already; nothing is built then
# WEB_IM_DIR  another folder instead of target/web-im

. "$(dirname "$0")/lib.sh"

port=${PORT:-9081}
need_port "$port" web-im

tools/ready.sh web-im
if [ -z "${MODULE:-}" ]; then
    tools/build.sh
    locate
    MODULE=$module
fi
[ -r "$MODULE" ] || die "MODULE=$MODULE: no such file"
MODULE=$(realpath "$MODULE")
locate

fpm=$(compgen -G '/usr/sbin/php-fpm[0-9]*' | sort -V | tail -n 1) || die "no php-fpm in /usr/sbin: install php-fpm"
php=/usr/bin/php${fpm##*php-fpm}
[ -x "$php" ] || die "$fpm is there and $php is not: install php${fpm##*php-fpm}-cli"

app=$root/examples/web-im
mkdir -p "${WEB_IM_DIR:=$root/target/web-im}"
run=$(realpath "$WEB_IM_DIR")
case $app$run in
    *[!A-Za-z0-9/._+-]*) die "$app or $run has a character that the configurations would have to quote: move to another folder" ;;
esac
# A Unix socket's path has at most 107 bytes.
[ ${#run} -le 90 ] || die "the path of $run is too long for a socket: set WEB_IM_DIR to a shorter one"

# nginx lets everybody use a socket of its own: the folder is what keeps others out.
chmod 700 "$run"
mkdir -p "$run/sessions"
rm -f "$run/module.sock" "$run/php.sock" "$run/nginx.pid"

# The configurations name the folders of an installed copy.
adapt() {
    sed -e "s|/srv/web-im|$app|g" -e "s|/run/web-im|$run|g" -e "s|/var/lib/web-im|$run|g" \
        -e "s/127\.0\.0\.1:9081/127.0.0.1:$port/g" "$@"
}

read -r user group <<<"$(checkout_owner)"
adapt -e "s|^http {.*|&\n$(own_paths)|" "$app/nginx.conf" >"$run/nginx.conf"
adapt -e "s/^\(user\|listen.owner\) = .*/\1 = $user/" -e "s/^\(group\|listen.group\) = .*/\1 = $group/" \
    -e "s|^error_log = .*|error_log = /proc/self/fd/2|" "$app/php-fpm.conf" >"$run/php-fpm.conf"

WEB_IM_DATABASE=$run/web-im.sqlite "$php" "$app/seed.php"
[ "$(id -u)" != 0 ] || chown -R "$user:$group" "$run"

# In its environment NGINX would be sockets to inherit.
nginx=(env -u NGINX "$NGINX" -e stderr -p "$run/" -c "$run/nginx.conf" -g "$(own_globals "$MODULE")")
need_good_configuration examples/web-im/nginx.conf "${nginx[@]}"
php_fpm=("$fpm" --nodaemonize --fpm-config "$run/php-fpm.conf")
[ "$user" != root ] || php_fpm+=(--allow-to-run-as-root)

running=()
stop() {
    trap - EXIT INT TERM HUP
    kill "${running[@]}" 2>/dev/null || true
    wait
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

# PHP-FPM opens its standard error by name, which a pipe allows and a socket does not.
"${php_fpm[@]}" 2> >(cat >&2) &
running+=($!)
# A browser that was left open asks at once: nginx must not come before PHP.
for ((tries = 0; tries < 200; tries++)); do
    [ ! -S "$run/php.sock" ] || break
    kill -0 "${running[0]}" 2>/dev/null || die "PHP-FPM did not start"
    sleep 0.05
done
env -u NGINX "${nginx[@]}" & # which would take it for a list of inherited sockets
running+=($!)

cat <<END

Web IM on http://127.0.0.1:$port (nginx $(nginx_version), PHP ${fpm##*php-fpm}). Ctrl-C stops it.

Sign in as alice, bob or carol, password try-web-im: two of them in two browsers, or one in a private window.
How it works: examples/web-im/README.md

END

# Neither is of use without the other.
wait -n "${running[@]}" || true
die "nginx or PHP-FPM has ended"
