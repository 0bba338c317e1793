#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: modules.sh VERSION
#
# Builds the kernel engine, and the drivers and models that a Kbuild file lists, for the kernel in
# build-guest/VERSION; puts them into build-guest/VERSION/modules.  Does nothing without
# engine/linux/Kbuild.
#
# In a copy of the sources, since Linux 6.1's make puts what it makes beside what it makes it of, and
# several kernels share the sources.  Only what has changed is copied, and so made anew.

set -eu
cd "$(dirname "$0")/../.."
dir=build-guest/$1
copy=$dir/source

[ -f engine/linux/Kbuild ] || exit 0
exec 9>"$dir/modules.lock"
flock 9

# For another kernel everything is to be made anew.
if ! cmp -s "$dir/release" "$copy/.release"; then
	rm -rf "$copy"
	mkdir -p "$copy"
	cp "$dir/release" "$copy/.release"
fi

folders='core ddi engine/linux include drivers models tests/drivers'
sources()
{
	(cd "$1" && for folder in $folders; do
		[ ! -d "$folder" ] || find "$folder" -type f ! -name '*.mod.c' ! -name '.*' \
			\( -name '*.[chS]' -o -name Kbuild -o -name '*.mk' \)
	done | LC_ALL=C sort)
}
sources . >"$dir/sources"
xargs cp -pu --parents -t "$copy" <"$dir/sources"
# What is no more must not be found, either.
(cd "$copy" && sources . | LC_ALL=C comm -13 "../sources" - | xargs -r rm -f)

# Debug kernels watch, and so does the engine.
debug=
case $1 in
*-*) debug=DEVMAP_DEBUG=1 ;;
esac

# The engine first: the others' symbols are found in what it leaves.
for folder in $folders; do
	[ -f "$folder/Kbuild" ] || continue
	# make does not see that the engine's symbols have other versions now
	[ ! "$copy/engine/linux/Module.symvers" -nt "$copy/$folder/Module.symvers" ] ||
		rm -f "$copy/$folder/Module.symvers"
	${MAKE:-make} -s --no-print-directory -j"$(nproc)" -C "$PWD/$dir/headers" M="$PWD/$copy/$folder" DEVMAP_WERROR=1 $debug \
		modules >"$dir/modules.log" 2>&1 || {
		cat "$dir/modules.log" >&2
		echo "modules: $folder does not build for Linux $(cat "$dir/release")" >&2
		exit 1
	}
done

rm -rf "$dir/modules"
mkdir "$dir/modules"
find "$copy" -name '*.ko' -exec ln -t "$dir/modules" {} +
