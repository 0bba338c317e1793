#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: test.sh [WORD...]
#
# Builds every tree and runs every test program, or only those that have a WORD in SUITE/PROGRAM.
# Silent about success but for one line per suite.  First come the rules of check.sh.  The last line is the sum.  The guests of
# test-kernel.sh come last, since they have the processors to themselves then.
#
# Each program finds its tree (bin/devmap, lib/devmap/*.so, tests/drivers/*.so) under $DEVMAP_ROOT,
# and has a HOME, TMPDIR and XDG_RUNTIME_DIR of its own that are removed afterwards.

set -eu
cd "$(dirname "$0")/.."

# suite        tree         user   at once  programs
table='
unit           build        self   2        tests/unit
unit           build-clang  self   2        tests/unit
unit           build-asan   self   2        tests/unit
unit           build-tsan   self   2        tests/unit
conformance    build        root   1        tests/conformance
conformance    build        user   1        tests/conformance
conformance    build-asan   self   1        tests/conformance
conformance    build-tsan   self   1        tests/conformance
hammer         build        root   1        tests/hammer
hammer         build        user   1        tests/hammer
hammer         build-asan   self   1        tests/hammer
hammer         build-tsan   self   1        tests/hammer
'

nobody='--reuid=65534 --regid=65534 --clear-groups'

say()
{
	echo "test: $*"
}

# In a private directory that an ordinary user can reach.
work=$(mktemp -d /tmp/devmap-test.XXXXXX)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# A tree that the ordinary user can read: the tree itself, or a copy of what tests use of it.
readable_tree()
{
	tree=$PWD/$1
	if ! setpriv $nobody test -x "$tree/tests" 2>/dev/null; then
		tree=$work/$1
		if [ ! -d "$tree" ]; then
			mkdir "$tree"
			(cd "$1" && find bin lib share demo tests -name '*.p' -prune -o \
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

# run_suite SUITE TREE USER JOBS DIR WORD...
run_suite()
{
	suite=$1 tree=$PWD/$2 user=$3 jobs=$4 dir=$5 title="$1 ($2, $3)" as=
	wrap=$(wrapper "$2")
	if [ "$(id -u)" -ne 0 ]; then
		if [ "$user" = root ]; then
			say "$title: left out, this is not root"
			return
		fi
	elif [ "$user" = user ]; then
		as="setpriv $nobody"
		tree=$(readable_tree "$2")
	fi
	shift 5
	python3 scripts/tap.py run --title "$title" --suite "$suite" --tally "$work/tally" \
		--work "$work" --jobs "$jobs" --as="$as" --wrap="$wrap" "$tree" "$dir" "$@"
}

# wanted SUITE/NAME: does it have one of the words?
words="$*"
wanted()
{
	[ -n "$words" ] || return 0
	for word in $words; do
		case $1 in *"$word"*) return 0 ;; esac
	done
	return 1
}

# check NAME COMMAND...: one test that has no tree of its own, if it is wanted.
check()
{
	name=check/$1
	shift
	wanted "$name" || return 0
	if "$@" >"$work/said" 2>&1; then
		say "$name: 1 passed, 0 failed"
		echo '1 0 0' >>"$work/tally"
	else
		cat "$work/said"
		say "$name: 0 passed, 1 failed"
		echo '0 1 0' >>"$work/tally"
	fi
}

for tree in $(echo "$table" | awk 'NF { print $2 }' | sort -u); do
	make --no-print-directory "$tree" >"$work/make" 2>&1 || {
		cat "$work/make"
		say "$tree does not build"
		exit 1
	}
done

: >"$work/tally"
check rules scripts/check.sh
check self_test scripts/check.sh --self-test

echo "$table" | sed '/^$/d' >"$work/table"
while read -r suite tree user jobs dir <&3; do
	run_suite "$suite" "$tree" "$user" "$jobs" "$dir" "$@"
done 3<"$work/table"

DEVMAP_TALLY=$work/tally scripts/test-kernel.sh "$@"

python3 scripts/tap.py sum "$work/tally"
