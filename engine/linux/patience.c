// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * How long an access of the kernel's own waits: that of a system call which copies from or to device
 * memory, or of a debugger. The caller may hold locks that others need, a directory's for example, so
 * the wait is short, and ends with EFAULT.
 *
 * Linux tries such a fault again until the page is there. So that a process cannot have it tried for
 * ever, what was left of the time is noted here meanwhile, for each thread. A thread that does not come
 * back (it is killed, or finds that another has made the page valid) leaves its entry, until it waits
 * again, or the space ends, or there are too many.
 */
#include "linux.h"

#include <linux/slab.h>

#include "internal.h"

#define ENTRIES_MAX 1024	 /* of a space */
#define MS_MAX	    1000000000UL /* what is longer is as long */

static ulong syscall_ms = 100;

module_param(syscall_ms, ulong, 0644);
MODULE_PARM_DESC(syscall_ms,
		 "an access to device memory by a system call or a debugger waits so many "
		 "milliseconds for its turn, and then fails; 0: not at all");

struct wait_end {
	struct list_head link;
	const struct task_struct *task; /* compared only */
	hrtime_t until;
};

void patience_init(struct patience *p)
{
	spin_lock_init(&p->lock);
	INIT_LIST_HEAD(&p->list);
	p->n = 0;
}

/* No thread works for the space any more. */
void patience_fini(struct patience *p)
{
	struct wait_end *w, *next;

	list_for_each_entry_safe(w, next, &p->list, link)
		kfree(w);
}

hrtime_t patience_begin(void)
{
	return gethrtime() + (hrtime_t)min(READ_ONCE(syscall_ms), MS_MAX) * NSEC_PER_MSEC;
}

/* p->lock is held. */
static void forget(struct patience *p, struct wait_end *w)
{
	lockdep_assert_held(&p->lock);
	list_del(&w->link);
	WRITE_ONCE(p->n, p->n - 1);
}

/* This thread's own, which is nobody's any more; or NULL. */
static struct wait_end *take(struct patience *p)
{
	struct wait_end *w;

	if (READ_ONCE(p->n) == 0)
		return NULL;
	spin_lock(&p->lock);
	list_for_each_entry(w, &p->list, link) {
		if (w->task == current) {
			forget(p, w);
			spin_unlock(&p->lock);
			return w;
		}
	}
	spin_unlock(&p->lock);
	return NULL;
}

hrtime_t patience_take(struct patience *p, bool again)
{
	struct wait_end *w = take(p);
	hrtime_t until = again && w != NULL ? w->until : patience_begin();

	kfree(w);
	return until;
}

int patience_keep(struct patience *p, hrtime_t until)
{
	struct wait_end *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT), *oldest = NULL;

	if (w == NULL)
		return -ENOMEM;
	w->task = current;
	w->until = until;
	spin_lock(&p->lock);
	if (p->n == ENTRIES_MAX) {
		oldest = list_first_entry(&p->list, struct wait_end, link);
		forget(p, oldest);
	}
	list_add_tail(&w->link, &p->list);
	WRITE_ONCE(p->n, p->n + 1);
	spin_unlock(&p->lock);
	kfree(oldest);
	return 0;
}

void patience_end(struct patience *p)
{
	kfree(take(p));
}
