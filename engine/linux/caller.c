// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * On whose behalf a thread works. A table of the threads inside the engine, found by task, since a
 * task_struct has no room for us.
 */
#include "linux.h"

#include <linux/hash.h>
#include <linux/sched/signal.h>

#include "internal.h"

#define TABLE_BITS 8

static struct {
	spinlock_t lock;
	struct hlist_head head;
} table[1 << TABLE_BITS];

void callers_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		spin_lock_init(&table[i].lock);
		INIT_HLIST_HEAD(&table[i].head);
	}
}

static unsigned int slot_of(const struct task_struct *task)
{
	return hash_ptr(task, TABLE_BITS);
}

/* The innermost caller of a task: newer ones stand before older ones. The slot's lock is held. */
static struct caller *find(unsigned int slot, const struct task_struct *task)
{
	struct caller *c;

	lockdep_assert_held(&table[slot].lock);
	hlist_for_each_entry(c, &table[slot].head, link) if (c->task == task) return c;
	return NULL;
}

/* c is zero but for what the caller has set. */
void caller_enter(struct caller *c, struct as *as)
{
	unsigned int slot = slot_of(current);

	c->task = current;
	c->as = as;
	spin_lock(&table[slot].lock);
	hlist_add_head(&c->link, &table[slot].head);
	spin_unlock(&table[slot].lock);
}

void caller_leave(struct caller *c)
{
	unsigned int slot = slot_of(c->task);

	spin_lock(&table[slot].lock);
	hlist_del(&c->link);
	spin_unlock(&table[slot].lock);
}

/* The result is this thread's own, so it stays. */
struct caller *caller_get(void)
{
	unsigned int slot = slot_of(current);
	struct caller *c;

	spin_lock(&table[slot].lock);
	c = find(slot, current);
	spin_unlock(&table[slot].lock);
	return c;
}

struct as *engine_current(void)
{
	struct caller *c = caller_get();

	return c != NULL ? c->as : NULL;
}

/*
 * All callers of the thread are told, for the wait may be an inner one's. A promise of the core: it
 * holds the a_lock of what the thread serves (here only the thread is known, so this cannot be
 * asserted). So the thread stays in one of them for as long as it is named here, and is alive.
 */
void engine_interrupt(kt_did_t server)
{
	struct task_struct *task = (struct task_struct *)(uintptr_t)server;
	unsigned int slot = slot_of(task);
	bool found = false;
	struct caller *c;

	spin_lock(&table[slot].lock);
	hlist_for_each_entry(c, &table[slot].head, link)
	{
		if (c->task == task) {
			WRITE_ONCE(c->interrupted, true);
			WRITE_ONCE(c->leave, true);
			found = true;
		}
	}
	if (found)
		wake_up_process(task);
	spin_unlock(&table[slot].lock);
}

void callers_revoke(const dev_info_t *dip, bool kill)
{
	struct caller *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		spin_lock(&table[i].lock);
		hlist_for_each_entry(c, &table[i].head, link)
		{
			if (c->dip != dip)
				continue;
			WRITE_ONCE(c->leave, true);
			if (kill) {
				pr_warn("devmap: %s: process %d (%s) is killed: it is in a call of a "
					"driver whose device is being removed\n",
					dip->name, task_tgid_nr(c->task), c->task->comm);
				send_sig(SIGKILL, c->task, 1);
			}
			wake_up_process(c->task);
		}
		spin_unlock(&table[i].lock);
	}
}

bool caller_signalled(void)
{
	struct caller *c = caller_get();

	if (fatal_signal_pending(current))
		return true;
	if (c == NULL)
		return false;
	if (c->dip != NULL && instance_going(c->dip))
		return true;
	if (READ_ONCE(c->interrupted)) {
		WRITE_ONCE(c->interrupted, false);
		return true;
	}
	if (caller_expired(c))
		return true;
	return !c->killable_only && signal_pending(current);
}

/*
 * A sleeper must also be found by wake_up_process(), which finds all of these. None is TASK_FREEZABLE:
 * that would freeze a thread where it is, in the queue, and give it the turn there. The freezer's
 * signal ends an interruptible wait, and the thread is frozen when it has left; the others are those
 * of the kernel's own accesses, which end by themselves (patience.c).
 */
unsigned int caller_sleep_state(void)
{
	struct caller *c = caller_get();

	return c == NULL || c->killable_only ? TASK_KILLABLE : TASK_INTERRUPTIBLE;
}

hrtime_t caller_until(void)
{
	struct caller *c = caller_get();

	return c != NULL && c->until != 0 ? c->until : NEVER;
}

/*
 * A thread that is ending cannot be made to: its SIGKILL has come already. (It still has accesses to
 * make: robust futexes, clear_child_tid.) And a kernel thread that has borrowed the address space has
 * no signals, and others to serve. A worker of io_uring is a thread of the process, and is killed with
 * it.
 */
bool may_wait(void)
{
	return (current->flags &
		(PF_EXITING | PF_SIGNALED | PF_DUMPCORE | PF_POSTCOREDUMP | PF_KTHREAD)) == 0;
}
