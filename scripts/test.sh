#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: test.sh [--all | --soak N] [WORD...]
#
# Builds and runs the test programs, or only those that have a WORD in TREE/USER/SUITE/PROGRAM: the
# gcc tree's, and some in a guest with the kernel engine.  --all: then whatever else there is, too.
# --soak: the gcc tree's, N times, while both processors are busy; no guest.
# A line tells of each program as it ends.  The last line is the sum.
#
# Programs run several at once, $DEVMAP_TEST_JOBS (default: twice the processors), since most of them
# wait most of the time; none may depend on having the machine to itself.
#
# Each program finds its tree (bin/devmap, lib/devmap/*.so, tests/drivers/*.so) under $DEVMAP_ROOT,
# and has a HOME, TMPDIR and XDG_RUNTIME_DIR of its own that are removed afterwards.

set -eu
cd "$(dirname "$0")/.."

# Those that take long first.
# suite        tree         user
quick='
hammer         build        root
hammer         build        user
unit           build        self
conformance    build        root
conformance    build        user
'
further='
desktop        build        root
desktop        build        user
hammer         build-tsan   self
hammer         build-asan   self
unit           build-tsan   self
unit           build-asan   self
unit           build-clang  self
conformance    build-tsan   self
conformance    build-asan   self
conformance    build        sockets
'

nobody='--reuid=65534 --regid=65534 --clear-groups'
jobs=${DEVMAP_TEST_JOBS:-$(($(nproc) * 2))}

say()
{
	echo "test: $*"
}

all='' soak='' rounds=1 again='make test T='
case ${1:-} in
--all) all=yes; shift ;;
--soak) soak=yes rounds=$2 jobs=${DEVMAP_TEST_JOBS:-$(($(nproc) * 5))}; shift 2 ;;
esac

# In a private directory that an ordinary user can reach.
work=$(mktemp -d /tmp/devmap-test.XXXXXX)
chmod 755 "$work"
helpers=	# processes that run beside us
clean_up()
{
	[ -z "$helpers" ] || kill $helpers 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
: >"$work/tally"
built=		# trees

# A tree that the ordinary user can read: the tree itself, or a copy of what tests use of it.
readable_tree()
{
	tree=$PWD/$1
	if ! setpriv $nobody test -x "$tree/tests" 2>/dev/null; then
		tree=$work/$1
		if [ ! -d "$tree" ]; then
			mkdir "$tree"
			(cd "$1" && find bin include lib share demo tests -name '*.p' -prune -o \
				\( -type l -o -type f ! -name '*.a' \) -exec cp -P --parents -t "$tree" {} +)
			chmod -R a+rX "$tree"
		fi
	fi
	echo "$tree"
}

# ThreadSanitizer's shadow collides with maps that are placed at random over more than 28 bits.
wrapper()
{
	case $1 in
	*-tsan)
		bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
		if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
			echo setarch -R
		fi
		;;
	esac
}

# skip WHAT WHY: counts as one
skip()
{
	say "$1: skipped: $2"
	echo 'sum 0 0 1' >>"$work/tally"
}

# plan_suite SUITE TREE USER: a line for tap.py
plan_suite()
{
	tree=$PWD/$2 as=
	if [ "$(id -u)" -ne 0 ]; then
		if [ "$3" = root ]; then
			skip "$2/$3/$1" 'this is not root' >&2
			return
		fi
	elif [ "$3" = sockets ]; then	# as where there is no FUSE
		echo "$2/$3/$1|$tree|tests/$1||env DEVMAP_FUSE=no"
		return
	elif [ "$3" = user ]; then
		as="setpriv $nobody"
		tree=$(readable_tree "$2")
	fi
	echo "$2/$3/$1|$tree|tests/$1|$as|$(wrapper "$2")"
}

# Could the suite SUITE TREE USER have a program with a WORD in its name?  By the sources' names: it may
# not have been built.
wanted()
{
	suite=$1 in=$2/$3/$1
	shift 3
	[ $# -gt 0 ] || return 0
	for source in tests/"$suite"/*; do
		name=${source##*/}
		for word; do
			case $in/${name%.c} in
			*"$word"*) return 0 ;;
			esac
		done
	done
	return 1
}

# run_table TABLE WORD...: builds what it needs, and runs it
run_table()
{
	echo "$1" | sed '/^$/d' >"$work/table"
	shift
	: >"$work/plan"
	while read -r suite tree user <&3; do
		wanted "$suite" "$tree" "$user" "$@" || continue
		case " $built " in
		*" $tree "*) ;;
		*) build "$tree" || continue ;;
		esac
		plan_suite "$suite" "$tree" "$user" >>"$work/plan"
	done 3<"$work/table"
	[ -s "$work/plan" ] || return 0
	python3 scripts/tap.py run --plan "$work/plan" --tally "$work/tally" --work "$work" \
		--jobs "$jobs" --rounds "$rounds" --again "$again" "$@"
}

build()
{
	say "building $1"
	make --no-print-directory "$1" >"$work/make" 2>&1 || {
		cat "$work/make"
		say "$1 does not build"
		printf 'sum 0 1 0\nfail\t%s\tmake %s\tdoes not build\n' "$1" "$1" >>"$work/tally"
		return 1
	}
	built="$built $1"
}

# guests OPTION... WORD...: beside what follows, as far as there is a processor
guests()
{
	DEVMAP_TALLY=$work/tally scripts/test-kernel.sh "$@" &
	helpers="$helpers $!"
}

wait_for_helpers()
{
	for helper in $helpers; do
		wait "$helper" || {
			printf 'sum 0 1 0\nfail\tguests\tmake test-kernel\tends with %s\n' $? >>"$work/tally"
		}
	done
	helpers=
}

# check NAME COMMAND...: one test that has no tree of its own
check()
{
	name=check/$1
	shift
	if "$@" >"$work/said" 2>&1; then
		say "$name: 1 passed, 0 failed"
		echo 'sum 1 0 0' >>"$work/tally"
	else
		cat "$work/said"
		say "$name: FAILED"
		printf 'sum 0 1 0\nfail\t%s\t%s\tsee above\n' "$name" "$*" >>"$work/tally"
	fi
}

if [ -n "$soak" ]; then
	# Niced, since most of the time is to be the tests'.
	for _ in $(seq "$(nproc)"); do
		nice -n 5 sh -c 'while :; do :; done' &
		helpers="$helpers $!"
	done
	run_table "$quick" "$@"
	python3 scripts/tap.py sum --table "$work/tally"
	exit
fi

build build || { python3 scripts/tap.py sum "$work/tally"; exit 1; }
guests --smoke "$@"
[ $# -gt 0 ] || check rules scripts/check.sh
run_table "$quick" "$@"
wait_for_helpers
if [ -n "$all" ]; then
	say 'that was make test; now the rest'
	again='make test-all T='
	guests "$@"
	[ $# -gt 0 ] || check self_test scripts/check.sh --self-test
	run_table "$further" "$@"
	wait_for_helpers
fi
python3 scripts/tap.py sum "$work/tally"
