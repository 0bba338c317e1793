/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi_soft_state(9F).
 *
 * Every entry point of a driver looks its state up, so that takes no lock: the table is replaced
 * when it grows, and tables that were outgrown are kept until the end, since somebody may be
 * reading them. state->lock guards changes.
 */
#include <sys/errno.h>
#include <sys/sunddi.h>

#include "ddi.h"
#include "port.h"

#define ITEMS_MAX (1 << 20) /* minors have 20 bits on Linux */

struct table {
	struct table *outgrown;
	int n;
	void *items[];
};

struct soft_state {
	kmutex_t lock;
	size_t size;
	struct table *table;
};

static struct table *table_new(int n)
{
	struct table *t = port_alloc(sizeof(*t) + (size_t)n * sizeof(t->items[0]));

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
	s = port_alloc(sizeof(*s));
	t = table_new(n_items > 0 && n_items < ITEMS_MAX ? (int)n_items : 8);
	if (s == NULL || t == NULL) {
		port_free(s);
		port_free(t);
		return ENOMEM;
	}
	mutex_init(&s->lock, NULL, MUTEX_DRIVER, NULL);
	s->size = size;
	s->table = t;
	*state_p = s;
	return 0;
}

/* A table with room for item. Called with s->lock held. */
static struct table *table_for(struct soft_state *s, int item)
{
	struct table *t = s->table, *bigger;
	int n = t->n;

	ASSERT(MUTEX_HELD(&s->lock));
	if (item < n)
		return t;
	while (n <= item)
		n *= 2;
	bigger = table_new(n);
	if (bigger == NULL)
		return NULL;
	for (int i = 0; i < t->n; i++)
		bigger->items[i] = t->items[i];
	bigger->outgrown = t;
	__atomic_store_n(&s->table, bigger, __ATOMIC_RELEASE);
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
	mutex_enter(&s->lock);
	t = table_for(s, item);
	if (t != NULL && t->items[item] == NULL) {
		p = port_alloc(s->size);
		__atomic_store_n(&t->items[item], p, __ATOMIC_RELEASE);
		result = p != NULL ? DDI_SUCCESS : DDI_FAILURE;
	}
	mutex_exit(&s->lock);
	return result;
}

void *ddi_get_soft_state(void *state, int item)
{
	struct soft_state *s = state;
	struct table *t;

	if (s == NULL || item < 0)
		return NULL;
	t = __atomic_load_n(&s->table, __ATOMIC_ACQUIRE);
	return item < t->n ? __atomic_load_n(&t->items[item], __ATOMIC_ACQUIRE) : NULL;
}

void ddi_soft_state_free(void *state, int item)
{
	struct soft_state *s = state;
	struct table *t;
	void *p = NULL;

	if (s == NULL) {
		driver_mistake(CALL_SITE(), "ddi_soft_state_free",
			       "no state: ddi_soft_state_init first");
		return;
	}
	mutex_enter(&s->lock);
	/* In the outgrown tables too, or a reader of one would find what was freed long ago. */
	for (t = s->table; t != NULL && item >= 0; t = t->outgrown) {
		void *found = NULL;

		if (item < t->n)
			found = __atomic_exchange_n(&t->items[item], NULL, __ATOMIC_RELAXED);
		p = p != NULL ? p : found;
	}
	mutex_exit(&s->lock);
	if (p == NULL)
		driver_mistake(CALL_SITE(), "ddi_soft_state_free", "there is no item %d", item);
	port_free(p);
}

void ddi_soft_state_fini(void **state_p)
{
	struct soft_state *s = state_p != NULL ? *state_p : NULL;
	struct table *t, *next;

	if (s == NULL)
		return;
	t = s->table;
	for (int i = 0; i < t->n; i++)
		port_free(t->items[i]);
	for (; t != NULL; t = next) {
		next = t->outgrown;
		port_free(t);
	}
	mutex_destroy(&s->lock);
	port_free(s);
	*state_p = NULL;
}
