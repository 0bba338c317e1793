#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: format.sh [--check]
#
# Lays all our C out by .clang-format, or says where it is not.  Versions of clang-format differ in
# what they make of the same rules: this is Debian 12's.

set -eu
cd "$(dirname "$0")/.."

command -v clang-format-14 >/dev/null || { echo "format: no clang-format-14: try 'make setup'" >&2; exit 1; }
case ${1:-} in
--check) how='--dry-run -Werror' ;;
*) how=-i ;;
esac
sources()
{
	git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null ||
		find . -name 'build*' -prune -o -name '*.[ch]' -print
}
each()
{
	sources | xargs -P "$(nproc)" -n 40 clang-format-14 $how 2>&1
}
each
# What it breaks differently it may align differently the next time.
[ "$how" != -i ] || each
