#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: deb.sh
#
# Makes Debian packages in build-deb/, of what git tracks as it lies here, and has lintian look at them.

set -eu
cd "$(dirname "$0")/.."
version=$(sed -n "s/^ *version: *'\(.*\)',$/\1/p" meson.build)
top=build-deb/devmap-$version

given=$(sed -n '1s/^devmap (\(.*\)) .*/\1/p' packaging/debian/changelog)
[ "$given" = "$version" ] || {
	echo "deb: packaging/debian/changelog is about $given, meson.build about $version" >&2
	exit 1
}

rm -rf build-deb
mkdir -p "$top"
git ls-files | grep -v '^packaging/debian/' | xargs -d '\n' cp -P --parents -t "$top"
cp -RL packaging/debian "$top/debian"
(cd "$top" && dpkg-buildpackage -us -uc -b -rfakeroot) >build-deb/log 2>&1 || {
	tail -n 40 build-deb/log >&2
	exit 1
}
rm -rf "$top"
# They are for no archive: there is no bug that they close, and nobody's address. A driver is a shared object,
# wherever it is built, so that its flags say so.
lintian --fail-on error --allow-root --suppress-tags \
	initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog,pkg-config-bad-directive \
	build-deb/*.changes
ls build-deb/*.deb
