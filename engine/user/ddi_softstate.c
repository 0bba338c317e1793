/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi_soft_state(9F).
 *
 * Every entry point of a driver looks its state up, so that takes no lock: the table is replaced
 * when it grows, and tables that were outgrown are kept until the end, since somebody may be
 * reading them. state->lock guards changes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sys/sunddi.h>

#include "devinfo.h"

#define ITEMS_MAX	(1 << 20)	/* minors have 20 bits on Linux */

struct table {
	struct table *outgrown;
	int n;
	_Atomic(void *) items[];
};

struct soft_state {
	pthread_mutex_t lock;
	size_t size;
	_Atomic(struct table *) table;
};

static struct table *table_new(int n)
{
	struct table *t = calloc(1, sizeof (*t) + (size_t)n * sizeof (t->items[0]));

	if (t != NULL)
		t->n = n;
	return t;
}

int ddi_soft_state_init(void **state_p, size_t size, size_t n_items)
{
	struct soft_state *s;
	struct table *t;

	if (state_p == NULL || size == 0)
		return EINVAL;
	s = calloc(1, sizeof (*s));
	t = table_new(n_items > 0 && n_items < ITEMS_MAX ? (int)n_items : 8);
	if (s == NULL || t == NULL) {
		free(s);
		free(t);
		return ENOMEM;
	}
	(void)pthread_mutex_init(&s->lock, NULL);
	s->size = size;
	atomic_init(&s->table, t);
	*state_p = s;
	return 0;
}

/* A table with room for item. Called with s->lock held. */
static struct table *table_for(struct soft_state *s, int item)
{
	struct table *t = atomic_load(&s->table), *bigger;
	int n = t->n;

	if (item < n)
		return t;
	while (n <= item)
		n *= 2;
	bigger = table_new(n);
	if (bigger == NULL)
		return NULL;
	for (int i = 0; i < t->n; i++)
		atomic_init(&bigger->items[i], atomic_load(&t->items[i]));
	bigger->outgrown = t;
	atomic_store(&s->table, bigger);
	return bigger;
}

int ddi_soft_state_zalloc(void *state, int item)
{
	struct soft_state *s = state;
	int result = DDI_FAILURE;
	struct table *t;
	void *p;

	if (s == NULL || item < 0 || item >= ITEMS_MAX)
		return DDI_FAILURE;
	(void)pthread_mutex_lock(&s->lock);
	t = table_for(s, item);
	if (t != NULL && atomic_load(&t->items[item]) == NULL) {
		p = calloc(1, s->size);
		atomic_store(&t->items[item], p);
		result = p != NULL ? DDI_SUCCESS : DDI_FAILURE;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return result;
}

void *ddi_get_soft_state(void *state, int item)
{
	struct soft_state *s = state;
	struct table *t;

	if (s == NULL || item < 0)
		return NULL;
	t = atomic_load_explicit(&s->table, memory_order_acquire);
	return item < t->n ? atomic_load_explicit(&t->items[item], memory_order_acquire) : NULL;
}

void ddi_soft_state_free(void *state, int item)
{
	struct soft_state *s = state;
	struct table *t;
	void *p = NULL;

	if (s == NULL) {
		driver_mistake(CALLER(), "ddi_soft_state_free",
		    "no state: ddi_soft_state_init first");
		return;
	}
	(void)pthread_mutex_lock(&s->lock);
	/* In the outgrown tables too, or a reader of one would find what was freed long ago. */
	for (t = atomic_load(&s->table); t != NULL && item >= 0; t = t->outgrown) {
		void *found = item < t->n ? atomic_exchange(&t->items[item], NULL) : NULL;

		p = p != NULL ? p : found;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (p == NULL)
		driver_mistake(CALLER(), "ddi_soft_state_free", "there is no item %d", item);
	free(p);
}

void ddi_soft_state_fini(void **state_p)
{
	struct soft_state *s = state_p != NULL ? *state_p : NULL;
	struct table *t, *next;

	if (s == NULL)
		return;
	t = atomic_load(&s->table);
	for (int i = 0; i < t->n; i++)
		free(atomic_load(&t->items[i]));
	for (; t != NULL; t = next) {
		next = t->outgrown;
		free(t);
	}
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
	*state_p = NULL;
}
