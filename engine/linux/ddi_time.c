// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The clock and call-outs: gethrtime(9F), timeout(9F).
 *
 * One thread runs all call-outs, which may sleep: earliest first; of the same moment in the order
 * of their making. callouts.lock guards everything here and is never held across a call-out.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <sys/time.h>

#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/rbtree.h>

hrtime_t gethrtime(void)
{
	return ktime_get_ns();
}
EXPORT_SYMBOL(gethrtime);

void port_sleep_until(hrtime_t until, hrtime_t slack)
{
	ktime_t at = ns_to_ktime(until);

	might_sleep();
	do
		set_current_state(TASK_IDLE);
	while (schedule_hrtimeout_range(&at, slack, HRTIMER_MODE_ABS) != 0);
	__set_current_state(TASK_RUNNING);
}

void port_relax(void)
{
	cpu_relax();
}

/* A call-out that is due at `when`. Ids are counted, never used again, and grow with time. */
struct callout {
	struct rb_node link;
	hrtime_t when;
	uintptr_t id;
	void (*func)(void *);
	void *arg;
};

static struct {
	spinlock_t lock;
	struct rb_root_cached tree; /* by time, then by id */
	struct task_struct *thread;
	wait_queue_head_t changed; /* something is due earlier than before */
	wait_queue_head_t done;	   /* running has ended */
	uintptr_t last_id;
	uintptr_t running;	      /* id, 0: none */
	void (*running_func)(void *); /* of it */
} callouts = {
	.lock = __SPIN_LOCK_UNLOCKED(callouts.lock),
	.tree = RB_ROOT_CACHED,
	.changed = __WAIT_QUEUE_HEAD_INITIALIZER(callouts.changed),
	.done = __WAIT_QUEUE_HEAD_INITIALIZER(callouts.done),
};

static bool callout_before(struct rb_node *a, const struct rb_node *b)
{
	const struct callout *x = rb_entry(a, struct callout, link);
	const struct callout *y = rb_entry(b, struct callout, link);

	return x->when != y->when ? x->when < y->when : x->id < y->id;
}

/* The next one, or NULL. callouts.lock is held. */
static struct callout *callout_first(void)
{
	struct rb_node *first;

	lockdep_assert_held(&callouts.lock);
	first = rb_first_cached(&callouts.tree);
	return first != NULL ? rb_entry(first, struct callout, link) : NULL;
}

/* Takes out what is due now. Otherwise NULL, and *next is when something will be. */
static struct callout *callout_take(hrtime_t *next)
{
	struct callout *c;

	spin_lock(&callouts.lock);
	c = callout_first();
	*next = c != NULL ? c->when : INT64_MAX;
	if (*next > gethrtime()) {
		c = NULL;
	} else if (c != NULL) {
		rb_erase_cached(&c->link, &callouts.tree);
		callouts.running = c->id;
		callouts.running_func = c->func;
	}
	spin_unlock(&callouts.lock);
	return c;
}

static void callout_run(struct callout *c)
{
	c->func(c->arg);
	kfree(c);
	spin_lock(&callouts.lock);
	callouts.running = 0;
	spin_unlock(&callouts.lock);
	wake_up_all(&callouts.done);
}

static int callouts_thread(void *arg)
{
	struct callout *c;
	hrtime_t next;
	ktime_t at;
	DEFINE_WAIT(entry);

	while (!kthread_should_stop()) {
		prepare_to_wait(&callouts.changed, &entry, TASK_IDLE);
		c = callout_take(&next);
		at = ns_to_ktime(next);
		if (c == NULL && !kthread_should_stop())
			(void)schedule_hrtimeout_range(&at, TICK_SLACK, HRTIMER_MODE_ABS);
		finish_wait(&callouts.changed, &entry);
		if (c != NULL)
			callout_run(c);
	}
	return 0;
}

int callouts_init(void)
{
	struct task_struct *thread = kthread_run(callouts_thread, NULL, "devmap_timeout");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	callouts.thread = thread;
	return 0;
}

/*
 * Drivers are gone, and what they have left behind is forgotten. Nobody can come to the tree any
 * more, so callouts.lock is not needed.
 */
void callouts_fini(void)
{
	struct callout *c, *next;

	(void)kthread_stop(callouts.thread);
	rbtree_postorder_for_each_entry_safe(c, next, &callouts.tree.rb_root, link) kfree(c);
	callouts.tree = RB_ROOT_CACHED;
}

timeout_id_t timeout(void (*func)(void *arg), void *arg, clock_t ticks)
{
	struct callout *c = kmalloc(sizeof(*c), GFP_KERNEL | __GFP_NOFAIL);
	uintptr_t id;
	bool first;

	c->func = func;
	c->arg = arg;
	c->when = ticks_from_now(ticks < 1 ? 1 : ticks);
	spin_lock(&callouts.lock);
	id = c->id = ++callouts.last_id;
	first = rb_add_cached(&c->link, &callouts.tree, callout_before) != NULL;
	spin_unlock(&callouts.lock);
	if (first)
		wake_up_all(&callouts.changed);
	return (timeout_id_t)id;
}
EXPORT_SYMBOL(timeout);

/* The call-out with this id, out of the tree; NULL: there is none. */
static struct callout *callout_remove(uintptr_t id)
{
	struct callout *c = NULL;
	struct rb_node *n;

	spin_lock(&callouts.lock);
	for (n = rb_first_cached(&callouts.tree); n != NULL; n = rb_next(n)) {
		c = rb_entry(n, struct callout, link);
		if (c->id == id) {
			rb_erase_cached(n, &callouts.tree);
			break;
		}
	}
	spin_unlock(&callouts.lock);
	return n != NULL ? c : NULL;
}

static bool callout_running(uintptr_t id)
{
	bool running;

	spin_lock(&callouts.lock);
	running = callouts.running == id;
	spin_unlock(&callouts.lock);
	return running;
}

clock_t untimeout(timeout_id_t timeout_id)
{
	uintptr_t id = (uintptr_t)timeout_id;
	struct callout *c = callout_remove(id);
	clock_t left = -1;

	if (c != NULL) {
		hrtime_t ns = c->when - gethrtime();

		left = ns > 0 ? (clock_t)NSEC_TO_TICK(ns) : 0;
		kfree(c);
	} else if (id != 0 && current != callouts.thread) {
		/* A call-out that takes itself back would wait for itself. */
		wait_event_idle(callouts.done, !callout_running(id));
	}
	return left;
}
EXPORT_SYMBOL(untimeout);

/* Out of the tree goes all that would run m's code. What runs of it now: its id, or 0. */
static uintptr_t callouts_drop(const struct module *m, unsigned int *dropped)
{
	struct rb_node *n, *next;
	uintptr_t running = 0;
	struct callout *c;

	spin_lock(&callouts.lock);
	for (n = rb_first_cached(&callouts.tree); n != NULL; n = next) {
		next = rb_next(n);
		c = rb_entry(n, struct callout, link);
		if (!within_module((unsigned long)c->func, m))
			continue;
		rb_erase_cached(n, &callouts.tree);
		kfree(c);
		++*dropped;
	}
	if (callouts.running != 0 && within_module((unsigned long)callouts.running_func, m))
		running = callouts.running;
	spin_unlock(&callouts.lock);
	return running;
}

/* A driver's module goes, and may have forgotten untimeout(9F). */
void callouts_forget(const struct module *m)
{
	unsigned int dropped = 0;
	uintptr_t running;

	/* One that runs may make another. */
	while ((running = callouts_drop(m, &dropped)) != 0)
		wait_event_idle(callouts.done, !callout_running(running));
	if (dropped > 0)
		pr_warn("%s: %u calls of timeout(9F) were still to come\n", m->name, dropped);
}
