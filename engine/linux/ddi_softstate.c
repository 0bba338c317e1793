// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * ddi_soft_state(9F).
 *
 * Every entry point of a driver looks its state up, so that takes no lock: the table is replaced
 * when it grows, and tables that were outgrown are kept until the end, since somebody may be
 * reading them. state->lock guards changes.
 */
#include "linux.h"

#include <linux/slab.h>

#define ITEMS_MAX	(1 << 20)	/* minors have 20 bits on Linux */

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
	struct table *t = kvzalloc(struct_size(t, items, n), GFP_KERNEL);

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
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	t = table_new(n_items > 0 && n_items < ITEMS_MAX ? (int)n_items : 8);
	if (s == NULL || t == NULL) {
		kfree(s);
		kvfree(t);
		return ENOMEM;
	}
	mutex_init(&s->lock, NULL, MUTEX_DRIVER, NULL);
	s->size = size;
	s->table = t;
	*state_p = s;
	return 0;
}
EXPORT_SYMBOL(ddi_soft_state_init);

/* A table with room for item. Called with s->lock held. */
static struct table *table_for(struct soft_state *s, int item)
{
	struct table *t = s->table, *bigger;
	int i, n = t->n;

	if (item < n)
		return t;
	while (n <= item)
		n *= 2;
	bigger = table_new(n);
	if (bigger == NULL)
		return NULL;
	for (i = 0; i < t->n; i++)
		bigger->items[i] = t->items[i];
	bigger->outgrown = t;
	smp_store_release(&s->table, bigger);
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
		p = kvzalloc(s->size, GFP_KERNEL);
		smp_store_release(&t->items[item], p);
		result = p != NULL ? DDI_SUCCESS : DDI_FAILURE;
	}
	mutex_exit(&s->lock);
	return result;
}
EXPORT_SYMBOL(ddi_soft_state_zalloc);

void *ddi_get_soft_state(void *state, int item)
{
	struct soft_state *s = state;
	struct table *t;

	if (s == NULL || item < 0)
		return NULL;
	t = smp_load_acquire(&s->table);
	return item < t->n ? smp_load_acquire(&t->items[item]) : NULL;
}
EXPORT_SYMBOL(ddi_get_soft_state);

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
	mutex_enter(&s->lock);
	/* In the outgrown tables too, or a reader of one would find what was freed long ago. */
	for (t = s->table; t != NULL && item >= 0; t = t->outgrown) {
		void *found = item < t->n ? xchg(&t->items[item], NULL) : NULL;

		p = p != NULL ? p : found;
	}
	mutex_exit(&s->lock);
	if (p == NULL)
		driver_mistake(CALLER(), "ddi_soft_state_free", "there is no item %d", item);
	kvfree(p);
}
EXPORT_SYMBOL(ddi_soft_state_free);

void ddi_soft_state_fini(void **state_p)
{
	struct soft_state *s = state_p != NULL ? *state_p : NULL;
	struct table *t, *next;
	int i;

	if (s == NULL)
		return;
	for (i = 0; i < s->table->n; i++)
		kvfree(s->table->items[i]);
	for (t = s->table; t != NULL; t = next) {
		next = t->outgrown;
		kvfree(t);
	}
	mutex_destroy(&s->lock);
	kfree(s);
	*state_p = NULL;
}
EXPORT_SYMBOL(ddi_soft_state_fini);
