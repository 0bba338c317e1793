#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: test-deb.sh [DIRECTORY]
#
# The path of a stranger: installs the packages of build-deb/ in a fresh Debian 12 (made in DIRECTORY, default:
# one below /tmp, and taken away again), serves devices, runs programs on them, watches them, writes a driver,
# builds the modules, and purges all. Root, and the network. Prints TAP.

set -u
cd "$(dirname "$0")/.."
ls build-deb/*.deb >/dev/null || exit 1
[ "$(id -u)" -eq 0 ] || { echo '1..0 # SKIP needs root'; exit 0; }
root=${1:-$(mktemp -d /tmp/devmap-root.XXXXXX)}

leave()
{
	for at in dev proc sys; do
		umount -l "$root/$at" 2>/dev/null
	done
	[ -n "${KEEP:-}" ] || rm -rf --one-file-system "$root"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3-minimal,python3 bookworm "$root" || exit 1
mount --rbind /dev "$root/dev" && mount --make-rslave "$root/dev" && mount -t proc proc "$root/proc" &&
	mount --rbind /sys "$root/sys" && mount --make-rslave "$root/sys" || exit 1
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir "$root/debs"
cp build-deb/*.deb "$root/debs"
rm -f "$root"/debs/*-dbgsym_*
cp scripts/test-deb-inside.sh "$root/debs"

# Nothing of ours is in its environment.
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
	chroot "$root" sh /debs/test-deb-inside.sh
