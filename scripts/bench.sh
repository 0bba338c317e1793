#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Runs the short benchmarks of an existing build: figures of this machine, beside something measured in the
# same run.

set -eu
cd "$(dirname "$0")/.."
devmap=build/bin/devmap
bench=build/bench

echo "# a switch, everything on one CPU, the engine too"
taskset -c 0 "$devmap" run --driver xfb -- "$bench/switch" /dev/xfb0 one
if [ "$(nproc)" -gt 1 ]; then
	echo "# a switch, clients on two CPUs"
	"$devmap" run --driver xfb -- "$bench/switch" /dev/xfb0 two
fi
echo "# calls on a descriptor, everything on one CPU, the engine too"
taskset -c 0 "$devmap" run --driver xfb -- "$bench/calls" /dev/xfb0 one
if [ "$(nproc)" -gt 1 ]; then
	echo "# calls on a descriptor, on two CPUs"
	"$devmap" run --driver xfb -- "$bench/calls" /dev/xfb0 two
fi
echo "# programs that never open a device"
"$bench/start" "$PWD/build/lib/libdevmap.so"
if [ -x "$bench/bench_pages" ]; then
	echo "# moving pages"
	"$bench/bench_pages"
fi
