#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: test-kernel.sh [--debug] [WORD...]
#
# Runs the test programs, or only those with a WORD in SUITE/PROGRAM, in guests with Debian's kernels,
# where the kernel engine can be loaded, and go wrong, without harm; the last line is the sum.  With
# --debug, in guests with kernels of our own that look for mistakes (debug-kernel.sh).
#
# $DEVMAP_TALLY: add the counts to this file, and print no sum.
# $DEVMAP_KERNELS: the kernels; other settings are in scripts/guest/run.sh.
#
# Emulated, a processor has a tenth of its speed.  Guests run at the same time, one for each of two
# processors, and their programs in a few shells at once where they can, since they wait a lot.

set -eu
cd "$(dirname "$0")/.."

kernels=${DEVMAP_KERNELS:-6.1 6.12}
: "${GUEST_TIMEOUT:=900}" "${GUEST_LIMIT:=300}" "${DEVMAP_TEST_SLOW:=3}" "${GUEST_JOBS:=4}"
if [ "${1:-}" = --debug ]; then
	shift
	kernels=${DEVMAP_KERNELS:-6.12-kasan 6.12-kcsan}
	: "${GUEST_MEMORY:=3072}"
	GUEST_TIMEOUT=3600 GUEST_LIMIT=1800 DEVMAP_TEST_SLOW=10
	export GUEST_MEMORY
	engines=kernel-engine	# the user engine has nothing in the kernel to look at
fi
: "${GUEST_DEVICES:=-device ati-vga,model=rv100 -device edu -device pci-testdev,membar=2G}"
scripts="${engines:-user-engine kernel-engine} stats wild rv100 edu pci modules"
export GUEST_DEVICES GUEST_TIMEOUT GUEST_LIMIT GUEST_JOBS DEVMAP_TEST_SLOW GUEST_WORDS="$*"

work=$(mktemp -d "${TMPDIR:-/tmp}/devmap-test-kernel.XXXXXX")
guests=
clean_up()
{
	[ -z "$guests" ] || kill $guests 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
tally=${DEVMAP_TALLY:-$work/tally}
: >>"$tally"

# prepare KERNEL: image and modules
prepare()
{
	case $1 in
	*-*) scripts/guest/debug-kernel.sh "${1#*-}" ;;
	*) scripts/guest/kernels.sh "$1" ;;
	esac
	scripts/guest/modules.sh "$1"
}

make --no-print-directory build >"$work/make" 2>&1 || { cat "$work/make"; exit 1; }
for kernel in $kernels; do
	prepare "$kernel"
done
scripts/guest/image.sh

for kernel in $kernels; do
	scripts/guest/run.sh "$kernel" $scripts &
	guests="$guests $!"
done
for guest in $guests; do
	wait "$guest" || :	# whose problems are counted below
done
guests=

for kernel in $kernels; do
	python3 scripts/tap.py guest --where "Linux $(cat "build-guest/$kernel/release")" \
		--tally "$tally" "build-guest/$kernel/run/report" "build-guest/$kernel/run/problems"
done
[ -n "${DEVMAP_TALLY:-}" ] || python3 scripts/tap.py sum "$tally"
