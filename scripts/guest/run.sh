#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: run.sh [-d DIR] VERSION SCRIPT...
#
# Boots the kernel in build-guest/VERSION with build-guest/image.cpio, and with the modules in
# build-guest/VERSION/modules/*.ko as /guest/modules; runs each SCRIPT of tests/guest in it.
# DIR (default: build-guest/VERSION/run) then has
#
#   report    what the scripts reported, for `tap.py guest`
#   console   what the kernel said to its console, as far as it came
#   dmesg     the whole kernel log, if the guest came to its end
#   problems  what of these tells of a fault, with the lines around it
#
# Succeeds if the guest came to its end and there are no problems; what the tests say is another
# matter.  In the environment:
#
#   GUEST_ACCEL    kvm or tcg (default)
#   GUEST_TIMEOUT  seconds for all of it (default: 1800)
#   GUEST_MEMORY   MiB (default: 1536)
#   GUEST_APPEND   further words for the kernel's command line
#   GUEST_DEVICES  further words for QEMU's (-device edu)
#   GUEST_JOBS, GUEST_LIMIT, GUEST_WORDS, DEVMAP_TEST_*
#                  see lib.sh; handed on to the scripts

set -eu
cd "$(dirname "$0")/../.."
here=scripts/guest

dir=
[ "${1:-}" != -d ] || { dir=$2; shift 2; }
[ $# -ge 2 ] || { echo "usage: $0 [-d DIR] VERSION SCRIPT..." >&2; exit 2; }
version=$1
shift
kernel=build-guest/$version
: "${dir:=$kernel/run}"

qemu=
work=$(mktemp -d "${TMPDIR:-/tmp}/devmap-guest.XXXXXX")
clean_up()
{
	[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# Emulation, unless asked otherwise: a /dev/kvm that can be opened may still not run a kernel, and
# what is tested should not depend on where.
accelerator()
{
	case ${GUEST_ACCEL:-tcg} in
	kvm) echo "-accel kvm -cpu ${CPU:-host}" ;;
	# la57 is a level more of page tables, which the emulation walks for each miss.
	*) echo "-accel tcg,thread=multi -cpu ${CPU:-max,-la57}" ;;
	esac
}

# What this run adds to the image: a second archive, which the kernel unpacks over the first.
make_overlay()
{
	mkdir -p "$work/root/guest/modules" "$work/root/guest/own"
	for script; do
		echo "$script"
	done >"$work/root/guest/scripts"
	export GUEST_KERNEL="$version"
	env | sed -n "s/'/'\\\\''/g; s/^\\(GUEST_[A-Z_]*\\|DEVMAP_TEST_[A-Z_]*\\)=\\(.*\\)/export \\1='\\2'/p" \
		>"$work/root/guest/environment"
	for module in "$kernel"/modules/*.ko "$kernel"/own/*.ko; do
		case $module in
		*/own/*) to=$work/root/guest/own ;;
		*) to=$work/root/guest/modules ;;
		esac
		[ ! -f "$module" ] || cp "$module" "$to/"
	done
	(cd "$work/root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/overlay.cpio"
	cat build-guest/image.cpio "$work/overlay.cpio" >"$work/initrd"
}

# Time stamp counters are the clock: the kernel distrusts emulated ones, and others are slow to read.
# The timer's interrupt is late on a busy machine, and need not be tested for.
append="console=ttyS0 panic=-1 quiet nokaslr mitigations=off clocksource=tsc tsc=reliable no_timer_check
	${GUEST_APPEND:-}"

# Sets `status` to what went wrong, or to nothing.
boot()
{
	rm -rf "$dir"
	mkdir -p "$dir"
	qemu-system-x86_64 -machine q35 $accelerator -m "${GUEST_MEMORY:-1536}" -smp 2 \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$kernel/vmlinuz" -initrd "$work/initrd" -append "$(echo $append)" \
		-serial "file:$dir/console" -serial "file:$dir/report" -serial "file:$dir/dmesg" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 ${GUEST_DEVICES:-} \
		>"$dir/qemu" 2>&1 </dev/null &
	qemu=$!

	# Not timeout(1), so that what is killed is this process and nothing else.
	status= ended=0
	end=$(($(date +%s) + ${GUEST_TIMEOUT:-1800}))
	while kill -0 "$qemu" 2>/dev/null; do
		if [ "$(date +%s)" -gt $end ]; then
			kill -KILL "$qemu"
			status="still running after ${GUEST_TIMEOUT:-1800} s"
		fi
		sleep 0.2
	done
	wait "$qemu" || ended=$?
	qemu=
	if [ -z "$status" ] && [ "$ended" -ne 33 ]; then
		status="stopped early (QEMU's exit status is $ended)"
	fi
}

make_overlay "$@"
accelerator=$(accelerator)
# A kernel changes its own code while it starts, and an emulator of two processors does not always see that
# in time ("Oops: int3"): one that ended before it had begun with us is started again.
for try in 1 2 3; do
	boot
	[ -n "$status" ] && [ ! -s "$dir/report" ] && [ $try -lt 3 ] || break
	echo "guest: $kernel: $status before it had begun: started again" >&2
done

sh $here/check-log.sh "$dir" >"$dir/problems"
[ -z "$status" ] || {
	echo "the guest $status; the end of its console:"
	tail -n 40 "$dir/console" "$dir/qemu"
} >>"$dir/problems"
[ ! -s "$dir/problems" ]
