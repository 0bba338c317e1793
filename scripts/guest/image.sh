#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: image.sh [TREE]
#
# Makes build-guest/image.cpio, the root of every guest: busybox, init and lib.sh, what TREE
# (default: build) has of programs, drivers and tests under /devmap, this system's programs that tests
# call (busybox is static, and so out of the shim's reach), the libraries that all these need (but not
# sanitizers', which are large), and tests/guest.  run.sh adds what is particular to a run.  No rights
# are needed: owners are cpio's affair, and the device nodes are devtmpfs's.

set -eu
cd "$(dirname "$0")/../.."
tree=${1:-build}

mkdir -p build-guest
exec 9>build-guest/image.lock
flock 9
root=build-guest/image
rm -rf $root
mkdir -p $root/bin $root/etc $root/guest $root/devmap

programs='
	awk base64 basename cat chmod cksum cmp cp cut date dd diff dirname env expr fbcat fbset find grep gunzip gzip
	head id kill ls md5sum mkdir mkfifo mktemp od printf ps python3 rm sed seq sh sha256sum sleep sort stat
	tail tar test timeout touch tr true uname wc xargs xxd
'

(cd "$tree" && find bench bin demo include lib share tests \( -name '*.p' -o -name 'unaware-*' \) -prune -o \
	\( -type l -o -type f ! -name '*.a' \) -exec cp -P --parents -t "../$root/devmap" {} +)
# Debug information is most of it; assertions name their lines without.
find $root/devmap -type f -exec sh -c '
	for f; do
		head -c 4 "$f" | grep -q ELF && strip --strip-debug "$f"
	done' sh {} + || :

mkdir -p $root/usr/bin $root/usr/lib
for program in $programs; do
	# Not another distribution's of the same name, as a python in somebody's home.
	for path in /usr/bin /usr/sbin /bin /sbin; do
		[ ! -x "$path/$program" ] || { cp -L "$path/$program" $root/usr/bin/; break; }
	done
done
# Its library, without the large things that only others want of it.
python=$(cd /usr/lib && ls -d python3.[0-9]* | sort -V | tail -n 1)
(cd /usr/lib && find "$python" \( -name test -o -name idlelib -o -name lib2to3 -o -name 'config-*' \
	-o -name ensurepip -o -name dist-packages -o -name pydoc_data -o -name tkinter \
	-o -name unittest -o -name distutils -o -name '*.opt-[12].pyc' \
	-o -path '*/lib-dynload/*' ! -name 'mmap.*' ! -name 'termios.*' \) -prune -o -type f -print0 |
	cpio -p0dm --quiet "$OLDPWD/$root/usr/lib")

# The libraries and the loader that the programs name, where they look for them.
find $root/devmap $root/usr -type f \( -perm /111 -o -name '*.so' \) -exec ldd {} + 2>/dev/null |
	sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[ \t]*\(\/[^ ]*ld-[^ ]*\) .*/\1/p' | sort -u |
	while read -r library; do
		case $library in
		"$PWD"/*) ;;
		*) cp -L --parents "$library" $root ;;
		esac
	done

# pthread_cancel(3) loads it when it is called.
PATH=$PATH:/sbin ldconfig -p | sed -n 's/.*libgcc_s.so.1 .*=> //p' | head -n 1 | while read -r library; do
	cp -L --parents "$library" $root
done

# devmap top's, in its test.
mkdir -p $root/lib/terminfo/v
cp /lib/terminfo/v/vt100 $root/lib/terminfo/v/

cp /bin/busybox $root/bin/busybox
ln -s ../usr/bin/sh $root/bin/sh
cp scripts/guest/init $root/init
cp scripts/guest/lib.sh $root/guest/lib.sh
${CC:-cc} -O2 -Wall -static -o $root/guest/exit scripts/guest/exit.c
cp -R tests/guest $root/guest/tests
chmod -R a+rX $root/guest
chmod 755 $root/init

cat >$root/etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
END
cat >$root/etc/group <<'END'
root:x:0:
nogroup:x:65534:
END

(cd $root && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >build-guest/image.cpio.new
mv build-guest/image.cpio.new build-guest/image.cpio
rm -rf $root
