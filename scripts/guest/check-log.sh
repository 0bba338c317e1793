#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: check-log.sh DIR
#
# Prints what in a guest's kernel log (DIR/console and, if there is one, DIR/dmesg) tells of a fault
# in the kernel, with the lines around it.  Prints nothing if all is well.

set -eu

bad='WARNING:|BUG:|BUG |Oops|kernel panic|Kernel panic|possible recursive locking'
bad="$bad|possible circular|lockdep|inconsistent lock state|suspicious RCU|bad unlock balance"
bad="$bad|held lock freed|still has locks held|sleeping function called|KASAN|KCSAN|UBSAN|KFENCE"
bad="$bad|leak: unreferenced|refcount_t|Call Trace|hung task|blocked for more than|soft lockup|hard LOCKUP"
bad="$bad|rcu: INFO|self-detected stall|general protection|page allocation failure|Out of memory"
bad="$bad|oom-kill|list_add corruption|list_del corruption|slab-|scheduling while atomic"
bad="$bad|INFO: task|Object already free|DEBUG_LOCKS_WARN_ON|cannot be unloaded|Bad page"

# How debug kernels introduce themselves, and kernels of others' making.
good='lockdep: fixing up|Lock dependency validator|running the .* testsuite|KASAN: kernel|kmemleak: Kernel memory leak detector'
good="$good|KernelAddressSanitizer initialized|kmemleak: Automatic memory scanning|kcsan: enabled|kcsan: selftest|kcsan: strict"
good="$good|kcsan: (en|dis)abled|kcsan: non-strict mode"
good="$good|RCU lockdep checking is enabled|kfence: initialized|rcu: .*lockdep"
good="$good|Command line:"

cd "$1"
for log in console dmesg; do
	[ -s $log ] || continue
	# With the last lines before and those behind, until nothing bad comes for a while.
	tr -d '\r' <$log | awk -v bad="$bad" -v good="$good" '
		$0 ~ bad && $0 !~ good {
			for (i = 5; i > 0; i--)
				if (before[(NR - i) % 5] != "")
					print before[(NR - i) % 5]
			delete before
			left = 40
			print "> " $0
			next
		}
		left > 0 { left--; print "  " $0; next }
		{ before[NR % 5] = "  " $0 }' >problems.$$
	if [ -s problems.$$ ]; then
		echo "in $log:"
		cat problems.$$
		rm -f problems.$$
		break
	fi
	rm -f problems.$$
done
