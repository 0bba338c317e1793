// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Address spaces: the core's `as` for each mm_struct that has mappings of ours. */
#include "linux.h"

#include <linux/hashtable.h>
#include <linux/slab.h>

#include "internal.h"

static DEFINE_SPINLOCK(space_lock);
static DEFINE_HASHTABLE(spaces, 8);

/* space_lock is held. One that is on its way out is as good as none. */
static struct space *find(struct mm_struct *mm)
{
	struct space *s;

	lockdep_assert_held(&space_lock);
	hash_for_each_possible(spaces, s, link,
			       (unsigned long)mm) if (s->mm == mm &&
						      refcount_inc_not_zero(&s->refs)) return s;
	return NULL;
}

struct space *space_get(struct mm_struct *mm)
{
	struct space *s;

	spin_lock(&space_lock);
	s = find(mm);
	spin_unlock(&space_lock);
	return s;
}

/* Who it is, for messages and lists. A child of fork(2) says it itself later: space_name(). */
static struct space *space_alloc(struct mm_struct *mm)
{
	struct space *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	bool own = mm == current->mm;

	if (s == NULL)
		return NULL;
	devmap_as_init(&s->as, own ? task_tgid_nr(current) : 0, current->group_leader->comm);
	s->mm = mm;
	refcount_set(&s->refs, 1);
	asks_init(&s->asks);
	patience_init(&s->patience);
	return s;
}

struct space *space_get_or_make(struct mm_struct *mm)
{
	struct space *s = space_get(mm), *new;

	if (s != NULL)
		return s;
	new = space_alloc(mm);
	if (new == NULL)
		return NULL;
	spin_lock(&space_lock);
	s = find(mm);
	if (s == NULL)
		hash_add(spaces, &new->link, (unsigned long)mm);
	spin_unlock(&space_lock);
	if (s == NULL)
		return new;
	devmap_as_exit(&new->as);
	kfree(new);
	return s;
}

/* Of a slot of the table: one that this round has not visited yet, held; or NULL. */
static struct space *not_visited(size_t slot, unsigned int round)
{
	struct space *s, *found = NULL;

	spin_lock(&space_lock);
	hlist_for_each_entry(s, &spaces[slot], link)
	{
		if (s->visited != round && refcount_inc_not_zero(&s->refs)) {
			s->visited = round;
			found = s;
			break;
		}
	}
	spin_unlock(&space_lock);
	return found;
}

/*
 * No copy from or to the process: this is another. So mmap_locked, although nobody need hold that
 * lock here.
 */
static void space_revoke(struct space *s, const dev_info_t *dip)
{
	struct caller c = { .mmap_locked = true };

	caller_enter(&c, &s->as);
	devmap_unmap_device(&s->as, dip);
	caller_leave(&c);
}

void spaces_revoke(const dev_info_t *dip)
{
	static atomic_t rounds;
	unsigned int round = (unsigned int)atomic_inc_return(&rounds);
	struct space *s;
	size_t slot;

	for (slot = 0; slot < ARRAY_SIZE(spaces); slot++) {
		while ((s = not_visited(slot, round)) != NULL) {
			space_revoke(s, dip);
			space_put(s);
		}
	}
}

const struct number *space_number(struct space *s)
{
	struct number *n = READ_ONCE(s->number);

	if (n != NULL)
		return n;
	n = number_get(s->mm);
	if (n != NULL && cmpxchg(&s->number, NULL, n) != NULL)
		number_put(n);
	return READ_ONCE(s->number);
}

void space_name(struct space *s)
{
	if (READ_ONCE(s->as.a_pid) != 0 || s->mm != current->mm)
		return;
	mutex_enter(&s->as.a_lock);
	WRITE_ONCE(s->as.a_pid, task_tgid_nr(current));
	strscpy(s->as.a_comm, current->group_leader->comm, sizeof(s->as.a_comm));
	mutex_exit(&s->as.a_lock);
}

void space_hold(struct space *s)
{
	refcount_inc(&s->refs);
}

/*
 * With the last vma the mappings are gone already, except those of a fork(2) that failed half way.
 * mmap_lock is held by those that end a vma, and not by others: mmap_locked goes for both.
 */
void space_put(struct space *s)
{
	struct caller c = { .mmap_locked = true };

	if (!refcount_dec_and_test(&s->refs))
		return;
	spin_lock(&space_lock);
	hash_del(&s->link);
	spin_unlock(&space_lock);
	caller_enter(&c, &s->as);
	devmap_as_exit(&s->as);
	caller_leave(&c);
	if (s->number != NULL)
		number_put(s->number);
	asks_fini(&s->asks);
	patience_fini(&s->patience);
	kfree(s);
}
