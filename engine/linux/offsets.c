// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Page offsets in the pseudo file (linux.h), a range for each mapping. A mapping takes its range
 * when the driver has accepted it, and the range is given back with the last that goes by it: the
 * vmas of a process, or a handle, one that is just being ended too. So whoever gets the same
 * offsets later finds no translation there, and nobody drops his.
 *
 * They are bounded by what unmap_mapping_range() can take, a byte offset of 63 bits.
 *
 * A tree, by offset, of ranges that are taken; each knows the gap before it, and the largest gap in
 * its part of the tree. offsets_lock guards it, and is a leaf.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <linux/ratelimit.h>
#include <linux/rbtree_augmented.h>

#include "internal.h"

#define OFFSETS_MAX ((pgoff_t)LLONG_MAX >> PAGE_SHIFT)

static DEFINE_SPINLOCK(offsets_lock);
static struct rb_root tree = RB_ROOT;
static struct offsets last; /* stands behind all others, for the gap before it */
static ulong offsets_used;

static ulong offsets_max = OFFSETS_MAX;
module_param(offsets_max, ulong, 0644);
MODULE_PARM_DESC(offsets_max, "pages that all mappings may have together");
module_param_cb(offsets_used, &count_param_ops, &offsets_used, 0444);
MODULE_PARM_DESC(offsets_used, "pages that they have");

/* Called by the tree, which offsets_lock guards. */
static pgoff_t gap_of(struct offsets *o)
{
	return o->gap;
}

RB_DECLARE_CALLBACKS_MAX(static, gap_callbacks, struct offsets, node, pgoff_t, largest, gap_of)

static struct offsets *offsets_at(struct rb_node *node)
{
	return rb_entry_safe(node, struct offsets, node);
}

void offsets_init(void)
{
	/* Offset 0 is nobody's. */
	last.start = OFFSETS_MAX;
	last.gap = last.largest = OFFSETS_MAX - 1;
	rb_link_node(&last.node, NULL, &tree.rb_node);
	rb_insert_augmented(&last.node, &tree, &gap_callbacks);
}

struct offsets *offsets_new(void)
{
	struct offsets *o = kzalloc(sizeof(*o), GFP_KERNEL_ACCOUNT);

	if (o != NULL)
		refcount_set(&o->refs, 1);
	return o;
}

/* The first range with a gap of n pages before it, or NULL. offsets_lock is held. */
static struct offsets *find_gap(pgoff_t n)
{
	struct offsets *o, *left;

	lockdep_assert_held(&offsets_lock);
	o = offsets_at(tree.rb_node);
	while (o != NULL && o->largest >= n) {
		left = offsets_at(o->node.rb_left);
		if (left != NULL && left->largest >= n)
			o = left;
		else if (o->gap >= n)
			return o;
		else
			o = offsets_at(o->node.rb_right);
	}
	return NULL;
}

/* o stands where the gap before `next` begins. offsets_lock is held. */
static void insert_before(struct offsets *o, struct offsets *next)
{
	struct rb_node *parent = &next->node, **link = &parent->rb_left;

	lockdep_assert_held(&offsets_lock);
	WRITE_ONCE(o->start, next->start - next->gap);
	next->gap -= o->n;
	gap_callbacks.propagate(&next->node, NULL);
	while (*link != NULL) {
		parent = *link;
		link = &parent->rb_right;
	}
	rb_link_node(&o->node, parent, link);
	rb_insert_augmented(&o->node, &tree, &gap_callbacks);
}

int offsets_place(struct offsets *o, pgcnt_t n)
{
	struct offsets *next;

	spin_lock(&offsets_lock);
	next = n > 0 ? find_gap(n) : NULL;
	if (next != NULL &&
	    next->start - next->gap + n > min_t(pgoff_t, READ_ONCE(offsets_max), OFFSETS_MAX))
		next = NULL;
	if (next != NULL) {
		o->n = n;
		insert_before(o, next);
		WRITE_ONCE(offsets_used, offsets_used + n);
	}
	spin_unlock(&offsets_lock);
	if (next != NULL)
		return 0;
	pr_warn_ratelimited(
		"mmap: process %d (%s): no %lu page offsets in a row are left (of %lu)\n",
		task_tgid_nr(current), current->comm, (ulong)n, READ_ONCE(offsets_max));
	return -ENOMEM;
}

void offsets_hold(struct offsets *o)
{
	refcount_inc(&o->refs);
}

void offsets_put(struct offsets *o)
{
	struct offsets *next;

	if (!refcount_dec_and_test(&o->refs))
		return;
	if (o->n > 0) {
		spin_lock(&offsets_lock);
		next = offsets_at(rb_next(&o->node));
		next->gap += o->gap + o->n;
		gap_callbacks.propagate(&next->node, NULL);
		rb_erase_augmented(&o->node, &tree, &gap_callbacks);
		WRITE_ONCE(offsets_used, offsets_used - o->n);
		spin_unlock(&offsets_lock);
	}
	kfree(o);
}
