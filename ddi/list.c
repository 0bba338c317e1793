/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* list_create(9F) and its relatives: a ring of nodes, one of which is the list's own. */
#include <sys/list.h>

#include "ddi.h"

static list_node_t *node_of(const list_t *list, void *object)
{
	return (list_node_t *)((char *)object + list->list_offset);
}

/* The object around a node of the ring; NULL: it is the list's own. */
static void *object_of(list_t *list, list_node_t *node)
{
	return node == &list->list_head ? NULL : (char *)node - list->list_offset;
}

/* Behind `before`, which is in the ring. */
static void insert(list_node_t *before, list_node_t *node)
{
	node->list_prev = before;
	node->list_next = before->list_next;
	before->list_next->list_prev = node;
	before->list_next = node;
}

static void take(list_node_t *node)
{
	node->list_prev->list_next = node->list_next;
	node->list_next->list_prev = node->list_prev;
	list_link_init(node);
}

static void make_empty(list_t *list)
{
	list->list_head.list_next = list->list_head.list_prev = &list->list_head;
}

void list_create(list_t *list, size_t size, size_t offset)
{
	list->list_size = size;
	list->list_offset = offset;
	make_empty(list);
}

void list_destroy(list_t *list)
{
	if (!list_is_empty(list)) {
		driver_mistake(CALL_SITE(), "list_destroy", "%p is not empty", (void *)list);
		return;
	}
	list_link_init(&list->list_head);
}

void list_insert_after(list_t *list, void *object, void *nobject)
{
	insert(object != NULL ? node_of(list, object) : &list->list_head, node_of(list, nobject));
}

void list_insert_before(list_t *list, void *object, void *nobject)
{
	list_node_t *behind = object != NULL ? node_of(list, object) : &list->list_head;

	insert(behind->list_prev, node_of(list, nobject));
}

void list_insert_head(list_t *list, void *object)
{
	insert(&list->list_head, node_of(list, object));
}

void list_insert_tail(list_t *list, void *object)
{
	insert(list->list_head.list_prev, node_of(list, object));
}

void list_remove(list_t *list, void *object)
{
	list_node_t *node = node_of(list, object);

	if (!list_link_active(node)) {
		driver_mistake(CALL_SITE(), "list_remove", "%p is on no list", object);
		return;
	}
	take(node);
}

void *list_remove_head(list_t *list)
{
	void *object = object_of(list, list->list_head.list_next);

	if (object != NULL)
		take(list->list_head.list_next);
	return object;
}

void *list_remove_tail(list_t *list)
{
	void *object = object_of(list, list->list_head.list_prev);

	if (object != NULL)
		take(list->list_head.list_prev);
	return object;
}

void list_move_tail(list_t *dst, list_t *src)
{
	list_node_t *first = src->list_head.list_next, *last = src->list_head.list_prev;

	if (list_is_empty(src))
		return;
	first->list_prev = dst->list_head.list_prev;
	last->list_next = &dst->list_head;
	dst->list_head.list_prev->list_next = first;
	dst->list_head.list_prev = last;
	make_empty(src);
}

void *list_head(list_t *list)
{
	return object_of(list, list->list_head.list_next);
}

void *list_tail(list_t *list)
{
	return object_of(list, list->list_head.list_prev);
}

void *list_next(list_t *list, void *object)
{
	return object_of(list, node_of(list, object)->list_next);
}

void *list_prev(list_t *list, void *object)
{
	return object_of(list, node_of(list, object)->list_prev);
}

int list_is_empty(list_t *list)
{
	return list->list_head.list_next == &list->list_head;
}

void list_link_init(list_node_t *node)
{
	node->list_next = node->list_prev = NULL;
}

void list_link_replace(list_node_t *lold, list_node_t *lnew)
{
	*lnew = *lold;
	lnew->list_prev->list_next = lnew;
	lnew->list_next->list_prev = lnew;
	list_link_init(lold);
}

int list_link_active(list_node_t *node)
{
	return node->list_next != NULL;
}
