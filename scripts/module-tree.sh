#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: module-tree.sh DIR
#
# Makes DIR a source tree of the kernel modules alone, as DKMS wants it in /usr/src/devmap-VERSION:
# the sources, a Makefile, and a dkms.conf that lists what the Kbuild files build.  If DIR is such a
# tree already, only what differs is written, so that only that is built anew.

set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
to=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

built='engine/linux models drivers'
version=$(sed -n "s/^ *version: *'\(.*\)',$/\1/p" meson.build)

sources()
{
	find core ddi include $built -type f ! -name '*.mod.c' ! -name '.*' \
		\( -name '*.[ch]' -o -name Kbuild -o -name '*.mk' \) | LC_ALL=C sort
}

dkms_conf()
{
	sed "s/@version@/$version/" packaging/dkms/dkms.conf.in
	n=0
	for folder in $built; do
		for module in $(sed -n 's/^obj-m *[+:]*= *//p' $folder/Kbuild); do
			echo
			echo "BUILT_MODULE_NAME[$n]=\"${module%.o}\""
			echo "BUILT_MODULE_LOCATION[$n]=\"$folder\""
			echo "DEST_MODULE_LOCATION[$n]=\"/updates/dkms\""
			n=$((n + 1))
		done
	done
}

# Writes what it reads, unless it is there already.
put()
{
	cat >"$to/.new"
	if cmp -s "$to/.new" "$to/$1"; then
		rm "$to/.new"
	else
		mv "$to/.new" "$to/$1"
	fi
}

# What is no more must not be found, either.
(cd "$to" && [ ! -f dkms.conf ] || find core ddi include $built -name '*.[ch]' ! -name '*.mod.c') |
	while read -r file; do
		[ -f "$file" ] || rm -f "$to/$file"
	done
sources | xargs cp -pu --parents -t "$to"
cp -pRu LICENSES "$to"
put Makefile <packaging/dkms/Makefile
dkms_conf | put dkms.conf
