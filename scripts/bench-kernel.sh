#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: bench-kernel.sh [KERNEL]
#
# Runs bench/kernel of an existing build in a guest with Linux 6.12, or another one that scripts/guest
# knows, with the kernel engine loaded.  With KVM where that runs a guest; else emulated: then ratios
# are worth more than times.  $GUEST_ACCEL (kvm, tcg) decides it beforehand.

set -eu
cd "$(dirname "$0")/.."
kernel=${1:-6.12}
dir=build-guest/$kernel/bench

case $kernel in
*-*) scripts/guest/debug-kernel.sh "${kernel#*-}" ;;
*) scripts/guest/kernels.sh "$kernel" ;;
esac
scripts/guest/modules.sh "$kernel"
scripts/guest/image.sh

run_bench()
{
	GUEST_ACCEL=$1 GUEST_TIMEOUT=$2 scripts/guest/run.sh -d "$dir" "$kernel" bench
}

# It may be there and not work: a guest that is one itself cannot always have guests.
kvm_works()
{
	[ -w /dev/kvm ] || return 1
	GUEST_ACCEL=kvm GUEST_TIMEOUT=20 scripts/guest/run.sh -d "$dir" "$kernel" nothing
}

accel=${GUEST_ACCEL:-}
[ -n "$accel" ] || if kvm_works; then accel=kvm; else accel=tcg; fi
case $accel in
kvm) echo "# the kernel engine, in a guest with KVM" ;;
*) echo "# the kernel engine, in a guest that is emulated (no KVM here)" ;;
esac
run_bench "$accel" 300 || { cat "$dir/problems" >&2; exit 1; }
sed -n 's/\r$//; s/^| //p' "$dir/report"
grep -q '^| ' "$dir/report" || { cat "$dir/report" >&2; exit 1; }
