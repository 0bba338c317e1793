# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# For test scripts to include: they have set $tree, and $word to what selects tests. $work is a directory of
# theirs; what they define as functions, run_tests() runs.

PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
unset DEVMAP_DIR DEVMAP_ALIAS LD_PRELOAD

if [ "${DEVMAP_TEST_ENGINE:-user}" = kernel ]; then
	echo "1..0 # SKIP about the user engine"
	exit 0
fi

# For scripts about commands, which do the same on every kernel: an emulated machine's time is for the others.
not_emulated()
{
	[ "${DEVMAP_TEST_SLOW:-1}" -lt 5 ] || { echo "1..0 # SKIP the same on every kernel"; exit 0; }
}

devmap=$tree/bin/devmap
xfb=$tree/lib/devmap/xfb.so
work=$(mktemp -d) || exit 1
engine= public=

clean_up()
{
	stop_programs
	stop_engine
	rm -rf "$work" ${public:+"$public"}
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

note()
{
	sed 's/^/# /' "$@"
}

# What must be equal, as files.
same()
{
	cmp -s "$1" "$2" && return 0
	diff "$1" "$2" | head -n 40 | note
	return 1
}

# is VALUE MUST WHAT
is()
{
	[ "$1" = "$2" ] || { echo "# $3: $1, not $2"; return 1; }
}

# Of what a test has started: those that know better say so.
stop_programs()
{
	:
}

# An engine that outlives single programs. start_engine DRIVER...; $serve: another command than devmap
start_engine()
{
	: >"$work/serve" # what the engine before has said is not this one's
	${serve:-"$devmap"} serve --dir "${public:-$work}/dev" "$@" >"$work/serve" 2>"$work/serve.err" &
	engine=$!
	for _ in $(seq 600); do
		grep -q '^devmap: ready' "$work/serve" && return 0
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.1
	done
	note "$work/serve.err"
	return 1
}

stop_engine()
{
	[ -n "$engine" ] || return 0
	kill -TERM "$engine" 2>/dev/null
	wait "$engine"
	status=$?
	engine=
	is "$status" 0 "exit status of the engine"
}

# A directory, $public, that everybody may look into, with the command in it; this tree may be out of others'
# reach, as $work is. as_nobody COMMAND ARGUMENT...: runs that as somebody without rights.
open_to_all()
{
	[ "$(id -u)" -eq 0 ] || { echo 'needs root' >"$work/skip"; return 77; }
	public=$(mktemp -d /tmp/devmap-public.XXXXXX) && chmod 755 "$public" && cp "$devmap" "$public"
}

as_nobody()
{
	command=$1
	shift
	setpriv --reuid=65534 --regid=65534 --clear-groups "$public/devmap" "$command" --dir "$public/dev" "$@"
}

fb()
{
	"$devmap" run --dir "$work/dev" --alias fb0=xfb0 -- "$@"
}

# The names of programs, without which the test is skipped: have NAME... || return 77
have()
{
	for needed; do
		command -v "$needed" >/dev/null || { echo "$needed is not installed" >"$work/skip"; return 1; }
	done
}

# Where there is no FUSE, a device cannot be read and written: served_as_a_file || return
served_as_a_file()
{
	[ -f "$work/dev/xfb0" ] || { echo "the descriptor is no file" >"$work/skip"; return 77; }
}

# run_tests TABLE: of lines NAME | FUNCTION. Prints TAP; a function that returns 77 has said why in $work/skip.
run_tests()
{
	echo "$1" | grep '|' | grep -F -- "$word" >"$work/tests"
	echo "1..$(wc -l <"$work/tests")"
	number=0 failures=0
	while IFS='|' read -r name run <&3; do
		number=$((number + 1)) name=${name% }
		# shellcheck disable=SC2086 # the blank before the function's name goes
		$run
		status=$?
		case $status in
		0) echo "ok $number - $name" ;;
		77) echo "ok $number - $name # SKIP $(cat "$work/skip")" ;;
		*) echo "not ok $number - $name"; failures=$((failures + 1)) ;;
		esac
		stop_programs
		stop_engine || :
	done 3<"$work/tests"
	return $((failures > 0))
}
