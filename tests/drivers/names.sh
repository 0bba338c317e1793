#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: names.sh LIST ARCHIVE...
#
# C code, to be compiled into td_names: a function of each name that is global in an ARCHIVE and not
# in LIST, and a table of where they are by that name, and where they are.
# NAMES_USED=1 in the environment: also of each name that the archives use of others.

set -eu

list=$1
shift
out=$(nm -g "$@" | awk -v used="${NAMES_USED:-}" -v list="$list" '
	BEGIN { while ((getline line <list) > 0) if (gsub(/[\t;]/, "", line)) ddi[line] = 1 }
	NF >= 2 && (used || $(NF - 1) != "U") && $NF ~ /^[A-Za-z][A-Za-z0-9_]*$/ && !ddi[$NF] { print $NF }
' | sort -u)
for name in $out; do
	echo "int $name(void);"
	echo "int $name(void) { return 0; }"
	echo "static int own_$name(void) __attribute__((alias(\"$name\")));"
done
echo 'struct name { const char *name; int (*bound)(void); int (*own)(void); };'
echo 'extern const struct name names[];'
echo 'const struct name names[] = {'
for name in $out; do
	echo "	{ \"$name\", $name, own_$name },"
done
echo '	{ 0, 0, 0 } };'
