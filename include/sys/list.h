/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/list.h: doubly linked lists of objects that have a list_node_t somewhere inside. list_create(9F).
 * The driver's own lock guards a list. Where an object is meant it is the object's address, not that
 * of its node.
 */
#ifndef DEVMAP_SYS_LIST_H
#define DEVMAP_SYS_LIST_H

#include <sys/types.h>

typedef struct list_node {
	struct list_node *list_next; /* NULL: on no list */
	struct list_node *list_prev;
} list_node_t;

typedef struct list {
	size_t list_size;
	size_t list_offset;
	struct list_node list_head;
} list_t;

/* size: of an object; offset: of the list_node_t in it; in bytes. */
void list_create(list_t *list, size_t size, size_t offset);
void list_destroy(list_t *list); /* which is empty */

/* object NULL: at the beginning, or at the end */
void list_insert_after(list_t *list, void *object, void *nobject);
void list_insert_before(list_t *list, void *object, void *nobject);
void list_insert_head(list_t *list, void *object);
void list_insert_tail(list_t *list, void *object);
void list_remove(list_t *list, void *object);
void *list_remove_head(list_t *list); /* NULL: the list is empty */
void *list_remove_tail(list_t *list);
void list_move_tail(list_t *dst, list_t *src); /* all of src, which is empty afterwards */

/* NULL: there is none */
void *list_head(list_t *list);
void *list_tail(list_t *list);
void *list_next(list_t *list, void *object);
void *list_prev(list_t *list, void *object);
int list_is_empty(list_t *list);

void list_link_init(list_node_t *node);
void list_link_replace(list_node_t *lold, list_node_t *lnew); /* in lold's place; lold is on none */
int list_link_active(list_node_t *node);		      /* non-zero: on a list */

#endif /* DEVMAP_SYS_LIST_H */
