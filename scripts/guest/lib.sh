# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# What the scripts of tests/guest can use; they are run by a shell in the guest that has read this.
#
#   suite DIR             runs every program of the tree's DIR, GUEST_JOBS at once
#   program SUITE NAME COMMAND...
#                         runs one program, which prints TAP, or, with any DIR, a script of
#                         tests/guest/programs
#   in_words SUITE/NAME   is that one wanted (T=WORD)?  WORD is in KERNEL/SCRIPT/SUITE/NAME
#
# Both pass on the environment.  A program has an environment of its own like tap.py's, and a limit.
# Reports are lines for `tap.py guest`:
#
#   @start SCRIPT/SUITE/NAME         begins to run
#   @begin SCRIPT/SUITE/NAME STATUS MS
#                                    its output follows, each line behind a blank
#   @left PID COMMAND                what it left running
#   @end
#   @done                            the guest has come to its end

: "${GUEST_JOBS:=2}" "${GUEST_LIMIT:=300}" "${GUEST_WORDS:=}"
reports=/run/reporting	# is there while one shell reports
grace=10	# seconds, for what a program started to go away after it

report()
{
	echo "$*"
}

in_words()
{
	[ -n "$GUEST_WORDS" ] || return 0
	for word in $GUEST_WORDS; do
		case $GUEST_KERNEL/$script/$1 in
		*"$word"*) return 0 ;;
		esac
	done
	return 1
}

uptime_ms()
{
	read -r up _ </proc/uptime
	up=${up#0}
	echo "${up%.*}${up#*.}0"
}

# The living processes of a session, as PID COMMAND.
session_members()
{
	for stat in /proc/[0-9]*/stat; do
		read -r line <"$stat" || continue
		pid=${line%% *} rest=${line##*) } comm=${line#*(}
		set -- $rest
		case $1 in
		[ZX]) ;;
		*) [ "$4" != "$session" ] || echo "$pid ${comm%)*}" ;;
		esac
	done 2>/dev/null
}

# What is left in the program's session after a while; it is killed.
left_behind()
{
	session=$1 tries=$((grace * 10))
	while left=$(session_members) && [ -n "$left" ]; do
		if [ $tries -eq 0 ]; then
			echo "$left" | while read -r pid comm; do
				report "@left $pid $comm"
				kill -KILL "$pid"
			done
			return
		fi
		tries=$((tries - 1))
		sleep 0.1
	done
}

program()
{
	name=$2 id=$script/$1/$2
	shift 2
	# A name of its own for each run: several shells do this at the same time.
	home=$(mktemp -d "/tmp/$name.XXXXXX")
	report "@start $id"
	before=$(uptime_ms)
	(
		cd "$home" || exit
		export DEVMAP_ROOT=/devmap HOME="$home" TMPDIR="$home" XDG_RUNTIME_DIR="$home"
		export LC_ALL=C.UTF-8 CMOCKA_MESSAGE_OUTPUT=TAP
		# setsid: the shell becomes the session's leader, and its id is that of the session
		exec setsid sh -c 'echo $$ >"$HOME.session"; exec "$@"' sh \
			timeout -k 10 "$GUEST_LIMIT" "$@"
	) </dev/null >"$home.out" 2>&1
	status=$?
	took=$(($(uptime_ms) - before))
	until mkdir $reports 2>/dev/null; do sleep 0.05; done
	report "@begin $id $status $took"
	sed 's/^/ /' "$home.out"
	echo
	left_behind "$(cat "$home.session")"
	report '@end'
	rmdir $reports
	rm -rf "$home" "$home.out" "$home.session"
}

# One of the shells that share a suite: takes what nobody has taken.
suite_worker()
{
	for path in "$1"/*; do
		name=${path##*/}
		[ -f "$path" ] && [ -x "$path" ] && in_words "${1##*/}/$name" || continue
		mkdir "$2/$name" 2>/dev/null || continue
		program "${1##*/}" "$name" "$path"
	done
}

suite()
{
	taken=$(mktemp -d /tmp/suite.XXXXXX)
	for _ in $(seq "$GUEST_JOBS"); do
		suite_worker "/devmap/$1" "$taken" &
	done
	wait
	rm -rf "$taken"
}

run_script()
{
	script=$1
	( . "/guest/tests/$1" )
}

# kmemleak tells of what it finds only when it is asked, and twice, lest it be wrong.  The kernel log
# takes a line at a time.
look_for_leaks()
{
	leaks=/sys/kernel/debug/kmemleak
	[ -f $leaks ] || return 0
	echo scan >$leaks
	sleep 6
	echo scan >$leaks
	while read -r line; do
		echo "leak: $line" >/dev/kmsg
	done <$leaks
}
