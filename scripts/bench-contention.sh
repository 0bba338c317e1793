#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Many clients of one page, with the holds that make a difference: what each waits and gets, beside
# what it is promised. Needs a build. Two minutes on a quiet machine; arguments: see bench/contention.c.

set -eu
cd "$(dirname "$0")/.."

# driver, how it shares the device, and with what number; the rest are arguments.
contention() {
	driver=$1 how=$2 number=$3
	shift 3
	echo "# $driver" >&2
	build/bin/devmap run --driver "$driver" -- \
		build/bench/contention "$@" /dev/xfb0 "$how" "$number"
}

contention xfb hold 0 "$@"
contention xfb:hold-ms=1 hold 1000 "$@"
contention xfb:hold-ms=10 hold 10000 "$@"
contention xfb:overhead-percent=4 overhead 4 "$@"
