# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
#   make                      build; build/ then looks like an installation (build/bin/devmap ...)
#   make demo                 set up, build, and show it
#   make demo-kernel          the same with the kernel engine and a PCI device, in a virtual machine
#   make check                hold the tree to the rules that need no running program
#   make format               lay all C out by .clang-format
#   make test [T=WORD]        set up, build, and prove it, in minutes (programs named *WORD* only)
#   make test-all [T=WORD]    and with sanitizers, clang, and every kernel
#   make test-kernel [T=WORD] set up, and prove it in virtual machines with Debian's kernels
#   make test-kernel-debug    the same, with kernels that look for mistakes (builds them first)
#   make soak [N=20] [T=WORD] every test program N times on a busy machine; who ever failed
#   make soak-kernel [N=5] [T=WORD]   the same in the virtual machines
#   make bench                measure
#   make bench-contention     measure what many clients of one page wait and get
#   make bench-kernel         measure the kernel engine, in a guest
#   make modules [KDIR=DIR]   the kernel engine and its drivers, for the running kernel or DIR's
#   make install PREFIX=DIR   everything under DIR, which can be moved
#   make install-dkms PREFIX=DIR   the modules' sources to DIR/src/devmap-VERSION (DIR: /usr), for DKMS
#   make deb                  Debian packages, in build-deb/
#   make test-deb             install, use and remove them in a fresh Debian 12 (root, and the network)
#   make setup                install the Debian packages that all of these need (test-all wants some more)
#   make clean                all that was built
#   make distclean            and all that was downloaded

TREES := build build-asan build-tsan build-clang

SETUP_build       = CC='$(CC)' meson setup
SETUP_build-asan  = CC=clang meson setup -Db_sanitize=address,undefined -Db_lundef=false
SETUP_build-tsan  = CC='$(CC)' meson setup -Db_sanitize=thread -Db_lundef=false
SETUP_build-clang = CC=clang meson setup -Dassertions=true

.PHONY: all setup check format demo demo-kernel test test-all test-kernel test-kernel-debug soak soak-kernel \
	bench bench-contention bench-kernel modules install install-dkms deb test-deb clean distclean $(TREES)

all: build

# Nothing in a build knows its prefix; DESTDIR alone says where it goes.
$(TREES): %: %/build.ninja
	@ninja -C $@ --quiet
	@DESTDIR='$(CURDIR)/$@' meson install -C $@ --no-rebuild --only-changed --quiet

$(TREES:%=%/build.ninja): %/build.ninja:
	@command -v meson >/dev/null || { echo "no meson here: try 'make setup'" >&2; exit 1; }
	$(SETUP_$*) --prefix=/ $* >$*.log 2>&1 || { cat $*.log; rm -rf $* $*.log; exit 1; }
	@mv $*.log $*/setup.log

setup:
	@scripts/setup.sh

demo: setup
	@$(MAKE) --no-print-directory build
	@scripts/demo.sh

demo-kernel: setup
	@$(MAKE) --no-print-directory build
	@scripts/demo-kernel.sh

check: setup
	@$(MAKE) --no-print-directory build
	@scripts/check.sh

format: setup
	@scripts/format.sh

test: setup
	@scripts/test.sh $(T)

test-all:
	@scripts/setup.sh all
	@scripts/test.sh --all $(T)

soak: setup
	@scripts/test.sh --soak $(or $(N),20) $(T)

soak-kernel: setup
	@scripts/test-kernel.sh --soak $(or $(N),5) $(T)

test-kernel: setup
	@scripts/test-kernel.sh $(T)

test-kernel-debug: setup
	@scripts/test-kernel.sh --debug $(T)

bench: setup
	@$(MAKE) --no-print-directory build
	@scripts/bench.sh

bench-contention: setup
	@$(MAKE) --no-print-directory build
	@scripts/bench-contention.sh

bench-kernel: setup
	@$(MAKE) --no-print-directory build
	@scripts/bench-kernel.sh

modules:
	@scripts/modules.sh $(KDIR)

install: build
	@test -n '$(PREFIX)' || { echo 'usage: make install PREFIX=DIR' >&2; exit 1; }
	DESTDIR='$(abspath $(PREFIX))' meson install -C build --no-rebuild --quiet

VERSION = $(shell sed -n "s/^ *version: *'\(.*\)',/\1/p" meson.build)

deb:
	@scripts/setup.sh deb
	@scripts/deb.sh

test-deb: deb
	@scripts/test-deb.sh

install-dkms:
	@test -n '$(PREFIX)' || { echo 'usage: make install-dkms PREFIX=DIR (/usr)' >&2; exit 1; }
	@scripts/module-tree.sh '$(DESTDIR)$(abspath $(PREFIX))/src/devmap-$(VERSION)'
	@echo 'now, as root: dkms install devmap/$(VERSION)'

clean:
	rm -rf $(TREES) build-modules build-deb build-guest/image* build-guest/*/modules* build-guest/*/source* build-guest/*/run

distclean: clean
	rm -rf build-guest
