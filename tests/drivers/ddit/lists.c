/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Lists, trees, caches, arenas. */
#define DEVMAP_MODULE_PART
#include "check.h"

#include <sys/avl.h>
#include <sys/id_space.h>
#include <sys/kmem.h>
#include <sys/list.h>
#include <sys/vmem.h>

struct thing {
	int key;
	list_node_t link;
	avl_node_t node;
};

#define OFFSET(type, member) __builtin_offsetof(type, member)

/* The keys in their order, as digits of one number. */
static int keys(list_t *l)
{
	int n = 0;

	for (struct thing *t = list_head(l); t != NULL; t = list_next(l, t))
		n = 10 * n + t->key;
	return n;
}

static int keys_back(list_t *l)
{
	int n = 0;

	for (struct thing *t = list_tail(l); t != NULL; t = list_prev(l, t))
		n = 10 * n + t->key;
	return n;
}

static void things(struct thing *t, int n)
{
	bzero(t, (size_t)n * sizeof(*t));
	for (int i = 0; i < n; i++)
		t[i].key = i;
}

void check_list_order(struct check *c)
{
	struct thing t[8];
	list_t l;

	things(t, 8);
	list_create(&l, sizeof(*t), OFFSET(struct thing, link));
	CHECK(c, list_is_empty(&l) && list_head(&l) == NULL && list_tail(&l) == NULL);
	CHECK(c, list_remove_head(&l) == NULL && list_remove_tail(&l) == NULL);
	list_insert_tail(&l, &t[3]);
	list_insert_head(&l, &t[1]);
	list_insert_after(&l, &t[1], &t[2]);
	list_insert_before(&l, &t[3], &t[4]);
	list_insert_after(&l, NULL, &t[5]);
	list_insert_before(&l, NULL, &t[6]);
	CHECK_EQ(c, keys(&l), 512436);
	CHECK_EQ(c, keys_back(&l), 634215);
	CHECK(c, !list_is_empty(&l) && list_link_active(&t[1].link));
	CHECK(c, !list_link_active(&t[7].link));
	list_remove(&l, &t[2]);
	CHECK(c, !list_link_active(&t[2].link));
	CHECK(c, list_remove_head(&l) == &t[5] && list_remove_tail(&l) == &t[6]);
	CHECK_EQ(c, keys(&l), 143);
	CHECK_EQ(c, keys_back(&l), 341);
}

void check_list_moves(struct check *c)
{
	struct thing t[8];
	list_t a, b;

	things(t, 8);
	list_create(&a, sizeof(*t), OFFSET(struct thing, link));
	list_create(&b, sizeof(*t), OFFSET(struct thing, link));
	list_move_tail(&a, &b);
	CHECK(c, list_is_empty(&a));
	list_insert_tail(&b, &t[1]);
	list_insert_tail(&b, &t[2]);
	list_move_tail(&a, &b);
	CHECK(c, list_is_empty(&b));
	list_insert_tail(&b, &t[3]);
	list_insert_tail(&b, &t[4]);
	list_move_tail(&a, &b);
	CHECK_EQ(c, keys(&a), 1234);
	CHECK_EQ(c, keys_back(&a), 4321);
	list_link_replace(&t[2].link, &t[7].link);
	CHECK_EQ(c, keys(&a), 1734);
	CHECK_EQ(c, keys_back(&a), 4371);
	CHECK(c, !list_link_active(&t[2].link));
	list_destroy(&b);
}

void check_list_mistakes(struct check *c)
{
	struct thing t[3];
	list_t l;

	things(t, 3);
	list_create(&l, sizeof(*t), OFFSET(struct thing, link));
	list_insert_tail(&l, &t[1]);
	list_remove(&l, &t[2]); /* a message */
	list_destroy(&l);	/* and one more */
	CHECK_EQ(c, keys(&l), 1);
	list_remove(&l, &t[1]);
	list_remove(&l, &t[1]); /* the same */
	CHECK(c, list_is_empty(&l));
}

/* Trees. */

static int by_key(const void *left, const void *right)
{
	int l = ((const struct thing *)left)->key, r = ((const struct thing *)right)->key;

	return l < r ? -1 : l > r;
}

/* The height of what hangs at n, or -1: it is not balanced, or does not know who is above it. */
static int height(const avl_node_t *n, const avl_node_t *parent)
{
	int before, after;

	if (n == NULL)
		return 0;
	if ((n->avl_pcb & ~(uintptr_t)7) != (uintptr_t)parent)
		return -1;
	before = height(n->avl_child[0], n);
	after = height(n->avl_child[1], n);
	if (before < 0 || after < 0 || before - after > 1 || after - before > 1 ||
	    (int)(n->avl_pcb & 3) - 1 != after - before)
		return -1;
	return 1 + (before > after ? before : after);
}

/* Number of objects, in order, or -1. */
static int count(avl_tree_t *tree)
{
	int n = 0, last = -1;

	if (height(tree->avl_root, NULL) < 0)
		return -1;
	for (struct thing *t = avl_first(tree); t != NULL; t = AVL_NEXT(tree, t), n++) {
		if (t->key <= last)
			return -1;
		last = t->key;
	}
	for (struct thing *t = avl_last(tree); t != NULL; t = AVL_PREV(tree, t), n--)
		;
	return n == 0 ? (int)avl_numnodes(tree) : -1;
}

#define THINGS 257 /* a prime: steps of any width reach all of them */

static struct thing *tree_new(avl_tree_t *tree, int step)
{
	struct thing *t = kmem_zalloc(THINGS * sizeof(*t), KM_SLEEP);

	things(t, THINGS);
	avl_create(tree, by_key, sizeof(*t), OFFSET(struct thing, node));
	for (int i = 0; i < THINGS; i++)
		avl_add(tree, &t[i * step % THINGS]);
	return t;
}

static void tree_free(struct thing *t)
{
	kmem_free(t, THINGS * sizeof(*t));
}

/* Line that does not hold, or 0. All objects come and go, in the order that step says. */
static int tree_try(int step)
{
	avl_tree_t tree;
	struct thing *t = tree_new(&tree, step);
	int wrong = 0;

	if (count(&tree) != THINGS)
		wrong = __LINE__;
	for (int i = 0; i < THINGS && wrong == 0; i++) {
		avl_remove(&tree, &t[(i * 89 + step) % THINGS]);
		if (count(&tree) != THINGS - 1 - i)
			wrong = __LINE__;
	}
	if (wrong == 0 && (!avl_is_empty(&tree) || avl_first(&tree) != NULL))
		wrong = __LINE__;
	avl_destroy(&tree);
	tree_free(t);
	return wrong;
}

void check_avl_sorts(struct check *c)
{
	const int steps[] = { 1, 2, 7, 50, 127, 128, 250, 256 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		CHECK_EQ(c, tree_try(steps[i]), 0);
}

void check_avl_places(struct check *c)
{
	struct thing t[10], key = { .key = 5 };
	avl_index_t where;
	avl_tree_t tree;

	things(t, 10);
	avl_create(&tree, by_key, sizeof(*t), OFFSET(struct thing, node));
	CHECK(c, avl_find(&tree, &key, &where) == NULL);
	CHECK(c, avl_nearest(&tree, where, AVL_AFTER) == NULL);
	avl_insert(&tree, &t[4], where);
	for (int i = 0; i < 10; i += 2)
		if (i != 4)
			avl_add(&tree, &t[i]);
	CHECK(c, avl_find(&tree, &t[6], NULL) == &t[6]);
	for (key.key = 1; key.key < 8; key.key += 2) {
		CHECK(c, avl_find(&tree, &key, &where) == NULL);
		CHECK(c, avl_nearest(&tree, where, AVL_BEFORE) == &t[key.key - 1]);
		CHECK(c, avl_nearest(&tree, where, AVL_AFTER) == &t[key.key + 1]);
	}
	key.key = 9;
	CHECK(c, avl_find(&tree, &key, &where) == NULL);
	CHECK(c, avl_nearest(&tree, where, AVL_AFTER) == NULL);
	CHECK(c, avl_nearest(&tree, where, AVL_BEFORE) == &t[8]);
	avl_insert_here(&tree, &t[3], &t[4], AVL_BEFORE);
	avl_insert_here(&tree, &t[5], &t[4], AVL_AFTER);
	avl_insert_here(&tree, &t[9], &t[8], AVL_AFTER);
	CHECK_EQ(c, count(&tree), 8);
	CHECK(c, AVL_NEXT(&tree, &t[4]) == &t[5] && AVL_PREV(&tree, &t[4]) == &t[3]);
	avl_destroy(&tree); /* C26: a message */
	CHECK_EQ(c, count(&tree), 8);
}

void check_avl_moves(struct check *c)
{
	avl_tree_t tree, other;
	struct thing *t = tree_new(&tree, 100);

	for (int i = 0; i < THINGS; i++)
		t[i].key *= 10;
	t[10].key = 105;
	CHECK(c, !avl_update(&tree, &t[10]) && !avl_update_gt(&tree, &t[10]));
	t[10].key = 2005;
	CHECK(c, avl_update(&tree, &t[10]));
	CHECK(c, AVL_PREV(&tree, &t[10]) == &t[200]);
	t[10].key = 2505;
	CHECK(c, avl_update_gt(&tree, &t[10]));
	CHECK(c, AVL_PREV(&tree, &t[10]) == &t[250]);
	t[10].key = 3;
	CHECK(c, avl_update_lt(&tree, &t[10]) && !avl_update_lt(&tree, &t[10]));
	CHECK(c, AVL_NEXT(&tree, &t[0]) == &t[10]);
	CHECK_EQ(c, count(&tree), THINGS);
	avl_create(&other, by_key, sizeof(*t), OFFSET(struct thing, node));
	avl_swap(&tree, &other);
	CHECK(c, avl_is_empty(&tree));
	CHECK_EQ(c, count(&other), THINGS);
	tree_free(t);
}

void check_avl_ends(struct check *c)
{
	avl_tree_t tree;
	struct thing *t = tree_new(&tree, 3), *one;
	void *cookie = NULL;
	int n = 0, sum = 0;

	while ((one = avl_destroy_nodes(&tree, &cookie)) != NULL) {
		sum += one->key;
		n++;
		(void)memset(one, 0xee, sizeof(*one));
	}
	avl_destroy(&tree);
	tree_free(t);
	CHECK_EQ(c, n, THINGS);
	CHECK_EQ(c, sum, THINGS * (THINGS - 1) / 2);
}

/* Caches. */

struct object {
	int state; /* 77: constructed */
	char more[100];
};

static int made, unmade, reclaimed, refuse;

static int make(void *buf, void *arg, int flags)
{
	if (refuse || arg != &made || flags & ~(KM_SLEEP | KM_NOSLEEP))
		return -1;
	((struct object *)buf)->state = 77;
	made++;
	return 0;
}

static void unmake(void *buf, void *arg)
{
	if (((struct object *)buf)->state == 77)
		unmade++;
}

static void reclaim(void *arg)
{
	reclaimed++;
}

static kmem_cache_t *cache_new(size_t align)
{
	made = unmade = refuse = 0;
	return kmem_cache_create("objects", sizeof(struct object), align, make, unmake, reclaim,
				 &made, NULL, 0);
}

void check_cache_keeps(struct check *c)
{
	kmem_cache_t *cache = cache_new(0);
	struct object *a = kmem_cache_alloc(cache, KM_SLEEP), *b, *o[200];

	CHECK(c, a != NULL && a->state == 77);
	b = kmem_cache_alloc(cache, KM_NOSLEEP);
	CHECK(c, b != NULL && b != a);
	kmem_cache_free(cache, b);
	CHECK(c, kmem_cache_alloc(cache, KM_SLEEP) == b && b->state == 77);
	CHECK_EQ(c, made, 2);
	kmem_cache_free(cache, a);
	kmem_cache_free(cache, b);
	CHECK_EQ(c, unmade, 0);
	kmem_cache_reap_now(cache);
	CHECK_EQ(c, unmade, 2);
	for (int i = 0; i < 200; i++)
		o[i] = kmem_cache_alloc(cache, KM_SLEEP);
	for (int i = 0; i < 200; i++)
		kmem_cache_free(cache, o[i]);
	CHECK_EQ(c, made, 202);
	CHECK(c, unmade > 2 + 50); /* it does not keep all that it ever had */
	kmem_cache_set_move(cache, NULL);
	kmem_cache_destroy(cache);
	CHECK_EQ(c, unmade, made);
}

void check_cache_refuses(struct check *c)
{
	kmem_cache_t *cache = cache_new(4096);
	struct object *a = kmem_cache_alloc(cache, KM_SLEEP);

	CHECK_EQ(c, (uintptr_t)a % 4096, 0);
	refuse = 1;
	CHECK(c, kmem_cache_alloc(cache, KM_SLEEP) == NULL);
	CHECK(c, kmem_cache_alloc(cache, KM_NOSLEEP) == NULL);
	refuse = 0;
	kmem_cache_free(cache, a);
	kmem_cache_destroy(cache);
	CHECK_EQ(c, unmade, 1);
	reclaimed = 0;
	cache = kmem_cache_create("large", (size_t)1 << 50, 0, NULL, NULL, reclaim, NULL, NULL, 0);
	CHECK(c, kmem_cache_alloc(cache, KM_NOSLEEP) == NULL);
	CHECK_EQ(c, reclaimed, 1);
	kmem_cache_destroy(cache);
}

void check_cache_mistakes(struct check *c)
{
	kmem_cache_t *cache = cache_new(64), *other = cache_new(3); /* a message */
	struct object *a = kmem_cache_alloc(cache, KM_SLEEP), *b;

	kmem_cache_free(other, a); /* the same */
	kmem_cache_free(cache, NULL);
	kmem_cache_destroy(cache); /* and here: an object is in use */
	CHECK_EQ(c, a->state, 77);
	kmem_cache_free(cache, a);
	kmem_cache_free(cache, a); /* once is enough */
	CHECK(c, kmem_cache_alloc(cache, KM_SLEEP) == a);
	b = kmem_cache_alloc(cache, KM_SLEEP);
	CHECK(c, b != a);
	CHECK_EQ(c, made, 2);
	kmem_cache_free(cache, a);
	kmem_cache_free(cache, b);
	kmem_cache_destroy(cache);
	kmem_cache_destroy(other);
	CHECK_EQ(c, unmade, 2);
}

/* Arenas. */

#define AT(x) ((void *)(uintptr_t)(x))

static vmem_t *arena(size_t quantum)
{
	return vmem_create("slots", AT(1000 * quantum), 100 * quantum, quantum, NULL, NULL, NULL, 0,
			   VM_SLEEP);
}

struct walked {
	int runs;
	size_t size;
	uintptr_t last;
};

static void walk(void *arg, void *start, size_t size)
{
	struct walked *w = arg;

	w->runs++;
	w->size += size;
	w->last = (uintptr_t)start;
}

static struct walked walked(vmem_t *vmp, int typemask)
{
	struct walked w = { 0, 0, 0 };

	vmem_walk(vmp, typemask, walk, &w);
	return w;
}

void check_arena_runs(struct check *c)
{
	vmem_t *vmp = arena(16);
	void *a = vmem_alloc(vmp, 100, VM_SLEEP), *b = vmem_alloc(vmp, 16, VM_NOSLEEP);

	CHECK(c, a == AT(16000) && b == AT(16112));
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC), 128);
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC | VMEM_FREE), 1600);
	CHECK(c, vmem_alloc(vmp, 1600 - 128 + 1, VM_NOSLEEP) == NULL);
	CHECK(c, vmem_alloc(vmp, 0, VM_NOSLEEP) == NULL);
	CHECK(c, vmem_alloc(vmp, 1600 - 128, VM_NOSLEEP) == AT(16128));
	vmem_free(vmp, a, 100);
	CHECK_EQ(c, walked(vmp, VMEM_FREE).runs, 1);
	CHECK_EQ(c, walked(vmp, VMEM_ALLOC).runs, 2);
	vmem_free(vmp, AT(16128), 1600 - 128);
	CHECK_EQ(c, walked(vmp, VMEM_FREE).runs, 2);
	vmem_free(vmp, b, 16);
	CHECK_EQ(c, walked(vmp, VMEM_FREE).runs, 1);
	CHECK_EQ(c, walked(vmp, VMEM_FREE).size, 1600);
	CHECK(c, vmem_contains(vmp, AT(16000), 1600) && !vmem_contains(vmp, AT(16000), 1601));
	CHECK(c, !vmem_contains(vmp, AT(15999), 1));
	CHECK(c, vmem_add(vmp, AT(32000), 160, VM_SLEEP) == AT(32000));
	CHECK(c, vmem_contains(vmp, AT(32000), 160));
	CHECK_EQ(c, vmem_size(vmp, VMEM_FREE), 1760);
	vmem_destroy(vmp);
}

void check_arena_fits(struct check *c)
{
	vmem_t *vmp = arena(1);
	void *a = vmem_alloc(vmp, 30, VM_SLEEP), *b = vmem_alloc(vmp, 10, VM_SLEEP);
	void *d = vmem_alloc(vmp, 10, VM_SLEEP), *e = vmem_alloc(vmp, 10, VM_SLEEP);

	/* Holes: 30 at 1000, 10 at 1040, 40 at 1060. */
	vmem_free(vmp, a, 30);
	vmem_free(vmp, d, 10);
	CHECK(c, vmem_alloc(vmp, 5, VM_NOSLEEP | VM_BESTFIT) == AT(1040));
	vmem_free(vmp, AT(1040), 5);
	CHECK(c, vmem_alloc(vmp, 5, VM_NOSLEEP | VM_FIRSTFIT) == AT(1000));
	vmem_free(vmp, AT(1000), 5);
	CHECK(c, vmem_alloc(vmp, 35, VM_NOSLEEP | VM_FIRSTFIT) == AT(1060));
	CHECK(c, vmem_alloc(vmp, 1, VM_NOSLEEP | VM_NEXTFIT) == AT(1095));
	vmem_free(vmp, AT(1095), 1);
	CHECK(c, vmem_alloc(vmp, 2, VM_NOSLEEP | VM_NEXTFIT) == AT(1096));
	CHECK(c, vmem_alloc(vmp, 9, VM_NOSLEEP | VM_NEXTFIT) == AT(1000));
	vmem_free(vmp, AT(1000), 9);
	vmem_free(vmp, AT(1060), 35);
	vmem_free(vmp, AT(1096), 2);
	vmem_free(vmp, b, 10);
	vmem_free(vmp, e, 10);
	CHECK_EQ(c, walked(vmp, VMEM_FREE).runs, 1);
	vmem_destroy(vmp);
}

void check_arena_where(struct check *c)
{
	vmem_t *vmp = vmem_create("bus", AT(0x1010), 0x10000, 0x10, NULL, NULL, NULL, 0, VM_SLEEP);
	void *p;

	p = vmem_xalloc(vmp, 0x20, 0x1000, 0, 0, NULL, NULL, VM_NOSLEEP);
	CHECK(c, p == AT(0x2000));
	p = vmem_xalloc(vmp, 0x20, 0x1000, 0x30, 0, NULL, NULL, VM_NOSLEEP);
	CHECK(c, p == AT(0x1030));
	p = vmem_xalloc(vmp, 0x30, 0x10, 0, 0x1000, AT(0x2fe0), NULL, VM_NOSLEEP);
	CHECK(c, p == AT(0x3000));
	p = vmem_xalloc(vmp, 0x10, 0, 0, 0, AT(0x5000), AT(0x5010), VM_NOSLEEP);
	CHECK(c, p == AT(0x5000));
	p = vmem_xalloc(vmp, 0x10, 0, 0, 0, AT(0x5000), AT(0x5010), VM_NOSLEEP);
	CHECK(c, p == NULL);
	p = vmem_xalloc(vmp, 0x20, 0, 0, 0, AT(0x6000), AT(0x6010), VM_NOSLEEP);
	CHECK(c, p == NULL);
	p = vmem_xalloc(vmp, 0x10, 0x100000, 0, 0, NULL, NULL, VM_NOSLEEP);
	CHECK(c, p == NULL);
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC), 0x20 + 0x20 + 0x30 + 0x10);
	vmem_xfree(vmp, AT(0x2000), 0x20);
	vmem_xfree(vmp, AT(0x1030), 0x20);
	vmem_xfree(vmp, AT(0x3000), 0x30);
	vmem_xfree(vmp, AT(0x5000), 0x10);
	CHECK_EQ(c, walked(vmp, VMEM_FREE).runs, 1);
	vmem_destroy(vmp);
}

void check_arena_grows(struct check *c)
{
	vmem_t *all = arena(1);
	vmem_t *vmp = vmem_create("some", NULL, 0, 16, vmem_alloc, vmem_free, all, 0, VM_SLEEP);
	void *a = vmem_alloc(vmp, 15, VM_SLEEP), *b = vmem_alloc(vmp, 30, VM_NOSLEEP);

	CHECK(c, a != NULL && b != NULL);
	CHECK_EQ(c, vmem_size(all, VMEM_ALLOC), 48);
	CHECK(c, vmem_alloc(vmp, 60, VM_NOSLEEP) == NULL);
	vmem_free(vmp, a, 15);
	CHECK_EQ(c, vmem_size(all, VMEM_ALLOC), 32);
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC | VMEM_FREE), 32);
	vmem_free(vmp, b, 30);
	CHECK_EQ(c, vmem_size(all, VMEM_ALLOC), 0);
	vmem_destroy(vmp);
	vmem_destroy(all);
}

static vmem_t *scarce;
static int gave;

static void give_back(void *arg)
{
	delay(20);
	__atomic_store_n(&gave, 1, __ATOMIC_SEQ_CST);
	vmem_free(scarce, arg, 60);
}

void check_arena_waits(struct check *c)
{
	void *a, *b;

	scarce = arena(1);
	gave = 0;
	a = vmem_alloc(scarce, 60, VM_SLEEP);
	job_start(give_back, a);
	b = vmem_alloc(scarce, 70, VM_SLEEP);
	CHECK_EQ(c, __atomic_load_n(&gave, __ATOMIC_SEQ_CST), 1);
	CHECK(c, b == AT(1000));
	jobs_wait();
	vmem_free(scarce, b, 70);
	vmem_destroy(scarce);
}

void check_arena_mistakes(struct check *c)
{
	vmem_t *vmp = arena(1);
	void *a = vmem_alloc(vmp, 10, VM_SLEEP);

	vmem_free(vmp, a, 9); /* messages, all of them */
	vmem_free(vmp, AT(1001), 9);
	vmem_free(vmp, AT(1010), 90);
	vmem_free(vmp, AT(5), 1);
	vmem_destroy(vmp);
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC), 10);
	CHECK(c, vmem_add(vmp, AT(1099), 10, VM_SLEEP) == NULL);
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC | VMEM_FREE), 100);
	vmem_free(vmp, a, 10);
	vmem_free(vmp, a, 10);
	CHECK_EQ(c, vmem_size(vmp, VMEM_ALLOC), 0);
	vmem_destroy(vmp);
	vmp = vmem_create("no power", AT(1), 10, 3, NULL, NULL, NULL, 0, VM_SLEEP);
	CHECK(c, vmp != NULL);
	vmem_destroy(vmp);
}

void check_ids_last(struct check *c)
{
	id_space_t *ids = id_space_create("ids", 0, 4);

	CHECK_EQ(c, id_alloc(ids), 0);
	CHECK_EQ(c, id_alloc_nosleep(ids), 1);
	id_free(ids, 0);
	CHECK_EQ(c, id_alloc(ids), 2);
	CHECK_EQ(c, id_allocff(ids), 0);
	CHECK_EQ(c, id_alloc_specific_nosleep(ids, 3), 3);
	CHECK_EQ(c, id_alloc_specific_nosleep(ids, 3), -1);
	CHECK_EQ(c, id_alloc_nosleep(ids), -1);
	CHECK_EQ(c, id_allocff_nosleep(ids), -1);
	for (int i = 0; i < 4; i++)
		id_free(ids, i);
	id_space_destroy(ids);
	CHECK(c, id_space_create("none", 5, 5) == NULL); /* C26: a message */
}
