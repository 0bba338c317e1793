#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: setup.sh [all|deb]
#
# Installs the Debian packages that building and testing need; `all`: and the big programs that only
# `make test-all` runs; `deb`: and what packages are made with.  Does nothing, and needs neither network nor rights, when all of them are there.

set -eu

packages='
	gcc libc6-dev make clang llvm libclang-rt-14-dev clang-format-14
	meson ninja-build pkg-config git python3
	libcmocka-dev libjansson-dev libncurses-dev libpng-dev libsystemd-dev
	libtracefs-dev libtraceevent-dev
	systemtap-sdt-dev
	fakeroot fbcat fbset util-linux procps fuse3
	libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 libeatmydata1 libfaketime bubblewrap
	qemu-system-x86 busybox-static cpio bc bison flex libelf-dev kmod xz-utils
'

# What packages are made with.
[ "${1:-}" != deb ] || packages="$packages debhelper dh-dkms dpkg-dev lintian mmdebstrap"

# What tests run on devices.  Where it cannot be had, they are skipped.
programs='fim'
if [ "${1:-}" = all ]; then
	programs="$programs
		ffmpeg mplayer gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
		gstreamer1.0-plugins-bad netsurf-fb xserver-xorg-core xserver-xorg-video-fbdev xterm x11-apps
	"
fi

# Those of the packages that are not installed.
missing()
{
	# dpkg-query fails for names that it has never heard of: those are missing too.
	dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		awk -v wanted="$*" '
			$1 == "installed" { have[$2] = 1 }
			END {
				n = split(wanted, w, " ")
				for (i = 1; i <= n; i++)
					if (!(w[i] in have))
						printf " %s", w[i]
			}'
}

as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "setup: not root, and no sudo; run as root: $*" >&2
		return 1
	fi
}

apt()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 || {
		cat "$log" >&2
		echo "setup: apt-get $* failed" >&2
		return 1
	}
}

if ! command -v dpkg-query >/dev/null; then
	echo "setup: not a Debian system: install by hand what corresponds to" $packages >&2
	exit 0
fi

# shellcheck disable=SC2086 # lists of words
wanted=$(missing $packages) programs=$(missing $programs)
[ -n "$wanted$programs" ] || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: installing$wanted$programs"
if [ -n "$wanted" ]; then
	apt update
	apt install --no-install-recommends $wanted
	apt install --no-install-recommends $programs || echo "setup: without$programs" >&2
else
	{ apt update && apt install --no-install-recommends $programs; } || echo "setup: without$programs" >&2
fi
