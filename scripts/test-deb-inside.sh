#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Runs in the fresh Debian of test-deb.sh. Prints TAP.

set -u
cd /root
number=0 failures=0 serve=

# check NAME COMMAND...
check()
{
	name=$1
	shift
	number=$((number + 1))
	if "$@" >/root/out 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		tail -n 30 /root/out | sed 's/^/# /'
		failures=$((failures + 1))
	fi
}

installs()
{
	apt-get -qq update && apt-get -qq -y --no-install-recommends install fuse3 /debs/devmap_*.deb \
		/debs/devmap-drivers_*.deb /debs/libdevmap0_*.deb
}

is_laid_out()
{
	[ -x /usr/bin/devmap ] && [ -f /usr/lib/devmap/xfb.so ] && getent group devmap &&
		[ -f /lib/systemd/system/devmap@.service ] && [ ! -e /usr/include/devmap ] && ls /usr/share/man/man1/devmap.1.gz
}

is_fit()
{
	devmap check
}

serves()
{
	devmap serve xfb:virtual-screens=1 >/root/serve 2>&1 &
	serve=$!
	for _ in $(seq 100); do
		grep -q '^devmap: ready: xfb0' /root/serve && return
		kill -0 "$serve" || break
		sleep 0.1
	done
	cat /root/serve
	return 1
}

# Each has a screen of its own, whatever the others draw.
three_programs()
{
	cat >client.py <<'END'
import mmap, os, random, sys
screen = mmap.mmap(os.open('/dev/xfb0', os.O_RDWR), 4096)
for i in range(2000):
    at, value = random.randrange(4096), random.randrange(256)
    screen[at] = value
    assert screen[at] == value
END
	for n in 1 2 3; do
		devmap run -- python3 client.py &
		pids="${pids:-} $!"
	done
	for pid in $pids; do
		wait "$pid" || return
	done
}

watches()
{
	devmap list && devmap top --once --interval 0.2 && devmap metrics | grep -q '^devmap_switches_total' &&
		devmap trace --seconds 0.5 -o trace.json xfb0 && python3 -m json.tool trace.json >/dev/null &&
		devmap set xfb0 hold-ms=2
}

stops()
{
	devmap stop xfb0 && wait "$serve" && [ ! -e /run/devmap/xfb0 ]
}

writes_a_driver()
{
	apt-get -qq -y --no-install-recommends install gcc libc6-dev make pkg-config /debs/libdevmap-dev_*.deb &&
		devmap new mydev && make -C mydev && make -C mydev check
}

builds_modules()
{
	apt-get -qq -y --no-install-recommends install linux-headers-amd64 /debs/devmap-dkms_*.deb || return
	kernel=$(ls /lib/modules | head -n 1) version=$(dpkg-query -W -f '${Version}' devmap-dkms)
	dkms build "devmap/$version" -k "$kernel" && dkms install "devmap/$version" -k "$kernel" &&
		find /lib/modules -name 'devmap.ko*' | grep -q .
}

# Nothing is left of them, but what they were installed from and the administrator's group.
purges()
{
	apt-get -qq -y purge devmap libdevmap0 libdevmap-dev devmap-drivers devmap-dkms &&
		find / -xdev \( -path /debs -o -path /root -o -path /proc -o -path '/run/*' -o -path '/var/log/*' \
			-o -path '/var/cache/*' \) -prune -o -name '*devmap*' ! -name '*devmapper*' -print >left && [ ! -s left ] || { cat left; return 1; }
}

echo 1..10
check 'the packages are installed' installs
check 'they are where they belong' is_laid_out
check 'devmap check' is_fit
check 'devmap serve' serves
check 'three programs on one device' three_programs
check 'list, top, metrics, trace, set' watches
check 'devmap stop' stops
check 'devmap new: a driver of its own' writes_a_driver
check 'the modules, by DKMS' builds_modules
check 'purged' purges
echo "$((number - failures)) passed, $failures failed"
exit $((failures > 0))
