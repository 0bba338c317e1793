/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * At which addresses of a client something is placed: sets of ranges that do not overlap. Whose set it is
 * guards it. A process may have tens of thousands of mappings, so a set is a tree.
 */
#ifndef DEVMAP_ENGINE_USER_PLACEMENT_H
#define DEVMAP_ENGINE_USER_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

struct placements {
	void *tree; /* of tsearch(3); NULL: empty */
};

/* What stood in [start, end) before does so no more. 0, or -ENOMEM: then it may, or may not. */
int placement_add(struct placements *set, uintptr_t start, uintptr_t end, size_t page);
/* Without memory what would become two ranges stays one: the set may have too much, never too little. */
void placement_remove(struct placements *set, uintptr_t start, uintptr_t end);
/* Moves what shows pages [page, page + n) to a set that is empty. 0, or -ENOMEM and nothing has changed. */
int placement_move(struct placements *to, struct placements *from, size_t page, size_t n);
/*
 * Calls fn for each range of addresses at which there are some of the pages [page, page + n), by address,
 * with the first of them. fn does not change the set.
 */
void placement_each(const struct placements *set, size_t page, size_t n,
		    void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page), void *arg);
void placement_free(struct placements *set);

#endif
