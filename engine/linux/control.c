// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * /dev/devmap: locks of the calling process (C13), for which Linux has no hook, since mlock(2)
 * passes mappings like ours by. And the operator's limits for them. What can be read of it are the
 * statistics of all devices: stats.c.
 */
#include "linux.h"

#include <linux/compat.h>
#include <linux/miscdevice.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <devmap/ioctl.h>

#include "internal.h"

static ulong lock_ms = 1000;
static ulong lock_pages = 4096;

static int set_limit(const char *text, const struct kernel_param *kp)
{
	int error = param_set_ulong(text, kp);

	if (error == 0)
		devmap_set_lock_limits((hrtime_t)lock_ms * NSEC_PER_MSEC, lock_pages);
	return error;
}

static const struct kernel_param_ops limit_ops = { .set = set_limit, .get = param_get_ulong };

module_param_cb(lock_ms, &limit_ops, &lock_ms, 0644);
MODULE_PARM_DESC(lock_ms, "locks end so many milliseconds after the first was taken; 0: never");
module_param_cb(lock_pages, &limit_ops, &lock_pages, 0644);
MODULE_PARM_DESC(lock_pages, "pages that a process may lock in one context group; 0: any number");

/* The first run of handles without a gap in [from, to), clipped to it; lo == hi: there is none. */
struct run {
	uintptr_t from, to, lo, hi;
};

/* Handles come in the order of their addresses. a_lock is held. */
static void extend_run(struct devmap_handle *dh, void *arg)
{
	uintptr_t end = dh->dh_uvaddr + dh->dh_len;
	struct run *r = arg;

	ASSERT(MUTEX_HELD(&dh->dh_as->a_lock));
	if (r->lo == r->hi && end > r->from && dh->dh_uvaddr < r->to) {
		r->lo = MAX(dh->dh_uvaddr, r->from);
		r->hi = MIN(end, r->to);
	} else if (r->lo != r->hi && dh->dh_uvaddr == r->hi) {
		r->hi = MIN(end, r->to);
	}
}

static bool next_run(struct as *as, struct run *r, uintptr_t from)
{
	r->from = from;
	r->lo = r->hi = 0;
	devmap_each_handle(as, extend_run, r);
	return r->lo != r->hi;
}

/* What is ours of [from, to), run by run; what was locked before an error is unlocked again. */
static int lock_parts(struct as *as, uintptr_t from, uintptr_t to, uint_t type)
{
	struct run r = { .to = to, .hi = from };
	uintptr_t done = from;
	int error = 0;

	while (error == 0 && next_run(as, &r, done)) {
		error = -devmap_lock_range(as, r.lo, r.hi - r.lo, type, DEVMAP_READ);
		if (error == 0)
			done = r.hi;
	}
	if (error != 0 && type == DEVMAP_LOCK && done > from)
		(void)devmap_lock_range(as, from, done - from, DEVMAP_UNLOCK, DEVMAP_READ);
	return error;
}

static int lock_all(struct as *as, uintptr_t from, uintptr_t to, uint_t type)
{
	struct run r = { .to = to };

	if (!next_run(as, &r, from) || r.lo != from || r.hi != to)
		return -EINVAL;
	return -devmap_lock_range(as, from, to - from, type, DEVMAP_READ);
}

static int lock_once(struct space *s, const struct devmap_ioc_range *r, uint_t type)
{
	struct caller c = { .in_access = true };
	uintptr_t from = (uintptr_t)r->addr & PAGE_MASK, to = PAGE_ALIGN(r->addr + r->len);
	int error;

	if (r->len == 0 || to <= from || (r->flags & ~DEVMAP_IOC_PARTS) != 0 || r->zero != 0)
		return -EINVAL;
	caller_enter(&c, &s->as);
	error = r->flags & DEVMAP_IOC_PARTS ? lock_parts(&s->as, from, to, type) :
					      lock_all(&s->as, from, to, type);
	caller_leave(&c);
	return error;
}

#define LOCK_TRIES 10

static long control_lock(struct space *s, const struct devmap_ioc_range *r, uint_t type)
{
	int error, tries = 0;

	/* Without a signal: what another thread unmaps has interrupted us. Nothing is locked. */
	do
		error = lock_once(s, r, type);
	while (error == -EINTR && !signal_pending(current) && ++tries < LOCK_TRIES);
	/* The call can be made again, as after SIGSTOP and SIGCONT; Linux does that for a signal. */
	return error == -EINTR && signal_pending(current) ? -ERESTARTSYS : error;
}

static long control_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct devmap_ioc_range r;
	struct space *s;
	long result;

	(void)filp;
	if (cmd != DEVMAP_IOC_LOCK && cmd != DEVMAP_IOC_UNLOCK)
		return -ENOTTY;
	if (copy_from_user(&r, (const void __user *)arg, sizeof(r)) != 0)
		return -EFAULT;
	s = current->mm != NULL ? space_get(current->mm) : NULL;
	if (s == NULL) /* it has no mapping of ours */
		return r.flags & DEVMAP_IOC_PARTS ? 0 : -EINVAL;
	space_name(s);
	result = control_lock(s, &r, cmd == DEVMAP_IOC_LOCK ? DEVMAP_LOCK : DEVMAP_UNLOCK);
	space_put(s);
	return result;
}

/* What a file reads, from the beginning each time that it is read from there. */
struct reading {
	struct mutex lock;
	char *text; /* or NULL */
	size_t len;
};

static int control_open(struct inode *inode, struct file *filp)
{
	struct reading *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);

	(void)inode;
	if (r == NULL)
		return -ENOMEM;
	LINUX_MUTEX_INIT(&r->lock);
	filp->private_data = r;
	return 0;
}

/* Nobody else has the file any more, so r->lock is not needed. */
static int control_release(struct inode *inode, struct file *filp)
{
	struct reading *r = filp->private_data;

	(void)inode;
	kvfree(r->text);
	kfree(r);
	return 0;
}

/* r->lock is held. 0 or -errno. */
static int reading_begin(struct reading *r)
{
	char *text;
	size_t len;
	int error;

	lockdep_assert_held(&r->lock);
	error = devmap_stats_text(&text, &len);
	if (error != 0)
		return error;
	kvfree(r->text);
	r->text = text;
	r->len = len;
	return 0;
}

static ssize_t control_read(struct file *filp, char __user *buf, size_t len, loff_t *pos)
{
	struct reading *r = filp->private_data;
	ssize_t n = mutex_lock_interruptible(&r->lock);

	if (n != 0)
		return -ERESTARTSYS;
	if (*pos == 0 || r->text == NULL)
		n = reading_begin(r);
	if (n == 0)
		n = simple_read_from_buffer(buf, len, pos, r->text, r->len);
	mutex_unlock(&r->lock);
	return n;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.release = control_release,
	.read = control_read,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = default_llseek,
};

static struct miscdevice control = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "devmap",
	.mode = 0666,
	.fops = &control_fops,
};

int control_init(void)
{
	devmap_set_lock_limits((hrtime_t)lock_ms * NSEC_PER_MSEC, lock_pages);
	return misc_register(&control);
}

void control_fini(void)
{
	misc_deregister(&control);
	devmap_stats_fini();
}
