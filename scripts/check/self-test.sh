#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# usage: check.sh --self-test
#
# Does each check see what it is there to see?  In a copy of the tree, each rule is broken once.

set -eu

work=$(mktemp -d "${TMPDIR:-/tmp}/devmap-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
copy=$work/copy
mkdir -p "$copy/build/core/libcore.a.p" "$copy/build/ddi/libddi.a.p" "$copy/build/bin"
git ls-files -co --exclude-standard | cpio -pdm --quiet "$copy"
cp build/core/libcore.a.p/*.o "$copy/build/core/libcore.a.p/"
cp build/ddi/libddi.a.p/*.o "$copy/build/ddi/libddi.a.p/"
cp build/bin/devmap "$copy/build/bin/"
cd "$copy"
n=0 failed=0

result()
{
	n=$((n + 1))
	[ "$1" = ok ] || failed=1
	echo "$1 $n - check $2"
}

# holds CHECK: it finds nothing in what is not broken.
holds()
{
	if scripts/check.sh "$1" >"$work/said" 2>&1; then
		result ok "$1 has nothing to say"
	else
		sed 's/^/# /' "$work/said"
		result 'not ok' "$1 has nothing to say"
	fi
}

# sees CHECK FILE WORDS: it fails and says so, now that FILE has changed; which is then as it was.
sees()
{
	if scripts/check.sh "$1" >"$work/said" 2>&1 || ! grep -q -e "$3" "$work/said"; then
		sed 's/^/# /' "$work/said"
		result 'not ok' "$1 sees: $3"
	else
		result ok "$1 sees: $3"
	fi
	rm "$2"
	[ ! -f "$work/kept" ] || mv "$work/kept" "$2"
}

# add FILE TEXT: to its end; sees() undoes it.
add()
{
	[ ! -f "$1" ] || cp -p "$1" "$work/kept"
	printf '%b\n' "$2" >>"$1"
}

# edit FILE SED: the same for any change.
edit()
{
	cp -p "$1" "$work/kept"
	sed -i "$2" "$1"
}

# compile FOLDER SOURCE
compile()
{
	gcc -O1 -fno-stack-protector -c -x c -o "build/$1/lib$1.a.p/$2.o" -
}

echo 1..27
for name in spdx ddi core shim documents lengths; do
	holds $name
done

add core/new.c 'int x;'
sees spdx core/new.c 'core/new.c: its first lines'
add include/sys/sunddi.h 'int ddi_nowhere(int);'
sees ddi include/sys/sunddi.h 'ddi_nowhere is declared, and the user engine'
add include/sys/sunddi.h 'extern int ddi_nowhere;'
sees ddi include/sys/sunddi.h 'ddi_nowhere is declared, and the kernel engine'
edit engine/linux/exports.c '/(devmap_load)/d'
sees ddi engine/linux/exports.c 'devmap_load is declared, and the kernel engine'
add engine/linux/exports.c 'EXPORT_SYMBOL(ddi_secret);'
sees ddi engine/linux/exports.c 'ddi_secret is exported, and no header'
edit include/sys/sunddi.h '/^char \*ddi_get_name(/d'
sees ddi include/sys/sunddi.h 'ddi_get_name is exported, and no header of the DDI'
add doc/driver.md 'See ddi_nowhere(9F).'
sees ddi doc/driver.md 'driver.md:[0-9]*: ddi_nowhere(9F)'

echo 'int getpid(void); int f(void) { return getpid(); }' | compile core new.c
sees core build/core/libcore.a.p/new.c.o 'core/new.c: getpid is of an operating system'
add core/bits.c '#include <stdio.h>'
sees core core/bits.c 'stdio.h is no header of include/'
echo 'int getpid(void); int f(void) { return getpid(); }' | compile ddi new.c
sees core build/ddi/libddi.a.p/new.c.o 'ddi/new.c: getpid is of an operating system'
add ddi/cv.c '#include <stdio.h>'
sees core ddi/cv.c 'stdio.h is no header of include/'
add ddi/cv.c '#include "../engine/user/pages.h"'
sees core ddi/cv.c 'pages.h is no header of ddi/'
edit scripts/check.sh 's/^core_rules=$/core_rules=--ring/'
echo 'int b(void); int a(void) { return b(); }' | compile core a.c
echo 'int a(void); int b(void) { return a(); }' | compile core b.c
sees core scripts/check.sh 'core/b.c -> core/a.c: a'
rm build/core/libcore.a.p/[ab].c.o

edit client/shim_stat.c 's/REAL(lstat64)/REAL(lstat)/'
sees shim client/shim_stat.c 'shim_stat.c:[0-9]*: lstat64() calls the next lstat()'

add doc/driver.md '[here](nowhere.md)'
sees documents doc/driver.md 'the link to nowhere.md is dead'
add README.md '[here](doc/driver.md#nowhere)'
sees documents README.md 'has no heading #nowhere'
add doc/driver.md '`core/nowhere.c` and `devmap_nowhere()`'
sees documents doc/driver.md 'core/nowhere.c is named'
add doc/driver.md '`core/nowhere.c` and `devmap_nowhere()`'
sees documents doc/driver.md 'devmap_nowhere is named'
add doc/driver.md '`C2 a test of nothing`'
sees documents doc/driver.md 'no test is called "C2 a test of nothing"'

add core/bits.c "int f(void)\n{\n$(seq 60 | sed 's/.*/;\\n/' | tr -d '\n')}"
sees lengths core/bits.c 'f has 6[0-9] lines'

# A tree that is laid out as it should be: these two lines go when this one is.
scripts/format.sh >/dev/null
scripts/format.sh --check >"$work/said" || sed 's/^/# /' "$work/said"
add core/bits.c 'int  f;'
sees format core/bits.c 'core/bits.c:[0-9]*:'
[ "$failed" -eq 0 ]
