/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Finding the real functions: see real.h. */
#include <dlfcn.h>

#include "real.h"

_Atomic(void *) real_table[REAL_COUNT];

#define REAL_NAME(name) #name,
static const char *const real_names[REAL_COUNT] = { REAL_EARLY(REAL_NAME) REAL_LATE(REAL_NAME) };
#undef REAL_NAME

_Atomic(syscall_fn *) raw_syscall;

syscall_fn *raw_find(void)
{
	syscall_fn *f = (syscall_fn *)dlsym(RTLD_NEXT, "syscall");

	atomic_store_explicit(&raw_syscall, f, memory_order_relaxed);
	return f;
}

static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

/*
 * dlsym(3) allocates nothing while it succeeds, so an allocator that calls us before its own first
 * allocation is safe; and it never asks for one of our own functions.
 */
void *real_find(enum real_index i)
{
	int before = errno;
	void *f = dlsym(RTLD_NEXT, real_names[i]);

	if (f == NULL)
		f = (void *)missing;
	atomic_store_explicit(&real_table[i], f, memory_order_relaxed);
	errno = before;
	return f;
}

void real_find_early(void)
{
	for (unsigned i = 0; i < REAL_EARLY_COUNT; i++)
		if (atomic_load_explicit(&real_table[i], memory_order_relaxed) == NULL)
			(void)real_find((enum real_index)i);
}
