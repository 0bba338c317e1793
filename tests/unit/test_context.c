/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * <devmap/context.h>, in a driver that does nothing else: a device of some pages, of which each
 * process has its own content. Its operations fail when they are told to.
 */
#ifndef DEBUG
#define DEBUG /* the header's assertions too */
#endif
#include "fake_ddi.h"
#include <devmap/context.h>

#define PAGES 6
#define SIZE  (PAGES * PAGESIZE)

struct page_ctx {
	struct devmap_context head;
	char saved[SIZE];
};

static struct {
	ddi_umem_cookie_t cookie;
	char *memory;
	kmutex_t lock;
	struct devmap_contexts contexts;
	/* What fails, with this error, the next time. */
	int create, copy, save, restore;
	boolean_t spoils; /* saving spoils what is in the device */
	int alive;
	int saves, restores;
	int owners_destroyed;
} dev;

static int fails(int *which)
{
	int error = *which;

	assert_int_equal(fake.locked, 1);
	*which = 0;
	return error;
}

static int page_create(void *ctx)
{
	struct devmap_context *head = ctx;
	int error = fails(&dev.create);

	assert_ptr_equal(head->device, &dev);
	if (error == 0)
		dev.alive++;
	return error;
}

static int page_copy(void *child, void *parent)
{
	memcpy(((struct page_ctx *)child)->saved, ((struct page_ctx *)parent)->saved, SIZE);
	return fails(&dev.copy);
}

static void page_destroy(void *ctx)
{
	assert_int_equal(fake.locked, 1);
	assert_null(((struct devmap_context *)ctx)->records);
	dev.owners_destroyed += dev.contexts.owner == ctx;
	dev.alive--;
}

/* Nobody may be able to reach the device. */
static void assert_nothing_loaded(void)
{
	for (size_t i = 0; i < FAKE_HANDLES; i++) {
		for (size_t p = 0; fake.handle[i].used && p < PAGES; p++)
			assert_int_equal(fake.handle[i].loaded[p], 0);
	}
}

static int page_save(void *ctx)
{
	int error = fails(&dev.save);

	assert_ptr_equal(dev.contexts.owner, ctx);
	assert_nothing_loaded();
	if (error != 0)
		return error;
	dev.saves++;
	memcpy(((struct page_ctx *)ctx)->saved, dev.memory, SIZE);
	if (dev.spoils) {
		memset(dev.memory, 0x55, SIZE);
		dev.contexts.owner = NULL;
	}
	return 0;
}

static int page_restore(void *ctx)
{
	int error = fails(&dev.restore);

	assert_null(dev.contexts.owner);
	assert_nothing_loaded();
	if (error != 0)
		return error;
	dev.restores++;
	memcpy(dev.memory, ((struct page_ctx *)ctx)->saved, SIZE);
	return 0;
}

static const struct devmap_context_ops page_context_ops = {
	.size = sizeof(struct page_ctx),
	.create = page_create,
	.copy = page_copy,
	.destroy = page_destroy,
	.save = page_save,
	.restore = page_restore,
};

/* The driver's entry points. */

static int page_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			   uint_t rw)
{
	int error;

	mutex_enter(&dev.lock);
	error = devmap_context_switch(devmap_context_of(pvtp));
	if (error == 0)
		error = devmap_load(dhp, off, len, type, rw);
	mutex_exit(&dev.lock);
	return error;
}

static int page_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	return devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, page_contextmgt);
}

static int page_map(devmap_cookie_t dhp, dev_t d, uint_t flags, offset_t off, size_t len,
		    void **pvtp)
{
	return devmap_context_map(&dev.contexts, dhp, off, len, pvtp);
}

static int page_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	return devmap_context_dup(pvtp, new_dhp, new_pvtp);
}

static void page_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
		       devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
		       void **new_pvtp2)
{
	devmap_context_unmap(pvtp, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
}

static int page_devmap(dev_t d, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		       uint_t model)
{
	static struct devmap_callback_ctl ops = { DEVMAP_OPS_REV, page_map, page_access, page_dup,
						  page_unmap };

	*maplen = len;
	return devmap_umem_setup(dhp, NULL, &ops, dev.cookie, off, len, PROT_READ | PROT_WRITE,
				 DEVMAP_DEFAULTS, NULL);
}

static int page_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	memset(&dev, 0, sizeof(dev));
	dev.memory = ddi_umem_alloc(SIZE, DDI_UMEM_SLEEP, &dev.cookie);
	devmap_contexts_init(&dev.contexts, &page_context_ops, &dev, &dev.lock);
	return DDI_SUCCESS;
}

/* No client has a mapping any more. */
static int page_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	assert_int_equal(dev.alive, 0);
	assert_null(dev.contexts.first);
	assert_null(dev.contexts.owner);
	ddi_umem_free(dev.cookie);
	return DDI_SUCCESS;
}

static struct cb_ops page_cb_ops = { .cb_devmap = page_devmap };
static struct dev_ops page_dev_ops = { .devo_attach = page_attach,
				       .devo_detach = page_detach,
				       .devo_cb_ops = &page_cb_ops };

int _init(void)
{
	fake.dev_ops = &page_dev_ops;
	return 0;
}

int _fini(void)
{
	return 0;
}

/* What clients do. */

/* All of a process's mappings go, as at its end. */
static void leave(pid_t pid)
{
	for (size_t i = 0; i < FAKE_HANDLES; i++) {
		if (fake.handle[i].used && fake.handle[i].pid == pid)
			(void)fake_munmap(&fake.handle[i], 0, fake.handle[i].len);
	}
}

static struct fake_handle *map(pid_t pid)
{
	return fake_mmap(pid, 0, SIZE);
}

static struct fake_handle *forked(struct fake_handle *h, pid_t child)
{
	int error;
	struct fake_handle *n = fake_fork(h, child, &error);

	assert_int_equal(error, 0);
	return n;
}

static void store(struct fake_handle *h, size_t at, uint32_t value)
{
	*fake_at(h, at) = value;
}

static uint32_t load(struct fake_handle *h, size_t at)
{
	return *fake_at(h, at);
}

static void *find(devmap_cookie_t dhp)
{
	void *ctx;

	mutex_enter(&dev.lock);
	ctx = devmap_context_find(&dev.contexts, dhp);
	mutex_exit(&dev.lock);
	return ctx;
}

/* Finding. */

static void test_one_a_process(void **unused)
{
	struct fake_handle *a, *again, *b;

	fake_begin(NULL);
	a = map(1);
	again = fake_mmap(1, PAGESIZE, PAGESIZE);
	b = map(2);
	assert_int_equal(dev.alive, 2);
	assert_ptr_equal(devmap_context_of(a->pvtp), devmap_context_of(again->pvtp));
	assert_ptr_equal(find(b), devmap_context_of(b->pvtp));
	fake.pid = 1;
	assert_ptr_equal(find(NULL), devmap_context_of(a->pvtp));
	fake.pid = 3;
	assert_null(find(NULL));
	store(a, PAGESIZE, 11);
	store(b, PAGESIZE, 22);
	assert_int_equal(load(again, 0), 11);
	assert_int_equal(load(b, PAGESIZE), 22);
	fake_end();
}

/* The owner loads without a switch, and only a switch moves anything. */
static void test_switch(void **unused)
{
	struct fake_handle *a, *b;

	fake_begin(NULL);
	a = map(1);
	b = map(2);
	store(a, 0, 1);
	store(a, PAGESIZE, 1);
	assert_int_equal(dev.saves, 0);
	assert_int_equal(dev.restores, 1);
	store(b, 0, 2);
	assert_int_equal(dev.saves, 1);
	assert_int_equal(dev.restores, 2);
	assert_ptr_equal(dev.contexts.owner, devmap_context_of(b->pvtp));
	fake_end();
}

static void test_lock(void **unused)
{
	fake_begin(NULL);
	(void)map(1);
	expect_assert_failure(devmap_context_find(&dev.contexts, NULL));
	expect_assert_failure(devmap_context_switch(dev.contexts.first));
	fake_end();
}

/* Forks. */

/* Two children, each with several mappings, while the elder one has touched nothing yet. */
static void test_fork_twice(void **unused)
{
	struct fake_handle *a1, *a2, *b1, *b2, *c1, *c2;

	fake_begin(NULL);
	a1 = map(1);
	a2 = map(1);
	store(a1, 0, 1);
	b1 = forked(a1, 2);
	b2 = forked(a2, 2);
	store(a1, 0, 10);
	c1 = forked(a1, 3);
	c2 = forked(a2, 3);
	assert_int_equal(dev.alive, 3);
	assert_int_equal(load(c2, 0), 10);
	store(c1, 0, 3);
	assert_int_equal(load(b2, 0), 1);
	store(b1, 0, 2);
	assert_int_equal(load(c2, 0), 3);
	assert_int_equal(load(b2, 0), 2);
	assert_int_equal(load(a2, 0), 10);
	fake_end();
}

/* The second fork copies what the first did not (MADV_DONTFORK), and that first. */
static void test_fork_in_another_order(void **unused)
{
	struct fake_handle *a1, *a2, *b1, *c1, *c2;

	fake_begin(NULL);
	a1 = map(1);
	a2 = map(1);
	store(a1, 0, 1);
	b1 = forked(a1, 2);
	c2 = forked(a2, 3);
	c1 = forked(a1, 3);
	assert_ptr_equal(devmap_context_of(c1->pvtp), devmap_context_of(c2->pvtp));
	assert_ptr_not_equal(devmap_context_of(c1->pvtp), devmap_context_of(b1->pvtp));
	store(c2, 0, 3);
	assert_int_equal(load(b1, 0), 1);
	fake_end();
}

/* Two at the same time. */
static void test_forks_interleaved(void **unused)
{
	struct fake_handle *a1, *a2, *b1, *b2, *c1, *c2;

	fake_begin(NULL);
	a1 = map(1);
	a2 = map(1);
	b1 = forked(a1, 2);
	c1 = forked(a1, 3);
	b2 = forked(a2, 2);
	c2 = forked(a2, 3);
	store(b1, 0, 2);
	store(c1, 0, 3);
	assert_int_equal(load(b2, 0), 2);
	assert_int_equal(load(c2, 0), 3);
	fake_end();
}

/* What a child maps itself shows its context, whether it has touched the device or not. */
static void test_child_maps(void **unused)
{
	struct fake_handle *a, *b, *own;

	fake_begin(NULL);
	a = map(1);
	store(a, 0, 1);
	b = forked(a, 2);
	own = map(2);
	assert_int_equal(dev.alive, 2);
	assert_int_equal(load(own, 0), 1);
	store(b, 0, 2);
	assert_int_equal(load(own, 0), 2);
	assert_int_equal(load(a, 0), 1);
	fake_end();
}

/* A fork that another driver refuses half way: what was copied goes again. */
static void test_fork_refused(void **unused)
{
	struct fake_handle *a1, *a2, *b;

	fake_begin(NULL);
	a1 = map(1);
	a2 = map(1);
	store(a1, 0, 1);
	b = forked(a1, 2);
	fake_munmap(b, 0, SIZE);
	assert_int_equal(dev.alive, 1);
	store(a1, 0, 4);
	assert_int_equal(load(forked(a2, 3), 0), 4);
	fake_end();
}

static void test_grandchild(void **unused)
{
	struct fake_handle *a, *b, *c;

	fake_begin(NULL);
	a = map(1);
	store(a, 0, 1);
	b = forked(a, 2);
	c = forked(b, 3); /* of a child that has touched nothing */
	leave(2);
	store(a, 0, 5);
	assert_int_equal(load(c, 0), 1);
	fake_end();
}

/* Saving for the copy spoils the device: nobody owns it then, and the parent comes back. */
static void test_fork_spoils(void **unused)
{
	struct fake_handle *a, *b;

	fake_begin(NULL);
	dev.spoils = B_TRUE;
	a = map(1);
	store(a, 0, 1);
	b = forked(a, 2);
	assert_null(dev.contexts.owner);
	assert_int_equal(load(a, 0), 1);
	assert_int_equal(load(b, 0), 1);
	assert_int_equal(load(a, 0), 1);
	fake_end();
}

/* Unmapping. */

static const struct devmap_record *record_of(const struct fake_handle *h)
{
	return h->pvtp;
}

static void assert_record(struct fake_handle *h, size_t page, size_t pages)
{
	const struct devmap_record *r = record_of(h);

	assert_ptr_equal(r->dhp, h);
	assert_int_equal(r->off, page * PAGESIZE);
	assert_int_equal(r->len, pages * PAGESIZE);
	assert_int_equal(h->off, r->off);
	assert_int_equal(h->len, r->len);
}

static int records(const struct fake_handle *h)
{
	int n = 0;

	for (struct devmap_record *r = record_of(h)->context->records; r != NULL; r = r->next)
		n++;
	return n;
}

/* Middle, front and back: each part is taken away when another comes, and goes on after that. */
static void test_partial_unmap(void **unused)
{
	struct fake_handle *a, *tail, *other;

	fake_begin(NULL);
	a = map(1);
	other = map(2);
	for (uint32_t p = 0; p < PAGES; p++)
		store(a, p * PAGESIZE, p + 1);
	tail = fake_munmap(a, 2 * PAGESIZE, PAGESIZE);
	assert_record(a, 0, 2);
	assert_record(tail, 3, 3);
	assert_int_equal(records(a), 2);
	store(other, 0, 77);
	assert_int_equal(load(tail, 2 * PAGESIZE), 6);
	assert_int_equal(load(a, PAGESIZE), 2);
	assert_ptr_equal(fake_munmap(a, 0, PAGESIZE), a);
	assert_record(a, 1, 1);
	assert_null(fake_munmap(tail, 2 * PAGESIZE, PAGESIZE));
	assert_record(tail, 3, 2);
	assert_int_equal(records(a), 2);
	store(other, 0, 78);
	assert_int_equal(load(tail, PAGESIZE), 5);
	assert_int_equal(load(a, 0), 2);
	fake_munmap(a, 0, PAGESIZE);
	assert_int_equal(dev.alive, 2);
	assert_int_equal(load(tail, 0), 4);
	fake_end();
}

/* A child's parts are its own. */
static void test_partial_unmap_forked(void **unused)
{
	struct fake_handle *a, *b, *tail;

	fake_begin(NULL);
	a = map(1);
	store(a, 5 * PAGESIZE, 1);
	b = forked(a, 2);
	tail = fake_munmap(b, PAGESIZE, PAGESIZE);
	store(tail, 3 * PAGESIZE, 2);
	assert_record(a, 0, PAGES);
	assert_int_equal(load(a, 5 * PAGESIZE), 1);
	assert_int_equal(load(forked(tail, 3), 3 * PAGESIZE), 2);
	fake_end();
}

/* The context goes with the last mapping, and nobody owns the device if it was the owner. */
static void test_process_ends(void **unused)
{
	struct fake_handle *a, *b;

	fake_begin(NULL);
	a = map(1);
	(void)map(1);
	b = map(2);
	store(b, 0, 2);
	store(a, 0, 1);
	leave(1);
	assert_int_equal(dev.alive, 1);
	assert_int_equal(dev.owners_destroyed, 1);
	assert_null(dev.contexts.owner);
	assert_int_equal(load(b, 0), 2);
	(void)map(3);
	leave(3); /* was never the owner */
	assert_int_equal(dev.owners_destroyed, 1);
	assert_ptr_equal(dev.contexts.owner, devmap_context_of(b->pvtp));
	fake_end();
}

/* A process that maps the device again after its last mapping has gone is new to it. */
static void test_key_comes_again(void **unused)
{
	struct fake_handle *a;

	fake_begin(NULL);
	a = map(1);
	store(a, 0, 1);
	leave(1);
	assert_int_equal(dev.alive, 0);
	fake.pid = 1;
	assert_null(find(NULL));
	a = map(1);
	assert_int_equal(load(a, 0), 0);
	store(a, 0, 2);
	assert_int_equal(load(forked(a, 2), 0), 2);
	fake_end();
}

/* Failures: they come back, and nothing is left of what failed. */

static int try_dup(struct fake_handle *h, pid_t child)
{
	int error;

	assert_null(fake_fork(h, child, &error));
	return error;
}

static void test_create_fails(void **unused)
{
	struct fake_handle *a;
	size_t len = SIZE;
	int error;

	fake_begin(NULL);
	dev.create = ENOMEM;
	assert_null(fake_mmap_part(1, 0, &len, &error));
	assert_int_equal(error, ENOMEM);
	assert_null(dev.contexts.first);
	assert_int_equal(fake.allocated, 0);
	a = map(1);
	store(a, 0, 1);
	dev.create = ENOMEM;
	assert_int_equal(try_dup(a, 2), ENOMEM);
	assert_int_equal(dev.alive, 1);
	assert_int_equal(load(a, 0), 1);
	assert_int_equal(load(forked(a, 2), 0), 1);
	fake_end();
}

static void test_copy_fails(void **unused)
{
	struct fake_handle *a;

	fake_begin(NULL);
	a = map(1);
	store(a, 0, 1);
	dev.copy = ENOMEM;
	assert_int_equal(try_dup(a, 2), ENOMEM);
	assert_int_equal(dev.alive, 1);
	dev.save = EIO;
	assert_int_equal(try_dup(a, 2), EIO);
	fake.unload_fails = 1;
	assert_int_equal(try_dup(a, 2), EIO);
	assert_int_equal(dev.alive, 1);
	assert_ptr_equal(dev.contexts.owner, devmap_context_of(a->pvtp));
	assert_int_equal(load(a, 0), 1);
	fake_end();
}

/* The device cannot be saved: whose it is keeps it, with all that is in it. */
static void test_save_fails(void **unused)
{
	struct fake_handle *a, *b;
	int error;

	fake_begin(NULL);
	a = map(1);
	b = map(2);
	store(a, 0, 1);
	dev.save = EIO;
	assert_null(fake_try(b, 0, &error));
	assert_int_equal(error, EIO);
	fake.unload_fails = 1;
	assert_null(fake_try(b, 0, &error));
	assert_int_equal(error, EIO);
	assert_ptr_equal(dev.contexts.owner, devmap_context_of(a->pvtp));
	assert_int_equal(load(a, 0), 1);
	store(b, 0, 2);
	assert_int_equal(load(a, 0), 1);
	fake_end();
}

/* It cannot be restored: nobody's is in it, and nothing that was saved is lost. */
static void test_restore_fails(void **unused)
{
	struct fake_handle *a, *b;
	int error;

	fake_begin(NULL);
	a = map(1);
	b = map(2);
	store(a, 0, 1);
	dev.restore = EIO;
	assert_null(fake_try(b, 0, &error));
	assert_int_equal(error, EIO);
	assert_null(dev.contexts.owner);
	assert_int_equal(load(b, 0), 0);
	assert_int_equal(load(a, 0), 1);
	fake_end();
}

/* Everything at once, against a model: what each process has stored in each page. */

#define PIDS  6
#define STEPS 20000

static uint32_t expected[PIDS + 1][PAGES];
static uint64_t random_state;

static unsigned below(unsigned n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(random_state >> 33) % n;
}

static int handles_of(pid_t pid)
{
	int n = 0;

	for (size_t i = 0; i < FAKE_HANDLES; i++)
		n += fake.handle[i].used && fake.handle[i].pid == pid;
	return n;
}

static struct fake_handle *any_handle(void)
{
	for (int i = 0; i < 4 * FAKE_HANDLES; i++) {
		struct fake_handle *h = &fake.handle[below(FAKE_HANDLES)];

		if (h->used)
			return h;
	}
	return NULL;
}

static void step_map(pid_t pid)
{
	size_t page = below(PAGES);

	if (handles_of(pid) == 0)
		memset(expected[pid], 0, sizeof(expected[pid]));
	if (handles_of(pid) < 6)
		(void)fake_mmap(pid, (offset_t)(page * PAGESIZE),
				(1 + below((unsigned)(PAGES - page))) * PAGESIZE);
}

/* Of some of the parent's handles, but not of none. */
static void step_fork(pid_t parent, pid_t child)
{
	if (handles_of(parent) == 0 || handles_of(child) != 0)
		return;
	for (size_t i = 0; i < FAKE_HANDLES; i++) {
		struct fake_handle *h = &fake.handle[i];

		if (h->used && h->pid == parent && (handles_of(child) == 0 || below(4) != 0))
			(void)forked(h, child);
	}
	memcpy(expected[child], expected[parent], sizeof(expected[child]));
}

static void step_unmap(struct fake_handle *h)
{
	unsigned pages = (unsigned)(h->len / PAGESIZE), at = below(pages);

	(void)fake_munmap(h, at * PAGESIZE, (1 + below(pages - at)) * PAGESIZE);
}

static void step_access(struct fake_handle *h)
{
	unsigned at = below((unsigned)(h->len / PAGESIZE));
	uint32_t *want = &expected[h->pid][(size_t)h->off / PAGESIZE + at];

	assert_int_equal(load(h, at * PAGESIZE), *want);
	if (below(2))
		store(h, at * PAGESIZE, *want = below(1U << 30));
}

static void random_step(void)
{
	struct fake_handle *h = any_handle();
	unsigned what = below(16);

	if (what == 0)
		leave((pid_t)(1 + below(PIDS)));
	else if (what < 3 || h == NULL)
		step_map((pid_t)(1 + below(PIDS)));
	else if (what < 5)
		step_fork((pid_t)(1 + below(PIDS)), (pid_t)(1 + below(PIDS)));
	else if (what < 7)
		step_unmap(h);
	else
		step_access(h);
}

static void test_random(void **unused)
{
	for (int spoils = 0; spoils < 2; spoils++) {
		fake_begin(NULL);
		dev.spoils = spoils;
		random_state = (uint64_t)spoils + 1;
		for (int i = 0; i < STEPS; i++) {
			int processes = 0;

			random_step();
			for (pid_t pid = 1; pid <= PIDS; pid++)
				processes += handles_of(pid) != 0;
			assert_int_equal(dev.alive, processes);
		}
		fake_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_a_process, fake_reset),
		cmocka_unit_test_setup(test_switch, fake_reset),
		cmocka_unit_test_setup(test_lock, fake_reset),
		cmocka_unit_test_setup(test_fork_twice, fake_reset),
		cmocka_unit_test_setup(test_fork_in_another_order, fake_reset),
		cmocka_unit_test_setup(test_forks_interleaved, fake_reset),
		cmocka_unit_test_setup(test_child_maps, fake_reset),
		cmocka_unit_test_setup(test_fork_refused, fake_reset),
		cmocka_unit_test_setup(test_grandchild, fake_reset),
		cmocka_unit_test_setup(test_fork_spoils, fake_reset),
		cmocka_unit_test_setup(test_partial_unmap, fake_reset),
		cmocka_unit_test_setup(test_partial_unmap_forked, fake_reset),
		cmocka_unit_test_setup(test_process_ends, fake_reset),
		cmocka_unit_test_setup(test_key_comes_again, fake_reset),
		cmocka_unit_test_setup(test_create_fails, fake_reset),
		cmocka_unit_test_setup(test_copy_fails, fake_reset),
		cmocka_unit_test_setup(test_save_fails, fake_reset),
		cmocka_unit_test_setup(test_restore_fails, fake_reset),
		cmocka_unit_test_setup(test_random, fake_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
