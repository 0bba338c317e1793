# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For test scripts that compare pictures to include, after tap.sh.

pictures=$tree/tests/picture.py
limit=$((30 * ${DEVMAP_TEST_SLOW:-1})) # seconds until a program shows what it has to
export HOME="$work" # programs keep their settings there
programs= started=

have python3 || { echo "1..0 # SKIP $(cat "$work/skip")"; exit 0; }
mkfifo "$work/quiet" || exit 1
exec 9<>"$work/quiet" # standard input that says nothing, and does not end either

picture()
{
	python3 -B "$pictures" "$@"
}

# start_screens WIDTH HEIGHT [PROPERTY]: each process has a screen of its own
start_screens()
{
	start_engine "$xfb:virtual-screens=1,width=$1,height=$2${3:+,$3}"
}

# start PROGRAM ARGUMENT...: beside what follows; $started is its process. What it leaks is its own affair.
start()
{
	exec 8>"$work/out"
	(
		export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
		exec "$devmap" run --dir "$work/dev" --alias fb0=xfb0 -- "$@"
	) <&9 >&8 2>&1 8>&- 9>&- &
	started=$!
	programs="$programs $started"
	exec 8>&-
	mv "$work/out" "$work/out.$started"
}

# shows PROCESS PICTURE HOW [SECONDS]: it comes to show the picture
shows()
{
	fb python3 -B "$pictures" shows "$1" "$2" "$3" "${4:-$limit}" && return 0
	tail -n 20 "$work/out.$1" | note
	return 1
}

# A picture that is smaller than the screen, as it is.
show_with_fim()
{
	start fim --no-rc-file -q -o fb --no-auto-scale "$1"
}

# Some do not mind being asked to go.
stop_programs()
{
	[ -n "$programs" ] || return 0
	kill $programs 2>/dev/null
	(sleep 3; kill -KILL $programs) 2>/dev/null &
	reaper=$!
	for program in $programs; do
		wait "$program" 2>/dev/null
	done
	kill "$reaper" 2>/dev/null
	wait "$reaper" 2>/dev/null
	programs=
}
