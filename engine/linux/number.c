// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Process ids as drivers see them: ddi_get_pid(9F). Drivers find a process's context by it, so it
 * means one address space, and each that lives has another. Mostly it is the id of the process. But
 * an address space can outlive that process (clone(2) with CLONE_VM), and Linux gives the id to
 * somebody else meanwhile: he gets a number above all ids then.
 *
 * A record stands for each mm_struct whose process has called a driver. It says the same in
 * open(9E), before there is a mapping, and in close(9E), when a process that exits has no memory
 * any more. It goes when the address space, its mappings and the process are gone; somebody else's
 * call sees to that.
 *
 * numbers_lock guards all of it, and is a leaf.
 */
#include "linux.h"

#include <linux/hashtable.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/threads.h>

#include "internal.h"

#define LOOKED_AT 8 /* records a call, from the oldest on, that may be of no use any more */

struct number {
	struct list_head link; /* of all, oldest first */
	struct hlist_node by_mm, by_value;
	struct mm_struct *mm; /* mmgrab()bed: the address is nobody else's */
	struct pid *process;  /* held; NULL: another record is that process's now */
	pid_t value;
	unsigned int users; /* a space, and calls in progress */
};

static DEFINE_SPINLOCK(numbers_lock);
static LIST_HEAD(numbers);
static DEFINE_HASHTABLE(numbers_of_mm, 8);
static DEFINE_HASHTABLE(numbers_of_value, 8);
static pid_t last_alias = PID_MAX_LIMIT;

/*
 * numbers_lock is held, here and down to number_list(), and all but is_own(), which looks at this
 * thread only, assert it.
 */
static struct number *of_mm(const struct mm_struct *mm)
{
	struct number *n;

	lockdep_assert_held(&numbers_lock);
	hash_for_each_possible(numbers_of_mm, n, by_mm, (ulong_t)mm) if (n->mm == mm) return n;
	return NULL;
}

static bool is_space(const struct number *n)
{
	lockdep_assert_held(&numbers_lock);
	return n->users > 0 || atomic_read(&n->mm->mm_users) > 0;
}

static bool is_used(const struct number *n)
{
	lockdep_assert_held(&numbers_lock);
	return is_space(n) || (n->process != NULL && pid_has_task(n->process, PIDTYPE_TGID));
}

/*
 * Does another address space than this process's go by it? What a process was before execve(2) does
 * not count, once it is gone.
 */
static bool is_anothers(pid_t value)
{
	struct number *n;

	lockdep_assert_held(&numbers_lock);
	hash_for_each_possible(numbers_of_value, n, by_value,
			       (u32)value) if (n->value == value &&
					       (n->process == task_tgid(current) ?
							is_space(n) :
							is_used(n))) return true;
	return false;
}

static struct number *of_process(const struct pid *process)
{
	struct number *n;

	lockdep_assert_held(&numbers_lock);
	list_for_each_entry_reverse(n, &numbers, link) if (n->process == process) return n;
	return NULL;
}

static void unlist(struct number *n, struct list_head *gone)
{
	lockdep_assert_held(&numbers_lock);
	hash_del(&n->by_mm);
	hash_del(&n->by_value);
	list_move(&n->link, gone);
}

/*
 * Does this thread belong to the process? Also when it exits, or has just got other memory by
 * execve(2), and what it had before is being ended.
 */
static bool is_own(const struct mm_struct *mm)
{
	return mm == current->mm || current->in_execve ||
	       (current->mm == NULL && (current->flags & PF_EXITING) != 0);
}

/* Some of those that are of no use go to `gone`; the others have had their turn. */
static void sweep(struct list_head *gone)
{
	struct number *n;
	int i;

	lockdep_assert_held(&numbers_lock);
	for (i = 0; i < LOOKED_AT && !list_empty(&numbers); i++) {
		n = list_first_entry(&numbers, struct number, link);
		if (is_used(n)) {
			list_del(&n->link);
			list_add_tail(&n->link, &numbers);
		} else {
			unlist(n, gone);
		}
	}
}

/* The process's own id, unless another address space goes by it. */
static pid_t new_value(pid_t own)
{
	lockdep_assert_held(&numbers_lock);
	if (own != 0 && !is_anothers(own))
		return own;
	do
		last_alias = last_alias == INT_MAX ? PID_MAX_LIMIT + 1 : last_alias + 1;
	while (is_anothers(last_alias));
	return last_alias;
}

static void number_list(struct number *n, bool own)
{
	struct number *before;

	lockdep_assert_held(&numbers_lock);
	n->value = new_value(own ? task_tgid_nr(current) : 0);
	if (own) {
		before = of_process(task_tgid(current));
		n->process = before != NULL ? before->process : get_pid(task_tgid(current));
		if (before != NULL)
			before->process = NULL;
	}
	mmgrab(n->mm);
	hash_add(numbers_of_mm, &n->by_mm, (ulong_t)n->mm);
	hash_add(numbers_of_value, &n->by_value, (u32)n->value);
	list_add_tail(&n->link, &numbers);
}

/* numbers_lock is not held. */
static void free_all(struct list_head *gone)
{
	struct number *n, *next;

	lockdep_assert_not_held(&numbers_lock);
	list_for_each_entry_safe(n, next, gone, link) {
		mmdrop(n->mm);
		put_pid(n->process);
		kfree(n);
	}
}

struct number *number_get(struct mm_struct *mm)
{
	struct number *n, *fresh = NULL;
	LIST_HEAD(gone);

	spin_lock(&numbers_lock);
	n = of_mm(mm);
	if (n == NULL) {
		spin_unlock(&numbers_lock);
		fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
		if (fresh == NULL)
			return NULL;
		spin_lock(&numbers_lock);
		sweep(&gone);
		n = of_mm(mm);
	}
	if (n == NULL) {
		n = fresh;
		fresh = NULL;
		n->mm = mm;
		number_list(n, is_own(mm));
	}
	n->users++;
	spin_unlock(&numbers_lock);
	free_all(&gone);
	kfree(fresh);
	return n;
}

void number_put(struct number *n)
{
	LIST_HEAD(gone);

	spin_lock(&numbers_lock);
	n->users--;
	sweep(&gone);
	spin_unlock(&numbers_lock);
	free_all(&gone);
}

struct number *number_of_exiting(void)
{
	struct number *n;

	spin_lock(&numbers_lock);
	n = of_process(task_tgid(current));
	if (n != NULL)
		n->users++;
	spin_unlock(&numbers_lock);
	return n;
}

/* It stays as it is. */
pid_t number_value(const struct number *n)
{
	return n->value;
}

/* No driver is loaded any more, so nobody else comes to the list. */
void numbers_fini(void)
{
	free_all(&numbers);
}
