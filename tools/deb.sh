#!/usr/bin/env bash
# Builds the Debian package of the module for the installed Debian nginx: target/deb/*.deb. The package
# itself is described in debian/.

. "$(dirname "$0")/lib.sh"
. tools/packages.sh

[ "$source_dir" = "$debian_source_dir" ] ||
    die "a Debian package is for Debian's own nginx: unset NGINX_SOURCE_DIR, which is $source_dir"
want debhelper command -v dh
want dpkg-dev command -v dpkg-shlibdeps
want lowdown command -v lowdown
want nginx-dev command -v dh_nginx
install_wanted

have=$(dpkg-parsechangelog --show-field Version)
[ "${have%-*}" = "$(package_version)" ] ||
    die "debian/changelog is at $have, Cargo.toml at $(package_version): add an entry to debian/changelog"

mkdir -p target/deb
rm -f target/deb/*.deb
# All files belong to root in the package, whoever builds it.
export DEB_RULES_REQUIRES_ROOT=no
debian/rules binary || die "the package does not build, see above"
dh_clean
package=$(echo target/deb/libnginx-mod-http-push-stream_*.deb)
note "built $package; install it with: sudo apt install ./$package"
