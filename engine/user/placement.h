/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * At which addresses of a client something is placed: lists of ranges that do not overlap. Whose
 * list it is guards it.
 */
#ifndef DEVMAP_ENGINE_USER_PLACEMENT_H
#define DEVMAP_ENGINE_USER_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

struct placement {
	struct placement *next;
	uintptr_t start, end;
	size_t page; /* of what is placed: this one is at start, and those after it follow */
};

/* What stood in [start, end) before does so no more. 0, or -ENOMEM and nothing has changed. */
int placement_add(struct placement **list, uintptr_t start, uintptr_t end, size_t page);
/* Without memory what would become two ranges stays one: the list may have too much, never too little. */
void placement_remove(struct placement **list, uintptr_t start, uintptr_t end);
/* Moves what shows pages [page, page + n). 0, or -ENOMEM and nothing has changed. */
int placement_move(struct placement **to, struct placement **from, size_t page, size_t n);
/* Calls fn for each range of addresses at which there are some of the pages [page, page + n). */
void placement_each(const struct placement *list, size_t page, size_t n,
		    void (*fn)(void *arg, uintptr_t start, uintptr_t end, size_t page), void *arg);
void placement_free(struct placement **list);

#endif
