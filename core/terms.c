/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What an operator has set for a device at run time (devmap set), instead of what its driver says: kept by
 * instance, since groups come and go. group.c's groups_lock guards the list.
 */
#include "internal.h"

static struct terms_entry *entries;

static struct terms_entry **find(const dev_info_t *dip)
{
	struct terms_entry **p = &entries;

	while (*p != NULL && (*p)->te_dip != dip)
		p = &(*p)->te_next;
	return p;
}

struct devmap_terms terms_of_instance(const dev_info_t *dip)
{
	const struct terms_entry *e = *find(dip);

	if (e != NULL)
		return e->te_terms;
	return (struct devmap_terms){ .hold = -1, .overhead = -1, .lock = -1 };
}

struct terms_entry *terms_put(dev_info_t *dip, const struct devmap_terms *t,
			      struct terms_entry *fresh)
{
	struct terms_entry **p = find(dip);

	if (*p == NULL) {
		*p = fresh;
		fresh->te_dip = dip;
		fresh->te_next = NULL;
		fresh = NULL;
	}
	(*p)->te_terms = *t;
	return fresh;
}

struct terms_entry *terms_take(const dev_info_t *dip)
{
	struct terms_entry **p = dip != NULL ? find(dip) : &entries, *e = *p;

	if (e != NULL)
		*p = e->te_next;
	return e;
}
