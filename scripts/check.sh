#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: check.sh [NAME...]
#        check.sh --self-test
#
# Holds the tree to those rules of CONTRIBUTING.md that need no running program.  Each check says
# FILE:LINE and what is wrong, or nothing; build/ has to be up to date.
#
#   spdx       every file says its licence
#   ddi        what headers declare and documents name is there in both engines
#   core       core/ and ddi/ know no operating system, and the files of core/ call each other in one
#              direction
#   shim       a wrapper calls the next function of its own name
#   documents  links, files, functions and tests in documents are there
#   lengths    of functions, at most so many lines
#   format     the layout is that of .clang-format
#
# --self-test breaks a copy of the tree in each way, and fails if that is not seen.

set -eu
cd "$(dirname "$0")/.."

checks='spdx ddi core shim documents lengths format'
core_rules=--ring
longest=60 longest_test=90

# -B: nothing is left beside the scripts.
check()
{
	case $1 in
	ddi) python3 -B scripts/check/ddi.py build/bin/devmap ;;
	core) python3 -B scripts/check/core.py $core_rules build/core/libcore.a.p/*.o \
		build/ddi/libddi.a.p/*.o ;;
	lengths) python3 -B scripts/check/lengths.py $longest $longest_test ;;
	format) scripts/format.sh --check ;;
	*) python3 -B "scripts/check/$1.py" ;;
	esac
}

if [ "${1:-}" = --self-test ]; then
	exec sh scripts/check/self-test.sh
fi
[ -x build/bin/devmap ] || { echo "check: no build/: run 'make check'" >&2; exit 1; }
failed=0 passed=0
for name in ${*:-$checks}; do
	if check "$name"; then
		passed=$((passed + 1))
	else
		echo "check: $name: FAILED"
		failed=$((failed + 1))
	fi
done
echo "check: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
