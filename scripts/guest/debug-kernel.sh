#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: debug-kernel.sh NAME...
#
# Builds Debian's newest Linux 6.12 with scripts/guest/common.config and NAME.config (kasan, kcsan)
# upon tinyconfig, in build-guest/6.12-NAME, where it has vmlinuz, release and headers as a kernel of
# kernels.sh has.  Takes some minutes for each, once: what is there and of the same configuration is
# kept, and needs no network.

set -eu
cd "$(dirname "$0")/../.."
top=$PWD
[ $# -gt 0 ] || { echo "usage: $0 NAME..." >&2; exit 2; }

mkdir -p build-guest
exec 9>build-guest/debug-kernel.lock
flock 9

source=build-guest/linux-source-6.12

get_source()
{
	[ ! -f $source/.complete ] || return 0
	rm -rf $source
	mkdir -p $source/deb
	(cd $source/deb && apt-get -qq -o APT::Sandbox::User=root download linux-source-6.12) || {
		dir=$top/build-guest/apt
		mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
		set -- -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache"
		apt-get -qq -o APT::Sandbox::User=root "$@" update
		(cd $source/deb &&
			apt-get -qq -o APT::Sandbox::User=root "$@" download linux-source-6.12)
	}
	# Without what no configuration here compiles, which is half of it.
	dpkg-deb --fsys-tarfile $source/deb/*.deb | tar -xO --wildcards '*/linux-source-6.12.tar.xz' |
		tar -xJ -C $source --strip-components=1 --wildcards \
			--exclude='*/drivers/gpu/drm/*/*.[ch]' --exclude='*/drivers/net/*/*/*.[ch]' \
			--exclude='*/drivers/media/*/*.[ch]' --exclude='*/sound/*/*.[ch]'
	rm -rf $source/deb
	touch $source/.complete
}

build()
{
	name=$1 dir=build-guest/6.12-$1
	cat scripts/guest/common.config "scripts/guest/$name.config" >"build-guest/$name.config"
	if [ -f "$dir/release" ] && cmp -s "build-guest/$name.config" "$dir/config"; then
		return
	fi
	get_source
	echo "debug-kernel: $name: building, which takes some minutes"
	rm -rf "$dir/release"
	mkdir -p "$dir/build"
	kbuild="make -s -C $source O=$top/$dir/build"
	{
		$kbuild tinyconfig
		(cd $source && KCONFIG_CONFIG="$top/$dir/build/.config" \
			scripts/kconfig/merge_config.sh -m "$top/$dir/build/.config" \
			"$top/build-guest/$name.config")
		$kbuild olddefconfig
		$kbuild -j"$(nproc)" bzImage modules
	} >"$dir/log" 2>&1 || {
		tail -n 40 "$dir/log" >&2
		return 1
	}
	not_taken "$dir/build/.config" >"$dir/not-taken"
	ln -sfn build/arch/x86/boot/bzImage "$dir/vmlinuz"
	ln -sfn build "$dir/headers"
	cp "build-guest/$name.config" "$dir/config"
	$kbuild kernelrelease >"$dir/release"
}

# What of our configuration the kernel's has not, for a person who edits it.
not_taken()
{
	sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=\(.*\)/\1 \2/p' "build-guest/$name.config" |
		while read -r option value; do
			case $value in
			n) ! grep -q "^$option=" "$1" ;;
			*) grep -qx "$option=$value" "$1" ;;
			esac || echo "$option=$value"
		done
}

for name; do
	build "$name"
done
