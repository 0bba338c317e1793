#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: demo-kernel.sh [PICTURE]
#
# The kernel engine in a virtual machine with a graphics chip, QEMU's RV100: four ordinary programs
# draw with its 2D engine at the same time, each by plain loads and stores and as if it were alone.
# Then what the screen shows, photographed by QEMU, and whether it is what it must be.
#
# $DEMO_SECONDS: how long (default: 5).

set -u
cd "$(dirname "$0")/.." || exit 1

version=6.12
dir=build-guest/demo
picture=${1:-build/demo-kernel.png}
work=$(mktemp -d "${TMPDIR:-/tmp}/devmap-demo.XXXXXX") || exit 1
started=

clean_up()
{
	for pid in $started; do
		kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	started=
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# The last line; with it what there is to know.
fail()
{
	[ ! -s $dir/problems ] || cat $dir/problems >&2
	echo "demo-kernel: FAILED: $*"
	exit 1
}

reported()
{
	sed -n "s/^@$1 *//p" $dir/report | tr -d '\r'
}

# Until the guest has come to a line of its report, or will not any more.
await()
{
	until grep -q "^@$1" $dir/report 2>/dev/null; do
		kill -0 "$guest" 2>/dev/null || return 1
		! grep -q '^@failed' $dir/report 2>/dev/null || return 1
		sleep 0.1
	done
}

# QEMU has both ends of its pipes open, so that this does not wait unless it is gone.
tell()
{
	timeout 10 sh -c 'echo "$2" >"$1"' sh "$work/$1.in" "$2" || fail "QEMU does not listen"
}

photograph()
{
	tell monitor "screendump $work/screen.ppm"
	for _ in $(seq 100); do
		[ "$(stat -c %s "$work/screen.ppm" 2>/dev/null || echo 0)" -lt 921615 ] || return 0
		sleep 0.1
	done
	fail "no photograph of the screen"
}

scripts/guest/kernels.sh $version || fail "no kernel"
scripts/guest/modules.sh $version || fail "the modules do not build"
[ -f build-guest/$version/modules/rv100.ko ] || fail "rv100.ko is not there"
scripts/guest/image.sh build || fail "no image"

mkfifo "$work/monitor.in" "$work/monitor.out" "$work/go.in" "$work/go.out" || exit 1
rm -rf $dir
mkdir -p $dir
export GUEST_SECONDS=${DEMO_SECONDS:-5} GUEST_TIMEOUT=300
export GUEST_DEVICES="-device ati-vga,model=rv100 -monitor pipe:$work/monitor -serial pipe:$work/go"
scripts/guest/run.sh -d $dir $version demo &
guest=$!
started=$guest
until [ -f $dir/report ]; do
	kill -0 "$guest" 2>/dev/null || fail "QEMU does not start: $(cat $dir/qemu 2>/dev/null)"
	sleep 0.1
done
tail -n +1 -f $dir/report --pid "$guest" 2>/dev/null | grep -a --line-buffered '^demo:' &
live=$!

if await screen; then
	photograph
	tell go go
fi
wait "$guest"
status=$?
started=
wait "$live"
tr -d '\r' <$dir/report | grep -a ' wrong values$'
[ -z "$(reported failed)" ] || { grep -av '^demo:' $dir/report >&2; fail "$(reported failed)"; }
[ $status -eq 0 ] || fail "the guest"

build/demo/rv100-check "$work/screen.ppm" "$picture" || fail "picture $picture"
seen=$(tail -c 921600 "$work/screen.ppm" | sha256sum)
[ "$(reported fbcat)" = "$seen" ] || fail "fbcat does not see what the screen shows"
switches=$(reported switches)
wrong=$(tr -d '\r' <$dir/report | sed -n 's/.*operations, \([0-9]*\) wrong values$/\1/p' |
	awk '{ n += $1 } END { print NR == 4 ? n : "unknown" }')
[ "$wrong" = 0 ] || fail "$wrong wrong values"
[ "$switches" -gt 0 ] || fail "$switches switches"
echo "demo-kernel: ok, 4 processes, $switches switches, $wrong wrong values, picture $picture"
