// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Accesses to pages that are not loaded. For each page of a space there is one `ask`, however many
 * threads want the page: one of them leads, and runs the core and the driver; the others follow, which
 * is to say wait until it has an answer or leaves, and then try again. Whoever finds an ask that nobody
 * leads takes the lead, and with it the place in the queue, which is in `fault`.
 *
 * So an ask without threads is kept for a while: it has the place of a thread that took a signal. And
 * after a grant it is kept until the page is inserted, when the rest begins (C8).
 */
#include "linux.h"

#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

#define IDLE_MAX 64 /* of a space; the oldest loses its place */

/* All but `fault`, which is the leader's, by asks->lock. */
struct ask {
	struct rb_node node;   /* in asks->tree, while listed */
	struct list_head link; /* in asks->idle, while listed and without users */
	uintptr_t page;
	unsigned int users; /* threads that lead or follow */
	bool listed;	    /* new threads find it */
	bool led;
	bool answered; /* for good: whoever comes now makes a new one */
	bool granted;  /* with it the device was */
	int signal;    /* once answered: the access fails; 0: it may be made */
	uint_t rw;     /* the leader's */
	wait_queue_head_t followers;
	struct devmap_fault fault;
};

void asks_init(struct asks *asks)
{
	spin_lock_init(&asks->lock);
	asks->tree = RB_ROOT;
	asks->n = 0;
	INIT_LIST_HEAD(&asks->idle);
	asks->nidle = 0;
}

/* No thread works for the space any more: all are idle. */
void asks_fini(struct asks *asks)
{
	struct ask *a, *next;

	list_for_each_entry_safe(a, next, &asks->idle, link)
		kfree(a);
}

/*
 * The asks of a space. asks->lock is held from here on down to the next comment that says
 * otherwise, and all but the comparisons, which are called from here only, assert it.
 * Functions that take one out return it if it is to be freed.
 */

static int compare_page(const void *page, const struct rb_node *node)
{
	const struct ask *a = rb_entry(node, struct ask, node);
	uintptr_t p = *(const uintptr_t *)page;

	return p < a->page ? -1 : p > a->page;
}

static int compare(struct rb_node *node, const struct rb_node *other)
{
	return compare_page(&rb_entry(node, struct ask, node)->page, other);
}

static struct ask *find(struct asks *asks, uintptr_t page)
{
	struct rb_node *node;

	lockdep_assert_held(&asks->lock);
	node = rb_find(&page, &asks->tree, compare_page);
	return node != NULL ? rb_entry(node, struct ask, node) : NULL;
}

static void list(struct asks *asks, struct ask *a)
{
	lockdep_assert_held(&asks->lock);
	(void)rb_find_add(&a->node, &asks->tree, compare);
	a->listed = true;
	WRITE_ONCE(asks->n, asks->n + 1);
}

static void not_idle(struct asks *asks, struct ask *a)
{
	lockdep_assert_held(&asks->lock);
	list_del(&a->link);
	asks->nidle--;
}

/* Nobody finds it any more. */
static struct ask *unlist(struct asks *asks, struct ask *a)
{
	lockdep_assert_held(&asks->lock);
	rb_erase(&a->node, &asks->tree);
	a->listed = false;
	WRITE_ONCE(asks->n, asks->n - 1);
	if (a->users > 0)
		return NULL;
	not_idle(asks, a);
	return a;
}

static struct ask *make_idle(struct asks *asks, struct ask *a)
{
	struct ask *oldest = NULL;

	lockdep_assert_held(&asks->lock);
	if (asks->nidle == IDLE_MAX)
		oldest = unlist(asks, list_first_entry(&asks->idle, struct ask, link));
	list_add_tail(&a->link, &asks->idle);
	asks->nidle++;
	return oldest;
}

/* A thread leaves. */
static struct ask *drop(struct asks *asks, struct ask *a)
{
	lockdep_assert_held(&asks->lock);
	if (--a->users > 0)
		return NULL;
	return a->listed ? make_idle(asks, a) : a;
}

/* A thread comes, for an access of kind rw. Does it lead? */
static bool join(struct asks *asks, struct ask *a, uint_t rw)
{
	bool leads = !a->led;

	lockdep_assert_held(&asks->lock);
	a->users++;
	a->led = true;
	if (leads)
		a->rw = rw;
	return leads;
}

/*
 * From here on asks->lock is not held.
 */

static struct ask *ask_alloc(struct space *s, uintptr_t page)
{
	struct ask *a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);

	if (a == NULL)
		return NULL;
	a->page = page;
	a->fault.f_as = &s->as;
	a->fault.f_direct = B_TRUE;
	init_waitqueue_head(&a->followers);
	return a;
}

/* The page's ask, with this thread in it; NULL: no memory. */
static struct ask *ask_enter(struct space *s, uintptr_t page, uint_t rw, bool *leads)
{
	struct ask *new = ask_alloc(s, page), *a, *old = NULL;
	struct asks *asks = &s->asks;

	if (new == NULL)
		return NULL;
	spin_lock(&asks->lock);
	a = find(asks, page);
	if (a != NULL && a->answered) { /* the page was lost again */
		old = unlist(asks, a);
		a = NULL;
	}
	if (a == NULL) {
		a = new;
		new = NULL;
		list(asks, a);
	} else if (a->users == 0) {
		not_idle(asks, a);
	}
	*leads = join(asks, a, rw);
	spin_unlock(&asks->lock);
	kfree(new);
	kfree(old);
	return a;
}

static void ask_leave(struct asks *asks, struct ask *a)
{
	struct ask *old;

	spin_lock(&asks->lock);
	old = drop(asks, a);
	spin_unlock(&asks->lock);
	kfree(old);
}

/* The leader leaves with an answer, or without one (left): another may lead then. */
static void ask_end(struct asks *asks, struct ask *a, bool left, int signal, bool granted)
{
	struct ask *old;

	spin_lock(&asks->lock);
	a->led = false;
	a->answered = !left;
	a->signal = signal;
	a->granted = granted;
	if (!left && !granted && a->listed)
		(void)unlist(asks, a); /* this thread is in it, so it stays */
	wake_up_all(&a->followers);
	old = drop(asks, a);
	spin_unlock(&asks->lock);
	kfree(old);
}

/* A driver may give up for a signal that has come, or for the end of its time: that is no answer. */
static bool gave_up(const struct devmap_fault *f, const struct caller *c)
{
	return f->f_error == EINTR && (signal_pending(current) || caller_expired(c));
}

/* As ask(). The driver is called from here. */
static int lead(struct space *s, struct ask *a, uintptr_t addr, uint_t rw, struct caller *c)
{
	struct devmap_fault *f = &a->fault;
	enum devmap_fault_result result;
	bool left, granted;
	int signal;

	f->f_addr = addr; /* the same page, but after another's try perhaps another access */
	f->f_rw = rw;
	space_name(s);
	result = devmap_fault(f);
	granted = result == DEVMAP_FAULT_DONE && f->f_granted;
	if (granted)
		devmap_fault_woken(f);
	left = f->f_again || (result == DEVMAP_FAULT_FAILED && gave_up(f, c));
	signal = result == DEVMAP_FAULT_FAILED && !left ? f->f_signal : 0;
	ask_end(&s->asks, a, left, signal, granted);
	return left && caller_expired(c) ? SIGBUS : signal;
}

/* Is there nobody any more to wait for? */
static bool is_over(struct asks *asks, const struct ask *a)
{
	bool over;

	spin_lock(&asks->lock);
	over = !a->led;
	spin_unlock(&asks->lock);
	return over;
}

/* What the answer means for this thread's access; of another kind it is an access of its own. */
static int answer_of(struct asks *asks, const struct ask *a, uint_t rw)
{
	int signal;

	spin_lock(&asks->lock);
	signal = a->answered && a->rw == rw ? a->signal : 0;
	spin_unlock(&asks->lock);
	return signal;
}

/* As ask(). */
static int follow(struct space *s, struct ask *a, uint_t rw, struct caller *c)
{
	bool over, ended = false;
	DEFINE_WAIT(entry);
	int signal;

	for (;;) {
		prepare_to_wait(&a->followers, &entry, caller_sleep_state());
		over = is_over(&s->asks, a);
		ended = !over && caller_signalled();
		if (over || ended)
			break;
		(void)sleep_in_state(caller_until(), 0);
	}
	finish_wait(&a->followers, &entry);
	signal = answer_of(&s->asks, a, rw);
	ask_leave(&s->asks, a);
	return ended && caller_expired(c) ? SIGBUS : signal;
}

int ask(struct space *s, uintptr_t addr, uint_t rw, hrtime_t until)
{
	struct caller c = { .in_access = true, .killable_only = until != NEVER };
	struct ask *a;
	bool leads;
	int signal;

	lockdep_assert_not_held(&s->mm->mmap_lock);
	a = ask_enter(s, addr & PAGE_MASK, rw, &leads);
	if (a == NULL)
		return -ENOMEM;
	c.until = until != NEVER ? until : 0;
	caller_enter(&c, &s->as);
	signal = leads ? lead(s, a, addr, rw, &c) : follow(s, a, rw, &c);
	caller_leave(&c);
	return signal;
}

/*
 * The rest of a grant begins when the page is there. And nobody needs a place in the queue for it any
 * more, unless threads are in it just now.
 */
void ask_inserted(struct space *s, uintptr_t addr)
{
	struct asks *asks = &s->asks;
	struct ask *a;
	bool granted;

	if (READ_ONCE(asks->n) == 0)
		return;
	spin_lock(&asks->lock);
	a = find(asks, addr & PAGE_MASK);
	if (a == NULL || (!a->answered && a->users > 0)) {
		spin_unlock(&asks->lock);
		return;
	}
	(void)unlist(asks, a);
	a->users++;
	granted = a->granted;
	spin_unlock(&asks->lock);
	if (granted)
		devmap_fault_woken(&a->fault);
	ask_leave(asks, a);
}
