/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/avl.h: balanced trees of objects that have an avl_node_t somewhere inside. They have no manual
 * pages. The driver's own lock guards a tree. Where an object is meant it is the object's address, not
 * that of its node.
 */
#ifndef DEVMAP_SYS_AVL_H
#define DEVMAP_SYS_AVL_H

#include <sys/types.h>

typedef struct avl_node {
	struct avl_node *avl_child[2]; /* what is before, what is after */
	uintptr_t avl_pcb;	       /* the parent's address, and the balance + 1 */
} avl_node_t;

typedef struct avl_tree {
	struct avl_node *avl_root;
	int (*avl_compar)(const void *left, const void *right);
	size_t avl_offset;
	ulong_t avl_numnodes;
	size_t avl_size;
} avl_tree_t;

typedef uintptr_t avl_index_t; /* a place where no object is: a node's address, and the side */

#define AVL_BEFORE 0
#define AVL_AFTER  1

/*
 * compar returns -1, 0, 1: left is before right, is equal, is after it. size: of an object; offset: of
 * the avl_node_t in it; in bytes.
 */
void avl_create(avl_tree_t *tree, int (*compar)(const void *left, const void *right), size_t size,
		size_t offset);
void avl_destroy(avl_tree_t *tree); /* which is empty */

/* The object that is equal to key; or NULL, and *where (where may be NULL) is the place for it. */
void *avl_find(avl_tree_t *tree, const void *key, avl_index_t *where);
void avl_insert(avl_tree_t *tree, void *object, avl_index_t where);
/* Beside `here`, on the side that direction says. */
void avl_insert_here(avl_tree_t *tree, void *object, void *here, int direction);
void avl_add(avl_tree_t *tree, void *object); /* no equal one is there: else a panic */
void avl_remove(avl_tree_t *tree, void *object);

/* NULL: there is none */
void *avl_first(avl_tree_t *tree);
void *avl_last(avl_tree_t *tree);
void *avl_walk(avl_tree_t *tree, void *object, int direction);
void *avl_nearest(avl_tree_t *tree, avl_index_t where, int direction);
#define AVL_NEXT(tree, object) avl_walk(tree, object, AVL_AFTER)
#define AVL_PREV(tree, object) avl_walk(tree, object, AVL_BEFORE)

/*
 * The key of object has changed: it moves to where it belongs. B_TRUE: it has. _lt: the key has
 * become smaller, or not changed; _gt: larger.
 */
boolean_t avl_update(avl_tree_t *tree, void *object);
boolean_t avl_update_lt(avl_tree_t *tree, void *object);
boolean_t avl_update_gt(avl_tree_t *tree, void *object);

ulong_t avl_numnodes(avl_tree_t *tree);
boolean_t avl_is_empty(avl_tree_t *tree);
void avl_swap(avl_tree_t *tree1, avl_tree_t *tree2);

/*
 * Takes all objects out, one with each call, to be freed; then NULL. *cookie is NULL for the first
 * call. Nothing but avl_destroy() may be done with the tree once this has begun.
 */
void *avl_destroy_nodes(avl_tree_t *tree, void **cookie);

#endif /* DEVMAP_SYS_AVL_H */
