# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
#   make                      build; build/ then looks like an installation (build/bin/devmap ...)
#   make demo                 set up, build, and show it
#   make test [T=WORD]        set up, build every tree, and prove it (programs named *WORD* only)
#   make bench                measure
#   make install PREFIX=DIR   everything under DIR, which can be moved
#   make setup                install the Debian packages that all of these need
#   make clean

TREES := build build-asan build-tsan build-clang

SETUP_build       = CC='$(CC)' meson setup
SETUP_build-asan  = CC=clang meson setup -Db_sanitize=address,undefined -Db_lundef=false
SETUP_build-tsan  = CC='$(CC)' meson setup -Db_sanitize=thread -Db_lundef=false
SETUP_build-clang = CC=clang meson setup

.PHONY: all setup demo test bench install clean $(TREES)

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

test: setup
	@scripts/test.sh $(T)

bench: setup
	@$(MAKE) --no-print-directory build
	@scripts/bench.sh

install: build
	@test -n '$(PREFIX)' || { echo 'usage: make install PREFIX=DIR' >&2; exit 1; }
	DESTDIR='$(abspath $(PREFIX))' meson install -C build --no-rebuild --quiet

clean:
	rm -rf $(TREES)
