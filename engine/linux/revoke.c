// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * An instance is taken from those who use it, since Linux does not ask: a PCI function can go at
 * any time, with locks of the whole machine held. So nobody's leave is waited for, except that of
 * the driver's own code: what runs in an entry point is interrupted, and named in the log if that
 * does not help; a process that keeps its driver from returning (by memory that never comes) is
 * killed then.
 *
 * Afterwards accesses raise SIGBUS, and all calls on the files fail with ENODEV.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <linux/workqueue.h>

#include "internal.h"

#define PATIENCE (10 * HZ)

int instance_enter(dev_info_t *dip)
{
	bool going;

	spin_lock(&dip->gate);
	going = dip->going;
	if (!going)
		dip->calls++;
	spin_unlock(&dip->gate);
	return going ? -ENODEV : 0;
}

void instance_leave(dev_info_t *dip)
{
	bool tell;

	spin_lock(&dip->gate);
	tell = --dip->calls == 0 && dip->going;
	spin_unlock(&dip->gate);
	if (tell)
		wake_up_all(&drivers_wait);
}

int instance_handle_begin(dev_info_t *dip)
{
	bool going;

	spin_lock(&dip->gate);
	going = dip->going;
	if (!going)
		dip->handles++;
	spin_unlock(&dip->gate);
	return going ? -ENODEV : 0;
}

void instance_handle_end(dev_info_t *dip)
{
	bool tell;

	spin_lock(&dip->gate);
	tell = --dip->handles == 0 && dip->going;
	spin_unlock(&dip->gate);
	if (tell)
		wake_up_all(&drivers_wait);
}

static bool no_calls(dev_info_t *dip)
{
	bool none;

	spin_lock(&dip->gate);
	none = dip->calls == 0;
	spin_unlock(&dip->gate);
	return none;
}

static bool no_handles(dev_info_t *dip)
{
	bool none;

	spin_lock(&dip->gate);
	none = dip->handles == 0;
	spin_unlock(&dip->gate);
	return none;
}

static void set_going(dev_info_t *dip)
{
	mutex_lock(&drivers_lock);
	spin_lock(&dip->gate);
	WRITE_ONCE(dip->going, true);
	spin_unlock(&dip->gate);
	mutex_unlock(&drivers_lock);
}

/* One that is still open, held, or NULL. */
static struct devfile *any_file(dev_info_t *dip)
{
	struct devfile *f;

	spin_lock(&dip->gate);
	f = list_first_entry_or_null(&dip->files, struct devfile, link);
	if (f != NULL)
		refcount_inc(&f->refs);
	spin_unlock(&dip->gate);
	return f;
}

/* Runs while somebody does not come back. */
struct nag {
	struct delayed_work work;
	dev_info_t *dip;
};

static void nag(struct work_struct *work)
{
	struct nag *n = container_of(to_delayed_work(work), struct nag, work);

	pr_warn("%s: is being removed, and waits for its driver to return from %u calls and %u "
		"mappings\n",
		n->dip->name, READ_ONCE(n->dip->calls), READ_ONCE(n->dip->handles));
	callers_revoke(n->dip, true);
	schedule_delayed_work(&n->work, PATIENCE);
}

void instance_revoke(dev_info_t *dip)
{
	struct nag n = { .dip = dip };
	struct devfile *f;

	INIT_DELAYED_WORK_ONSTACK(&n.work, nag);
	set_going(dip);
	schedule_delayed_work(&n.work, PATIENCE);
	callers_revoke(dip, false);
	polls_revoke();
	wait_event(drivers_wait, no_calls(dip));
	/* fork(2) may make more of those that there are, until they have ended. */
	while (!no_handles(dip)) {
		spaces_revoke(dip);
		wait_event_timeout(drivers_wait, no_handles(dip), HZ / 20);
	}
	while ((f = any_file(dip)) != NULL) {
		devfile_close(f);
		devfile_put(f);
	}
	cancel_delayed_work_sync(&n.work);
	destroy_delayed_work_on_stack(&n.work);
}
