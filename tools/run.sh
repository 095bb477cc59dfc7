#!/usr/bin/env bash
# Builds the module and starts nginx with one of the configurations of nginx-conf/ in the
# foreground, on 127.0.0.1 only. Everything it writes stays in target/run. Ctrl-C stops it.
#
# CONF  the configuration; default nginx-conf/quickstart.conf
# PORT  the port to listen on; default 9080

. "$(dirname "$0")/lib.sh"

conf=${CONF:-nginx-conf/quickstart.conf}
port=${PORT:-9080}
[ -r "$conf" ] || die "CONF=$conf: no such file"
case $port in
    '' | *[!0-9]*) die "PORT=$port is not a number" ;;
esac

port_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

if port_taken; then
    # The holder's name is shown to root and to its owner only.
    holder=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*(("\([^"]*\)",pid=\([0-9]*\).*/ by \1, pid \2/p' | head -n 1) || true
    die "port $port on 127.0.0.1 is taken${holder:-}: stop that, or choose another: make run PORT=$((port + 1))"
fi

tools/build.sh
locate

run=$root/target/run
mkdir -p "$run"

# Debian's nginx keeps temporary files and logs where only root may write: name places of our own.
extra="    access_log access.log;"
built_with=$("$NGINX" -V 2>&1)
for kind in client_body proxy fastcgi uwsgi scgi; do
    case $built_with in
        *--without-http_${kind}_module*) ;;
        *) extra+="\n    ${kind}_temp_path $kind;" ;;
    esac
done
sed -e "s/127\.0\.0\.1:9080/127.0.0.1:$port/g" -e "s|^http {.*|&\n$extra|" "$conf" >"$run/nginx.conf"

globals="daemon off; pid nginx.pid; error_log stderr warn; load_module \"$module\";"
if [ "$(id -u)" = 0 ]; then
    # The workers become the owner of this checkout: the one user who can surely reach target/run.
    owner=$(stat -c '%U %G' "$root")
    case $owner in *UNKNOWN*) owner=root ;; esac
    globals+=" user $owner;"
fi
nginx=("$NGINX" -e stderr -p "$run/" -c "$run/nginx.conf" -g "$globals")

if ! output=$("${nginx[@]}" -t 2>&1); then
    printf '%s\n' "$output" >&2
    case $output in
        *"not binary compatible"* | *"instead of"*)
            die "the module does not fit $NGINX: set NGINX_SOURCE_DIR to the sources of exactly this nginx" ;;
        *"Dynamic loading not supported"*)
            die "$NGINX cannot load modules: use Debian's nginx, or set NGINX to another one" ;;
        *) die "nginx refuses $conf" ;;
    esac
fi

printf '\n%s\n' "nginx $(nginx_version) with the push stream module, http://127.0.0.1:$port, $conf. Ctrl-C stops it."
printf '%s\n\n' "------------------------------------------------------------------------------"
# The comment at the top of each configuration says what it shows and what to try.
sed -n -e '/^#/!q' -e 's/^# \{0,1\}//p' "$run/nginx.conf"
echo

exec "${nginx[@]}"
