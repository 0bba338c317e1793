#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: kernels.sh [--update] VERSION...
#
# Debian's newest cloud kernel of each VERSION (6.1, 6.12) and what modules for it are built with,
# in build-guest/VERSION:
#
#   vmlinuz   the kernel
#   release   its name, as uname -r prints it
#   headers   to build modules with: make -C build-guest/VERSION/headers M=...
#   own       those of its own modules that guests load, where they are not built in
#
# What is there already is kept, and needs no network; --update looks for something newer.  Nothing
# is installed: the packages are downloaded, which needs no rights, and unpacked here.  (Installed,
# an image would bring an initramfs generator and its hooks with it.)

set -eu
cd "$(dirname "$0")/../.."

update=
[ "${1:-}" != --update ] || { update=yes; shift; }
[ $# -gt 0 ] || { echo "usage: $0 [--update] VERSION..." >&2; exit 2; }

mkdir -p build-guest
exec 9>build-guest/kernels.lock
flock 9

# apt-cache and apt-get, which as root would rather be somebody who cannot write here.
apt()
{
	tool=$1
	shift
	"$tool" -qq -o APT::Sandbox::User=root $own_lists "$@"
}
own_lists=

# A package index of our own, for when the system's is missing or older than the archive.
use_own_lists()
{
	dir=$PWD/build-guest/apt
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	own_lists="-o Dir::State::Lists=$dir/lists -o Dir::Cache=$dir/cache"
	apt apt-get update >build-guest/apt/log 2>&1 || cat build-guest/apt/log >&2
}

exists()
{
	for package; do
		[ -n "$(apt apt-cache show --no-all-versions "$package" 2>/dev/null)" ] || return 1
	done
}

# The packages for a release of the kernel, as 6.1.0-56 or 6.12.117+deb12.
packages()
{
	case $1 in
	6.1.0-*) kbuild=linux-kbuild-6.1 ;;
	*) kbuild=linux-kbuild-$1 ;;
	esac
	echo "linux-image-$1-cloud-amd64 linux-headers-$1-cloud-amd64" \
		"linux-headers-$1-common $kbuild"
}

# The newest release of a version of which everything is there: images outlive their headers.
newest()
{
	pattern="^linux-image-$(echo "$1" | sed 's/\./\\./g')\.[0-9][^-]*(-[0-9]+)?-cloud-amd64$"
	for release in $(apt apt-cache search --names-only "$pattern" |
			sed 's/^linux-image-//; s/-cloud-amd64 .*//' | sort -rV); do
		if exists $(packages "$release"); then
			echo "$release"
			return
		fi
	done
}

# Unpacks a release into the directory that is to become build-guest/VERSION.
unpack()
{
	release=$1 to=$2
	mkdir -p "$to/debs" "$to/root"
	(cd "$to/debs" && apt apt-get download $(packages "$release")) || return 1
	for deb in "$to"/debs/*.deb; do
		dpkg-deb -x "$deb" "$to/root"
	done
	mkdir "$to/own"
	for module in fuse; do
		find "$to/root/lib/modules" -name "$module.ko*" -exec cp {} "$to/own" \;
	done
	find "$to/own" -name '*.xz' -exec xz -d {} \;
	# With a vmlinux beside the headers, modules would be given BTF, for which pahole is needed.
	rm -rf "$to/debs" "$to/root/usr/share/doc" "$to/root/lib/modules" \
		"$to"/root/usr/src/linux-headers-*/vmlinux
	echo "$release-cloud-amd64" >"$to/release"
	ln -s "root/boot/vmlinuz-$release-cloud-amd64" "$to/vmlinuz"
	ln -s "root/usr/src/linux-headers-$release-cloud-amd64" "$to/headers"
	# Debian's headers name their other half by its absolute path.
	cat >"$to/headers/Makefile" <<-END
	include \$(abspath \$(dir \$(lastword \$(MAKEFILE_LIST)))/../linux-headers-$release-common/Makefile)
	END
}

get()
{
	version=$1 dir=build-guest/$1
	[ -z "$update" ] || use_own_lists
	release=$(newest "$version")
	if [ -z "$release" ] && [ -z "$own_lists" ]; then
		use_own_lists
		release=$(newest "$version")
	fi
	if [ -z "$release" ]; then
		echo "kernels: apt knows no cloud kernel $version with headers" >&2
		return 1
	fi
	if [ -d "$dir/own" ] && [ -f "$dir/release" ] && [ "$(cat "$dir/release")" = "$release-cloud-amd64" ]; then
		return
	fi
	echo "kernels: Linux $release"
	rm -rf "$dir.new"
	if ! unpack "$release" "$dir.new"; then
		# The archive has moved on from what the system's index says.
		[ -z "$own_lists" ] || return 1
		use_own_lists
		rm -rf "$dir.new"
		release=$(newest "$version")
		unpack "$release" "$dir.new"
	fi
	rm -rf "$dir"
	mv "$dir.new" "$dir"
}

for version; do
	if [ -n "$update" ] || [ ! -d "build-guest/$version/own" ]; then
		get "$version"
	fi
done
