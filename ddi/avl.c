/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Balanced trees: sys/avl.h. A node's balance is the height of what is after it less that of what is
 * before it: -1, 0 or 1.
 */
#include <sys/avl.h>

#include "ddi.h"

#define BALANCE_MASK ((uintptr_t)3) /* nodes are aligned to pointers */
#define SIDE_MASK    ((uintptr_t)1)

/* Which way the balance goes when a side grows. */
static int sign(int side)
{
	return side == AVL_AFTER ? 1 : -1;
}

static avl_node_t *parent_of(const avl_node_t *n)
{
	return (avl_node_t *)(n->avl_pcb & ~BALANCE_MASK);
}

static int balance_of(const avl_node_t *n)
{
	return (int)(n->avl_pcb & BALANCE_MASK) - 1;
}

static void set_balance(avl_node_t *n, int balance)
{
	n->avl_pcb = (n->avl_pcb & ~BALANCE_MASK) | (uintptr_t)(balance + 1);
}

static void set_parent(avl_node_t *n, avl_node_t *parent)
{
	n->avl_pcb = (uintptr_t)parent | (n->avl_pcb & BALANCE_MASK);
}

static int side_of(const avl_node_t *parent, const avl_node_t *n)
{
	return parent->avl_child[AVL_AFTER] == n ? AVL_AFTER : AVL_BEFORE;
}

static avl_node_t *node_of(const avl_tree_t *tree, void *object)
{
	return (avl_node_t *)((char *)object + tree->avl_offset);
}

static void *object_of(const avl_tree_t *tree, avl_node_t *n)
{
	return n != NULL ? (char *)n - tree->avl_offset : NULL;
}

/* child may be NULL. */
static void hang(avl_node_t *parent, int side, avl_node_t *child)
{
	parent->avl_child[side] = child;
	if (child != NULL)
		set_parent(child, parent);
}

/* Below whatever old hangs: child, which may be NULL. */
static void hang_instead(avl_tree_t *tree, avl_node_t *old, avl_node_t *child)
{
	avl_node_t *parent = parent_of(old);

	if (parent != NULL) {
		hang(parent, side_of(parent, old), child);
		return;
	}
	tree->avl_root = child;
	if (child != NULL)
		set_parent(child, NULL);
}

/* n's child on `side` takes its place. */
static void rotate(avl_tree_t *tree, avl_node_t *n, int side)
{
	avl_node_t *c = n->avl_child[side];

	hang_instead(tree, n, c);
	hang(n, side, c->avl_child[!side]);
	hang(c, !side, n);
}

/* n is too high on `side` by two. True: what hangs in its place is lower by one than that was. */
static bool rebalance(avl_tree_t *tree, avl_node_t *n, int side)
{
	avl_node_t *c = n->avl_child[side], *g = c->avl_child[!side];
	const int heavy = sign(side), balance = balance_of(c);

	if (balance != -heavy) {
		rotate(tree, n, side);
		set_balance(n, balance == 0 ? heavy : 0);
		set_balance(c, balance == 0 ? -heavy : 0);
		return balance != 0;
	}
	rotate(tree, c, !side);
	rotate(tree, n, side);
	set_balance(n, balance_of(g) == heavy ? -heavy : 0);
	set_balance(c, balance_of(g) == -heavy ? heavy : 0);
	set_balance(g, 0);
	return true;
}

/* n has been hung below its parent. */
static void grown(avl_tree_t *tree, avl_node_t *n)
{
	avl_node_t *parent;

	for (; (parent = parent_of(n)) != NULL; n = parent) {
		int side = side_of(parent, n);

		if (balance_of(parent) == sign(side)) {
			(void)rebalance(tree, parent, side);
			return;
		}
		set_balance(parent, balance_of(parent) + sign(side));
		if (balance_of(parent) == 0)
			return;
	}
}

/* What hangs, or hung, below n on `side` is lower by one. */
static void shrunk(avl_tree_t *tree, avl_node_t *n, int side)
{
	while (n != NULL) {
		avl_node_t *parent = parent_of(n);
		int next = parent != NULL ? side_of(parent, n) : 0;

		if (balance_of(n) == 0) {
			set_balance(n, -sign(side));
			return;
		}
		if (balance_of(n) == sign(side))
			set_balance(n, 0);
		else if (!rebalance(tree, n, !side))
			return;
		n = parent;
		side = next;
	}
}

static void insert(avl_tree_t *tree, avl_node_t *n, avl_node_t *parent, int side)
{
	n->avl_child[AVL_BEFORE] = n->avl_child[AVL_AFTER] = NULL;
	n->avl_pcb = 0;
	set_balance(n, 0);
	tree->avl_numnodes++;
	if (parent == NULL) {
		tree->avl_root = n;
		return;
	}
	hang(parent, side, n);
	grown(tree, n);
}

/* The last on `side` below n, or n; NULL for NULL. */
static avl_node_t *outermost(avl_node_t *n, int side)
{
	while (n != NULL && n->avl_child[side] != NULL)
		n = n->avl_child[side];
	return n;
}

static avl_node_t *neighbour(avl_node_t *n, int side)
{
	avl_node_t *parent;

	if (n->avl_child[side] != NULL)
		return outermost(n->avl_child[side], !side);
	for (; (parent = parent_of(n)) != NULL; n = parent)
		if (side_of(parent, n) != side)
			return parent;
	return NULL;
}

/* m, which is n's neighbour and has one child at most, takes n's place in the tree, and n takes m's. */
static void exchange(avl_tree_t *tree, avl_node_t *n, avl_node_t *m, int side)
{
	avl_node_t *parent = parent_of(m), *child = m->avl_child[side];
	int balance = balance_of(m);

	hang_instead(tree, n, m);
	set_balance(m, balance_of(n));
	hang(m, !side, n->avl_child[!side]);
	if (parent == n) {
		hang(m, side, n);
	} else {
		hang(m, side, n->avl_child[side]);
		hang(parent, !side, n);
	}
	n->avl_child[!side] = NULL;
	hang(n, side, child);
	set_balance(n, balance);
}

void avl_create(avl_tree_t *tree, int (*compar)(const void *left, const void *right), size_t size,
		size_t offset)
{
	*tree = (avl_tree_t){ .avl_compar = compar, .avl_offset = offset, .avl_size = size };
}

void avl_destroy(avl_tree_t *tree)
{
	if (tree->avl_numnodes != 0)
		driver_mistake(CALL_SITE(), "avl_destroy", "%p has %lu objects", (void *)tree,
			       tree->avl_numnodes);
}

void *avl_find(avl_tree_t *tree, const void *key, avl_index_t *where)
{
	avl_node_t *n = tree->avl_root, *last = NULL;
	int side = AVL_BEFORE;

	while (n != NULL) {
		int order = tree->avl_compar(key, object_of(tree, n));

		if (order == 0)
			return object_of(tree, n);
		side = order < 0 ? AVL_BEFORE : AVL_AFTER;
		last = n;
		n = n->avl_child[side];
	}
	if (where != NULL)
		*where = (uintptr_t)last | (uintptr_t)side;
	return NULL;
}

void avl_insert(avl_tree_t *tree, void *object, avl_index_t where)
{
	insert(tree, node_of(tree, object), (avl_node_t *)(where & ~SIDE_MASK),
	       (int)(where & SIDE_MASK));
}

void avl_insert_here(avl_tree_t *tree, void *object, void *here, int direction)
{
	avl_node_t *n = node_of(tree, here);

	if (n->avl_child[direction] != NULL) {
		n = outermost(n->avl_child[direction], !direction);
		direction = !direction;
	}
	insert(tree, node_of(tree, object), n, direction);
}

static bool add(avl_tree_t *tree, void *object)
{
	avl_index_t where;

	if (avl_find(tree, object, &where) != NULL)
		return false;
	avl_insert(tree, object, where);
	return true;
}

void avl_add(avl_tree_t *tree, void *object)
{
	if (!add(tree, object))
		driver_panic(CALL_SITE(), "avl_add", "an object equal to %p is there already",
			     object);
}

void avl_remove(avl_tree_t *tree, void *object)
{
	avl_node_t *n = node_of(tree, object), *child, *parent;
	int side = balance_of(n) < 0 ? AVL_BEFORE : AVL_AFTER;

	if (n->avl_child[AVL_BEFORE] != NULL && n->avl_child[AVL_AFTER] != NULL)
		exchange(tree, n, neighbour(n, side), side);
	child = n->avl_child[AVL_BEFORE] != NULL ? n->avl_child[AVL_BEFORE] :
						   n->avl_child[AVL_AFTER];
	parent = parent_of(n);
	side = parent != NULL ? side_of(parent, n) : 0;
	hang_instead(tree, n, child);
	tree->avl_numnodes--;
	shrunk(tree, parent, side);
}

void *avl_first(avl_tree_t *tree)
{
	return object_of(tree, outermost(tree->avl_root, AVL_BEFORE));
}

void *avl_last(avl_tree_t *tree)
{
	return object_of(tree, outermost(tree->avl_root, AVL_AFTER));
}

void *avl_walk(avl_tree_t *tree, void *object, int direction)
{
	return object_of(tree, neighbour(node_of(tree, object), direction));
}

void *avl_nearest(avl_tree_t *tree, avl_index_t where, int direction)
{
	avl_node_t *n = (avl_node_t *)(where & ~SIDE_MASK);

	if (n == NULL)
		return NULL;
	return object_of(tree, (int)(where & SIDE_MASK) != direction ? n : neighbour(n, direction));
}

/* Is the object, on this side, where it belongs? */
static bool in_order(avl_tree_t *tree, void *object, int side)
{
	void *other = avl_walk(tree, object, side);

	return other == NULL || tree->avl_compar(other, object) * sign(side) > 0;
}

static void move(avl_tree_t *tree, void *object, const void *site, const char *call)
{
	avl_remove(tree, object);
	if (!add(tree, object))
		driver_panic(site, call, "an object equal to %p is there already", object);
}

boolean_t avl_update(avl_tree_t *tree, void *object)
{
	if (in_order(tree, object, AVL_BEFORE) && in_order(tree, object, AVL_AFTER))
		return B_FALSE;
	move(tree, object, CALL_SITE(), "avl_update");
	return B_TRUE;
}

boolean_t avl_update_lt(avl_tree_t *tree, void *object)
{
	if (in_order(tree, object, AVL_BEFORE))
		return B_FALSE;
	move(tree, object, CALL_SITE(), "avl_update_lt");
	return B_TRUE;
}

boolean_t avl_update_gt(avl_tree_t *tree, void *object)
{
	if (in_order(tree, object, AVL_AFTER))
		return B_FALSE;
	move(tree, object, CALL_SITE(), "avl_update_gt");
	return B_TRUE;
}

ulong_t avl_numnodes(avl_tree_t *tree)
{
	return tree->avl_numnodes;
}

boolean_t avl_is_empty(avl_tree_t *tree)
{
	return tree->avl_numnodes == 0 ? B_TRUE : B_FALSE;
}

void avl_swap(avl_tree_t *tree1, avl_tree_t *tree2)
{
	avl_tree_t tree = *tree1;

	*tree1 = *tree2;
	*tree2 = tree;
}

/* A leaf with each call; the next is looked for from its parent on. */
void *avl_destroy_nodes(avl_tree_t *tree, void **cookie)
{
	avl_node_t *n = *cookie != NULL ? *cookie : tree->avl_root, *parent;

	if (tree->avl_numnodes == 0)
		return NULL;
	while (n->avl_child[AVL_BEFORE] != NULL || n->avl_child[AVL_AFTER] != NULL)
		n = n->avl_child[n->avl_child[AVL_BEFORE] != NULL ? AVL_BEFORE : AVL_AFTER];
	parent = parent_of(n);
	hang_instead(tree, n, NULL);
	tree->avl_numnodes--;
	*cookie = parent;
	return object_of(tree, n);
}
