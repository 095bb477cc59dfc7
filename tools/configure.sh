#!/usr/bin/env bash
# Configures nginx's sources into a folder of ours (objs), for the headers that the bindings are
# made from. The source tree of nginx-dev is left as it is. Does nothing when it is up to date.

. "$(dirname "$0")/lib.sh"

stamp=$objs/configured-for

# Someone else's build folder is taken as it is.
if [ -r "$objs/ngx_auto_config.h" ] && [ ! -e "$stamp" ]; then
    exit 0
fi

# A switch of nginx's own that does not change what a module sees, but may need more packages.
is_foreign() {
    case $1 in
        --add-module=* | --add-dynamic-module=* | *=dynamic | --builddir=* | --with-openssl=* | --with-pcre=* | --with-zlib=*) ;;
        *) return 1 ;;
    esac
}

flags=()
if [ -r "$source_dir/conf_flags" ]; then
    # Debian's list, a bash array.
    # shellcheck disable=SC1091
    . "$source_dir/conf_flags"
    flags=("${NGX_CONF_FLAGS[@]}")
elif [ -n "$NGINX" ] && [ "$(nginx_version)" = "$(source_version "$source_dir")" ]; then
    # What the binary was configured with; nginx prints it quoted for the shell.
    eval "given=($("$NGINX" -V 2>&1 | sed -n 's/^configure arguments: //p'))"
    # shellcheck disable=SC2154
    for flag in "${given[@]}"; do
        is_foreign "$flag" || flags+=("$flag")
    done
else
    flags=(--with-compat --with-threads --with-http_ssl_module --with-http_v2_module)
fi

wanted=$(printf '%s\n' "$source_dir" "$(source_version "$source_dir")" "${flags[@]}")
if [ -r "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

note "configuring the sources of nginx $(source_version "$source_dir")"
rm -rf "$objs"
mkdir -p "$objs"
cd "$source_dir"
configure=./configure
[ -x $configure ] || configure=auto/configure
"$configure" "${flags[@]}" --builddir="$objs" >"$objs/configure.log" 2>&1 ||
    die "configuring nginx's sources failed: $(grep -m 1 error: "$objs/configure.log" || tail -n 1 "$objs/configure.log"); see $objs/configure.log"
printf '%s\n' "$wanted" >"$stamp"
