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
need_port "$port" run

tools/build.sh
locate

run=$root/target/run
mkdir -p "$run"
# "root html" of a configuration is below nginx's prefix: the pages of this checkout.
ln -sfn "$root/html" "$run/html"

# Files that an example needs are made by the commands in its first lines that fill this folder.
sed -n -e '/^#/!q' -e 's/^# *\(mkdir -p target\/run &&\)/\1/p' "$conf" | sh -e ||
    die "the first lines of $conf say which files it needs, and making them failed"

sed -e "s/127\.0\.0\.1:9080/127.0.0.1:$port/g" -e "s|^http {.*|&\n$(own_paths)|" "$conf" >"$run/nginx.conf"
# In its environment NGINX would be sockets to inherit.
nginx=(env -u NGINX "$NGINX" -e stderr -p "$run/" -c "$run/nginx.conf" -g "$(own_globals "$module")")
need_good_configuration "$conf" "${nginx[@]}"

printf '\n%s\n' "nginx $(nginx_version) with the push stream module, http://127.0.0.1:$port, $conf. Ctrl-C stops it."
printf '%s\n\n' "------------------------------------------------------------------------------"
# The comment at the top of each configuration says what it shows and what to try.
sed -n -e '/^#/!q' -e 's/^# \{0,1\}//p' "$run/nginx.conf"
echo

# nginx itself would take NGINX for a list of inherited sockets.
exec env -u NGINX "${nginx[@]}"
