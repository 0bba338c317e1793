#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: test-kernel.sh [--smoke | --debug] [--soak N] [WORD...]
#
# Runs the test programs, or only those with a WORD in KERNEL/SCRIPT/SUITE/PROGRAM, in guests with
# Debian's kernels, where the kernel engine can be loaded, and go wrong, without harm; the last line is
# the sum.  --smoke: a few that tell most, in one guest.  --debug: in guests with kernels of our own
# that look for mistakes (debug-kernel.sh).  --soak: N times, while both processors are busy.
#
# $DEVMAP_TALLY: add the counts to this file, and print no sum.
# $DEVMAP_KERNELS: the kernels, or none; other settings are in scripts/guest/run.sh.
#
# Emulated, a processor has a tenth of its speed.  Guests run at the same time, one for each of two
# processors, and their programs in a few shells at once where they can, since they wait a lot.

set -eu
cd "$(dirname "$0")/.."

kernels=${DEVMAP_KERNELS-6.1 6.12} scripts= smoke='' soak='' rounds=1 again='make test-kernel T='
: "${GUEST_TIMEOUT:=2700}" "${GUEST_LIMIT:=900}" "${DEVMAP_TEST_SLOW:=5}" "${GUEST_JOBS:=4}"
: "${GUEST_DEVICES:=-device ati-vga,model=rv100 -device edu -device pci-testdev,membar=2G}"
case ${1:-} in
--smoke)
	smoke=yes
	shift
	;;
--debug)
	shift
	kernels=${DEVMAP_KERNELS:-6.12-kasan 6.12-kcsan} again='make test-kernel-debug T='
	: "${GUEST_MEMORY:=3072}"
	GUEST_TIMEOUT=3600 GUEST_LIMIT=1800 DEVMAP_TEST_SLOW=10
	export GUEST_MEMORY
	scripts=kernel-engine	# the user engine has nothing in the kernel to look at
	;;
esac
if [ "${1:-}" = --soak ]; then
	soak=yes rounds=$2
	shift 2
fi
[ -z "$smoke" ] || scripts=kernel-engine
: "${scripts:=user-engine kernel-engine}"
scripts="$scripts stats wild strangers rv100 edu pci modules"

# What a smoke test is made of, if nothing else is asked for.
if [ -n "$smoke" ]; then
	again='make test T='
	if [ $# -eq 0 ]; then
		set -- conformance/c01_ conformance/c05_ conformance/c11_ conformance/c13_limits \
			conformance/c17_ conformance/c21_ conformance/c24_ conformance/c26_ \
			modules/load_unload
		scripts='kernel-engine modules'
	fi
fi
export GUEST_DEVICES GUEST_TIMEOUT GUEST_LIMIT GUEST_JOBS DEVMAP_TEST_SLOW GUEST_WORDS="$*"

work=$(mktemp -d "${TMPDIR:-/tmp}/devmap-test-kernel.XXXXXX")
helpers=
clean_up()
{
	[ -z "$helpers" ] || kill $helpers 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
tally=${DEVMAP_TALLY:-$work/tally}
: >>"$tally"

# The programs that a script of tests/guest runs, as SUITE/PROGRAM: those that can be asked for.
programs()
{
	sed -n 's/.*in_words \([a-z][^ ;]*\).*/\1/p' "tests/guest/$1" | sort -u
	sed -n 's,^suite tests/\([a-z]*\)$,\1,p' "tests/guest/$1" | while read -r suite; do
		ls "tests/$suite" | sed "s,\.c\$,,; s,^,$suite/,"
	done
}

# Is there one with a WORD in its name?  matches KERNEL WORD...
matches()
{
	kernel=$1
	shift
	[ $# -gt 0 ] || return 0
	for script in $scripts; do
		for program in $(programs "$script"); do
			for word; do
				case $kernel/$script/$program in
				*"$word"*) return 0 ;;
				esac
			done
		done
	done
	return 1
}

# prepare KERNEL: the kernel itself, and modules for it.  Fails, and says why, where it cannot be had.
prepare()
{
	case $1 in
	*-*) scripts/guest/debug-kernel.sh "${1#*-}" || return ;;
	*) scripts/guest/kernels.sh "$1" || return ;;
	esac
}

build_modules()
{
	scripts/guest/modules.sh "$1" >"$work/modules" 2>&1 || {
		cat "$work/modules"
		printf 'sum 0 1 0\nfail\t%s\tscripts/guest/modules.sh %s\tmodules do not build\n' \
			"$1" "$1" >>"$tally"
		return 1
	}
}

# Which of the kernels are wanted, and can be had?  For a smoke test the newest of them.
choose()
{
	there= missing=
	[ -z "$smoke" ] || kernels=$(printf '%s\n' $kernels | sort -rV)
	for kernel in $kernels; do
		matches "$kernel" "$@" || continue
		if prepare "$kernel"; then
			there="$there $kernel"
			[ -z "$smoke" ] || break
		else
			missing="$missing $kernel"
		fi
	done
	# Something else will do for a smoke test.
	[ -z "$smoke" ] || [ -z "$there" ] || missing=
	for kernel in $missing; do
		echo "test: Linux $kernel: skipped: it is not to be had here"
		echo 'sum 0 0 1' >>"$tally"
	done
}

# Everything once, all guests at the same time.
run_guests()
{
	guests=
	for kernel in $there; do
		python3 scripts/tap.py guest --tally "$tally" --again "$again" "$kernel" $scripts &
		guests="$guests $!"
		helpers="$helpers $!"
	done
	for guest in $guests; do
		wait "$guest" || printf 'sum 0 1 0\nfail\tguest\tmake test-kernel\tends with %s\n' $? \
			>>"$tally"
	done
	for guest in $guests; do
		helpers=$(echo " $helpers " | sed "s/ $guest / /")
	done
}

finish()
{
	[ -z "${DEVMAP_TALLY:-}" ] || exit 0
	python3 scripts/tap.py sum ${soak:+--table} "$tally"
	exit
}

choose "$@"
[ -n "$there" ] || finish
make --no-print-directory build >"$work/make" 2>&1 || { cat "$work/make"; exit 1; }
for kernel in $there; do
	build_modules "$kernel" || there=$(echo " $there " | sed "s/ $kernel / /")
done
scripts/guest/image.sh
if [ -n "$soak" ]; then
	# Niced, since most of the time is to be the tests'.
	for _ in $(seq "$(nproc)"); do
		nice -n 5 sh -c 'while :; do :; done' &
		helpers="$helpers $!"
	done
fi
for round in $(seq "$rounds"); do
	[ -z "$soak" ] || echo "test: round $round of $rounds"
	run_guests
done
finish
