#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: demo.sh [PICTURE]
#
# One accelerated frame buffer, four ordinary programs that draw with it at the same time, each by
# plain loads and stores and as if it were alone.  Then the picture, and whether it is what it must be.
#
# $DEVMAP_ROOT: a built tree or an installation (default: build); $DEMO_SECONDS: how long (default: 4).

set -u
cd "$(dirname "$0")/.." || exit 1

root=${DEVMAP_ROOT:-build}
case $root in
/*) ;;
*) root=$PWD/$root ;;
esac
demo=${DEVMAP_DEMO:-$PWD/build/demo}
picture=${1:-build/demo.png}
devmap=$root/bin/devmap
work=$(mktemp -d "${TMPDIR:-/tmp}/devmap-demo.XXXXXX") || exit 1
dir=$work/dev
started=

# Everything that was started and is still there, the engine last; what is gone does not matter.
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

# The last line; with it what the programs had to say.
fail()
{
	cat "$work"/*.err >&2 2>/dev/null
	echo "demo: FAILED: $*"
	exit 1
}

with_device()
{
	exec "$devmap" run --dir "$dir" -- "$@"
}

await_engine()
{
	for _ in $(seq 100); do
		grep -q '^devmap: ready' "$work/serve" && return
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.1
	done
	fail "the engine did not start"
}

for file in "$devmap" "$root/lib/devmap/xfb.so" "$demo/draw-fill"; do
	[ -e "$file" ] || fail "$file is not there; build it first (make)"
done

"$devmap" serve --dir "$dir" "$root/lib/devmap/xfb.so" >"$work/serve" 2>"$work/serve.err" &
engine=$!
started=$engine
await_engine

with_device "$demo/progress" "$devmap" "$dir" xfb0 >"$work/progress" 2>"$work/progress.err" &
progress=$!
started="$progress $started"
tail -f "$work/progress" --pid "$progress" 2>/dev/null | grep --line-buffered '^demo:' &
live=$!

drawing=
for name in fill line copy xor; do
	with_device "$demo/draw-$name" -t "${DEMO_SECONDS:-4}" >"$work/draw-$name" \
		2>"$work/draw-$name.err" &
	drawing="$drawing $!"
	started="$! $started"
done

failed=0
for pid in $drawing; do
	wait "$pid" || failed=$((failed + 1))
done
kill -TERM "$progress" 2>/dev/null
wait "$progress" || fail "progress"
wait "$live"
switches=$(tail -n 1 "$work/progress")
cat "$work"/draw-fill "$work"/draw-line "$work"/draw-copy "$work"/draw-xor
[ "$failed" -eq 0 ] || fail "$failed of 4 programs"

(with_device "$demo/picture" "$picture") 2>"$work/picture.err" || fail "no picture"
"$demo/check" "$picture" 2>"$work/check.err" || fail "picture $picture"
wrong=$(sed -n 's/.*operations, \([0-9]*\) wrong values$/\1/p' "$work"/draw-* |
	awk '{ n += $1 } END { print NR == 4 ? n : "unknown" }')
[ "$wrong" = 0 ] || fail "$wrong wrong values"
[ "$switches" -gt 0 ] || fail "$switches switches"
echo "demo: ok, 4 processes, $switches switches, $wrong wrong values, picture $picture"
