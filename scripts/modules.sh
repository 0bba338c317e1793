#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: modules.sh [KDIR]
#
# Builds the kernel modules for the running kernel, or for the one whose headers are in KDIR, and
# leaves them in build-modules/RELEASE.  In a copy of the sources: Linux's make puts what it makes
# beside what it makes it of.

set -eu
cd "$(dirname "$0")/.."

release=$(uname -r)
kdir=${1:-/lib/modules/$release/build}
if [ ! -f "$kdir/Makefile" ]; then
	echo "modules: no $kdir: install the headers of the kernel, for example with" >&2
	echo "  apt-get install linux-headers-$release" >&2
	echo "or build for another kernel: make modules KDIR=DIR" >&2
	exit 1
fi
kdir=$(cd "$kdir" && pwd)
# What the kernel calls itself, which with Debian's headers is not always `make kernelrelease`.
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$kdir/include/generated/utsrelease.h")
dir=build-modules/$release

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
sh scripts/module-tree.sh "$dir/source"
make -s --no-print-directory -C "$dir/source" KDIR="$kdir" >"$dir/log" 2>&1 || {
	cat "$dir/log" >&2
	echo "modules: they do not build for Linux $release" >&2
	exit 1
}
find "$dir/source" -name '*.ko' -exec cp -pu -t "$dir" {} +
echo "modules: for Linux $release, in $dir:" $(cd "$dir" && ls *.ko)
