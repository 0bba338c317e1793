/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * dl_iterate_phdr(3): the libraries in the order that they have without us, and we are the last. So
 * AddressSanitizer's library, which wants to be the first, finds what it would find otherwise: it has
 * to stand before libc's functions, and does.
 */
#include <link.h>

#include "shim.h"

extern const char __ehdr_start __attribute__((visibility("hidden"))); /* where we are loaded */

typedef int each_fn(struct dl_phdr_info *info, size_t size, void *arg);

struct walk {
	each_fn *f;
	void *arg;
	bool ours; /* we only, or all others */
};

static int step(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct walk *w = arg;

	if ((info->dlpi_addr == (uintptr_t)&__ehdr_start) != w->ours)
		return 0;
	return w->f(info, size, w->arg);
}

/* Twice through the list, since what is called may count on the linker's lock. */
EXPORT int dl_iterate_phdr(each_fn *f, void *arg)
{
	struct walk w = { .f = f, .arg = arg };
	int r = REAL(dl_iterate_phdr)(step, &w);

	if (r != 0)
		return r;
	w.ours = true;
	return REAL(dl_iterate_phdr)(step, &w);
}
