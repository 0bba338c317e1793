// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The memory of the process that is being served (ddi/port.h).
 *
 * An ordinary copy may wait for a page, and for mmap_lock. Two callers must not (linux.h): with
 * mmap_lock held only what is resident can be copied; inside devmap_access(9E) whoever holds
 * mmap_lock may be waiting for this thread, so it is tried for, and an interruption looked for.
 */
#include "linux.h"

#include <linux/delay.h>
#include <linux/mmap_lock.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#define TRIES_PER_PAGE 100 /* bringing it in, before somebody takes it away again */

struct copy {
	char *kernel;
	unsigned long user;
	size_t len;
	bool out; /* to the process */
};

/* All of it, or what part of it nobody knows. */
static bool copy_resident(const struct copy *c)
{
	void __user *user = (void __user *)c->user;

	return (c->out ? copy_to_user_nofault(user, c->kernel, c->len) :
			 copy_from_user_nofault(c->kernel, user, c->len)) == 0;
}

static bool copy_ordinary(const struct copy *c)
{
	void __user *user = (void __user *)c->user;

	return (c->out ? copy_to_user(user, c->kernel, c->len) :
			 copy_from_user(c->kernel, user, c->len)) == 0;
}

/* This thread is to go. */
static bool must_go(const struct caller *caller)
{
	return fatal_signal_pending(current) || READ_ONCE(caller->leave) || caller_expired(caller);
}

/* False: the page cannot be had, or this thread is to go. */
static bool fault_in(const struct caller *caller, const struct copy *c)
{
	struct mm_struct *mm = current->mm;
	int error;

	while (!mmap_read_trylock(mm)) {
		if (must_go(caller))
			return false;
		usleep_range(500, 1000);
	}
	error = compat_fault_in_page(c->user, c->out);
	mmap_read_unlock(mm);
	return error == 0;
}

/* Within one page. */
static bool copy_piece(const struct caller *caller, const struct copy *c)
{
	int tries = 0;

	while (!copy_resident(c)) {
		if (tries++ == TRIES_PER_PAGE || fatal_signal_pending(current))
			return false;
		if (!access_ok((void __user *)c->user, c->len) || !fault_in(caller, c))
			return false;
	}
	return true;
}

static bool copy_patiently(const struct caller *caller, struct copy c)
{
	size_t left = c.len;

	while (left > 0) {
		c.len = min_t(size_t, left, PAGE_SIZE - offset_in_page(c.user));
		if (!copy_piece(caller, &c))
			return false;
		c.kernel += c.len;
		c.user += c.len;
		left -= c.len;
	}
	return true;
}

/*
 * Is what this thread's addresses mean the memory of the process that is served? Not so for a
 * debugger that makes an access of its debuggee's, nor for the end of mappings after execve(2).
 */
static bool own_memory(const struct caller *caller)
{
	return caller->as == NULL || space_of(caller->as)->mm == current->mm;
}

/* 0 or -EFAULT. */
static int copy(const struct copy *c, const void *site, const char *call)
{
	const struct caller *caller = caller_get();
	bool copied;

	if (caller == NULL || current->mm == NULL) {
		driver_mistake(site, call, "this thread serves no process");
		return -EFAULT;
	}
	if (c->len == 0)
		return 0;
	if (!own_memory(caller))
		return -EFAULT;
	if (caller->mmap_locked)
		copied = copy_resident(c);
	else if (caller->in_access)
		copied = copy_patiently(caller, *c);
	else
		copied = copy_ordinary(c);
	return copied ? 0 : -EFAULT;
}

int port_copyin(const void *user, void *to, size_t len, const void *site, const char *call)
{
	const struct copy c = { .kernel = to, .user = (unsigned long)user, .len = len };

	return copy(&c, site, call);
}

int port_copyout(const void *from, void *user, size_t len, const void *site, const char *call)
{
	const struct copy c = {
		.kernel = (char *)from, .user = (unsigned long)user, .len = len, .out = true
	};

	return copy(&c, site, call);
}
