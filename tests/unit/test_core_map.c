/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The core: mappings, handles, loads. One thread; the driver is fake_engine.c's. */
#include "fake_engine.h"

static struct fake_process *a, *b;

static int setup(void **state)
{
	(void)fake_setup(state);
	a = fake_process_new(1);
	b = fake_process_new(2);
	return 0;
}

static int teardown(void **state)
{
	fake_process_exit(a);
	fake_process_exit(b);
	return fake_teardown(state);
}

static int mmap_a(size_t n, uint_t prot, uint_t flags)
{
	return fake_mmap(a, BASE, P(n), prot, flags, 0);
}

#define RW (PROT_READ | PROT_WRITE)

/*
 * mmap
 */

static void c20_nothing_is_loaded_at_map_time(void **state)
{
	(void)state;
	drv.piece = P(3);
	fake_map(a, 8);
	assert_int_equal(drv.maps, 3);
	assert_int_equal(fake_handles, 3);
	for (size_t i = 0; i < 8; i++)
		assert_false(fake_valid(a, BASE + P(i)));
	assert_int_equal(drv.accesses, 0);
	assert_int_equal(fake_touch(a, BASE + P(4)), 0);
	assert_int_equal(drv.accesses, 1);
	assert_true(fake_valid(a, BASE + P(4)));
	assert_false(fake_valid(a, BASE + P(3)));
}

static void c24_arguments_of_mmap(void **state)
{
	(void)state;
	assert_int_equal(fake_mmap(a, BASE + 1, P(1), RW, MAP_SHARED, 0), EINVAL);
	assert_int_equal(fake_mmap(a, BASE, P(1), RW, MAP_SHARED, 5), EINVAL);
	assert_int_equal(fake_mmap(a, BASE, P(1), RW, MAP_SHARED, -PAGESIZE), EINVAL);
	assert_int_equal(fake_mmap(a, BASE, 0, RW, MAP_SHARED, 0), EINVAL);
	assert_int_equal(fake_mmap(a, BASE, SIZE_MAX, RW, MAP_SHARED, 0), EINVAL);
	assert_int_equal(fake_mmap(a, BASE, P(2), RW, MAP_SHARED, INT64_MAX & PAGEMASK), EINVAL);
	assert_int_equal(mmap_a(1, RW, 0), EINVAL);
	assert_int_equal(mmap_a(1, RW, MAP_SHARED | MAP_PRIVATE), EINVAL);
	/* Not whole pages: rounded up. */
	assert_int_equal(fake_mmap(a, BASE, 5, RW, MAP_SHARED, 0), 0);
	assert_int_equal(drv_handle(a, 0)->dh_len, PAGESIZE);
	/* MAP_PRIVATE is handed on. */
	assert_int_equal(fake_mmap(a, BASE + P(1), P(1), RW, MAP_PRIVATE, 0), 0);
	drv.no_ops = B_TRUE;
	assert_int_equal(fake_mmap(a, BASE + P(2), P(1), RW, MAP_PRIVATE, 0), EINVAL);
}

static void c24_protection(void **state)
{
	struct devmap_mapping *m;
	int error;

	(void)state;
	fake_enter(a);
	assert_int_equal(devmap_mmap(&a->as, DEV, BASE, P(1), RW, PROT_READ, MAP_SHARED, 0, NULL,
				     NULL, &m),
			 EACCES);
	assert_int_equal(devmap_mmap(&a->as, DEV + 1, BASE, P(1), RW, RW, MAP_SHARED, 0, NULL, NULL,
				     &m),
			 ENXIO);
	/* More than the driver's maximum: devmap(9E) fails. */
	drv.maxprot = PROT_READ | PROT_USER;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), ENXIO);
	assert_true(fake_said("drv: devmap_devmem_setup: protection 0x3 is more than"));
	assert_int_equal(mmap_a(1, PROT_READ, MAP_SHARED), 0);
	assert_int_equal(fake_access(a, BASE, DEVMAP_WRITE, &error, NULL, NULL), SIGSEGV);
	assert_int_equal(error, EACCES);
	assert_int_equal(drv.accesses, 0);
	assert_int_equal(fake_access(a, BASE, DEVMAP_READ, &error, NULL, NULL), 0);
}

static int segmap_nothing(dev_t dev, off_t off, struct as *as, caddr_t *addrp, off_t len,
			  unsigned int prot, unsigned int maxprot, unsigned int flags, cred_t *cred)
{
	(void)dev, (void)off, (void)as, (void)addrp, (void)len, (void)prot, (void)maxprot,
		(void)flags;
	(void)cred;
	return 0;
}

static int segmap_error(dev_t dev, off_t off, struct as *as, caddr_t *addrp, off_t len,
			unsigned int prot, unsigned int maxprot, unsigned int flags, cred_t *cred)
{
	int error = ddi_devmap_segmap(dev, off, as, addrp, len, prot, maxprot, flags, cred);

	return error == 0 ? EDOM : error;
}

/* A driver may map elsewhere, and allow less. */
static int segmap_shift(dev_t dev, off_t off, struct as *as, caddr_t *addrp, off_t len,
			unsigned int prot, unsigned int maxprot, unsigned int flags, cred_t *cred)
{
	(void)maxprot;
	assert_int_equal(off, 0);
	*addrp = NULL;
	if (devmap_setup(dev, P(7), as, addrp, (size_t)len, prot, PROT_READ | PROT_WRITE, flags,
			 cred))
		return EINVAL;
	assert_ptr_equal(*addrp, (void *)BASE);
	/* Once only. */
	assert_int_equal(devmap_setup(dev, P(7), as, addrp, (size_t)len, prot, maxprot, flags,
				      cred),
			 EINVAL);
	return 0;
}

static void c26_segmap(void **state)
{
	caddr_t addr = NULL;

	(void)state;
	drv_cb.cb_segmap = segmap_nothing;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), EINVAL);
	assert_true(fake_said("drv: segmap: returned 0 without devmap_setup"));
	drv_cb.cb_segmap = segmap_error;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), EDOM);
	assert_int_equal(drv.maps, 1);
	assert_int_equal(drv.unmaps, 1);
	drv_cb.cb_segmap = ddi_devmap_segmap;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), 0);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(1)), 0);
	drv_cb.cb_segmap = segmap_shift;
	assert_int_equal(mmap_a(2, RW, MAP_SHARED), 0);
	assert_int_equal(drv_handle(a, 0)->dh_off, P(7));
	assert_int_equal(drv_handle(a, 0)->dh_maxprot & PROT_EXEC, 0);
	assert_true(fake_said("drv: devmap_setup: called twice for one mmap"));
	assert_int_equal(devmap_setup(DEV, 0, &a->as, &addr, P(1), RW, RW, MAP_SHARED, NULL),
			 EINVAL);
	assert_true(fake_said("devmap_setup: called outside segmap"));
}

static void c24_drivers_that_cannot_be_mapped(void **state)
{
	struct cb_ops good = drv_cb;

	(void)state;
	drv_cb.cb_devmap = NULL;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), ENODEV);
	drv_cb.cb_devmap = (void *)nodev;
	drv_cb.cb_segmap = (void *)nulldev;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), ENODEV);
	drv_cb.cb_segmap = ddi_devmap_segmap;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), EINVAL);
	drv_cb = good;
	drv_cb.cb_flag = D_MP;
	assert_int_equal(mmap_a(1, RW, MAP_SHARED), EINVAL);
}

static void c26_mistakes_in_devmap(void **state)
{
	static const struct {
		size_t maplen;
		const char *said;
	} lens[] = {
		{ 0, "drv: devmap: offset 0x0: *maplen is 0" },
		{ 100, "*maplen 0x64 is not whole pages" },
		{ PAGESIZE, "*maplen 0x1000 is not what was set up (0x4000 bytes)" },
		{ 5 * PAGESIZE, "*maplen 0x5000 is more than was asked for (0x4000 bytes)" },
	};

	(void)state;
	drv.set_maplen = B_TRUE;
	for (size_t i = 0; i < 4; i++) {
		drv.maplen = lens[i].maplen;
		assert_int_equal(mmap_a(4, RW, MAP_SHARED), EINVAL);
		assert_true(fake_said(lens[i].said));
	}
	drv.set_maplen = B_FALSE;
	drv.no_setup = B_TRUE;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), EINVAL);
	assert_true(fake_said("drv: devmap: offset 0x0: called neither"));
	drv.no_setup = B_FALSE;
	drv.setup_twice = B_TRUE;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	assert_true(fake_said("is set up already"));
	drv.setup_twice = B_FALSE;
	drv.devmap_error = EPERM;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	assert_true(fake_said("drv: devmap: offset 0x0, 0x4000 bytes: refused (1)"));
	assert_int_equal(drv.maps + drv.unmaps, 0);
}

static void c26_setup_outside_the_memory(void **state)
{
	static const offset_t shifts[] = { 61 * PAGESIZE, 64 * PAGESIZE, INT64_MAX & PAGEMASK,
					   -PAGESIZE };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		drv.shift = shifts[i];
		assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	}
	assert_true(
		fake_said("drv: devmap_devmem_setup: 0x4000 bytes at offset 0x3d000 are outside "
			  "drv registers 0 (0x40000 bytes)"));
	drv.shift = 60 * PAGESIZE;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), 0);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(4)), 0);
	drv.umem = fake_regs[0];
	drv.shift = 61 * PAGESIZE;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	drv.umem = NULL;
	drv.rnumber = 2;
	drv.shift = 0;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	assert_true(fake_said("drv: devmap_devmem_setup: there is no such memory"));
	drv.rnumber = 0;
	drv.flags = DEVMAP_MAPPING_INVALID;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	drv.flags = IOMEM_DATA_CACHED | IOMEM_DATA_UNCACHED;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	drv.flags = IOMEM_DATA_UNCACHED;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), 0);
}

static void c2_devmap_map_fails(void **state)
{
	(void)state;
	drv.piece = P(1);
	drv.map_error_at = 3;
	assert_int_equal(mmap_a(4, RW, MAP_SHARED), ENXIO);
	assert_int_equal(drv.maps, 3);
	assert_int_equal(drv.unmaps, 2);
	assert_int_equal(fake_handles, 0);
	assert_null(drv_handle(a, 0));
	assert_true(fake_said("drv: devmap_map: offset 0x2000, 0x1000 bytes: refused (16)"));
}

/*
 * Loads
 */

static void c15_ranges(void **state)
{
	static const struct {
		offset_t off;
		size_t len;
		int error;
		int first, last;
	} r[] = {
		{ 0x2000, 0x1000, 0, 0, 0 },
		{ 0x2fff, 1, 0, 0, 0 },
		{ 0x2fff, 2, 0, 0, 1 }, /* independent rounding would miss page 1 */
		{ 0x2001, 0x1000, 0, 0, 1 },
		{ 0x3800, 0x1000, 0, 1, 2 },
		{ 0x2000, 0, 0, 0, 3 },
		{ 0x4001, 0, 0, 2, 3 },
		{ 0x5fff, 1, 0, 3, 3 },
		{ 0x5fff, 2, EINVAL, 0, 0 },
		{ 0x6000, 0, EINVAL, 0, 0 },
		{ 0x6000, 1, EINVAL, 0, 0 },
		{ 0x1fff, 1, EINVAL, 0, 0 },
		{ 0, 0, EINVAL, 0, 0 },
		{ -1, 2, EINVAL, 0, 0 },
		{ 0x2000, SIZE_MAX, EINVAL, 0, 0 },
		{ 0x2001, SIZE_MAX - 0x2000, EINVAL, 0, 0 },
		{ INT64_MIN, 1, EINVAL, 0, 0 },
		{ INT64_MAX, 1, EINVAL, 0, 0 },
	};
	struct devmap_handle *dh;

	(void)state;
	assert_int_equal(fake_mmap(a, BASE, P(4), RW, MAP_SHARED, 0x2000), 0);
	dh = drv_handle(a, 0);
	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		assert_int_equal(devmap_load(dh, r[i].off, r[i].len, DEVMAP_ACCESS, DEVMAP_WRITE),
				 r[i].error);
		for (int page = 0; page < 4; page++)
			assert_int_equal(fake_valid(a, BASE + P(page)),
					 r[i].error == 0 && page >= r[i].first &&
						 page <= r[i].last);
		assert_int_equal(devmap_unload(dh, 0x2000, 0), 0);
		assert_int_equal(devmap_load(dh, 0x2000, 0, DEVMAP_ACCESS, DEVMAP_WRITE), 0);
		assert_int_equal(devmap_unload(dh, r[i].off, r[i].len), r[i].error);
		for (int page = 0; page < 4; page++)
			assert_int_equal(fake_valid(a, BASE + P(page)),
					 r[i].error != 0 || page < r[i].first || page > r[i].last);
		assert_int_equal(devmap_unload(dh, 0x2000, 0), 0);
	}
	assert_true(
		fake_said("drv: devmap_load: offset 0x6000 is outside the handle (0x4000 bytes at "
			  "0x2000)"));
	assert_true(fake_said(
		"drv: devmap_unload: 0x2 bytes at offset 0x5fff pass the end of the handle"));
}

static void c14_loaded_pages_are_not_intercepted(void **state)
{
	struct devmap_handle *dh;

	(void)state;
	fake_map(a, 2);
	dh = drv_handle(a, 0);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(drv.accesses, 1);
	/* What the page tables lose is put back without the driver. */
	fake_reclaim(a, BASE);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(drv.accesses, 1);
	fake_enter(b);
	assert_int_equal(devmap_unload(dh, 0, P(1)), 0);
	assert_int_equal(devmap_unload(dh, 0, P(2)), 0);
	assert_false(fake_valid(a, BASE));
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(drv.accesses, 2);
}

static void c18_errors_of_load(void **state)
{
	struct devmap_handle *dh;

	(void)state;
	drv.maxprot = PROT_READ | PROT_USER;
	assert_int_equal(mmap_a(2, PROT_READ, MAP_SHARED), 0);
	dh = drv_handle(a, 0);
	assert_int_equal(devmap_load(dh, 0, 0, DEVMAP_ACCESS, DEVMAP_WRITE), EACCES);
	assert_int_equal(devmap_load(dh, 0, 0, DEVMAP_ACCESS, DEVMAP_OTHER), 0);
	fake_enter(b);
	assert_int_equal(devmap_load(dh, 0, 0, DEVMAP_ACCESS, DEVMAP_READ), EINVAL);
	assert_true(fake_said("belongs to process 1, which is not the one that is being served"));
	fake_enter(NULL);
	assert_int_equal(devmap_default_access(dh, NULL, 0, 0, DEVMAP_ACCESS, DEVMAP_READ), EINVAL);
}

static int value_to_return;

static int return_value(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	(void)dhp, (void)pvtp, (void)off, (void)len, (void)type, (void)rw;
	return value_to_return;
}

static int load_then_fail(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	(void)pvtp;
	assert_int_equal(devmap_load(dhp, off, len, type, rw), 0);
	return 77;
}

static int load_for_writing(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			    uint_t rw)
{
	(void)pvtp, (void)rw;
	return devmap_load(dhp, off, len, type, DEVMAP_WRITE);
}

static void c11_failures_reach_the_process(void **state)
{
	int error = 0;

	(void)state;
	fake_map(a, 2);
	drv.access = return_value;
	value_to_return = -1;
	assert_int_equal(fake_access(a, BASE, DEVMAP_READ, &error, NULL, NULL), SIGBUS);
	assert_int_equal(error, -1);
	drv.access = load_then_fail;
	assert_int_equal(fake_access(a, BASE, DEVMAP_READ, &error, NULL, NULL), SIGBUS);
	assert_int_equal(error, 77);
	assert_false(fake_valid(a, BASE));
	/* Nowhere. */
	assert_int_equal(fake_access(a, BASE + P(2), DEVMAP_READ, &error, NULL, NULL), SIGSEGV);
	assert_int_equal(error, EFAULT);
	/* A handler that returns makes the driver be asked again. */
	drv.access = NULL;
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(2)), 0);
	drv.maxprot = PROT_READ;
	assert_int_equal(mmap_a(1, PROT_READ, MAP_SHARED), 0);
	drv.access = load_for_writing;
	assert_int_equal(fake_access(a, BASE, DEVMAP_READ, &error, NULL, NULL), SIGSEGV);
}

static int nothing_twice(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			 uint_t rw)
{
	return drv.accesses < 3 ? 0 : devmap_default_access(dhp, pvtp, off, len, type, rw);
}

static void c16_access_that_loads_nothing(void **state)
{
	(void)state;
	fake_map(a, 2);
	drv.access = return_value;
	value_to_return = 0;
	assert_int_equal(fake_touch(a, BASE + P(1)), SIGBUS);
	assert_true(fake_said("drv: devmap_access: returned 0 but did not load offset 0x1000"));
	fake_messages_clear();
	assert_int_equal(fake_touch(a, BASE), SIGBUS);
	assert_int_equal(drv.accesses, 2);
}

/* It is asked again: at once, and then at growing distances, as long as the property says. */
static void c16_is_asked_again(void **state)
{
	const int ms[] = { 60, FAKE_UNSET };
	hrtime_t began;

	(void)state;
	fake_map(a, 2);
	for (int i = 0; i < 2; i++) {
		fake_direct = i == 0;
		fake_retry_unloaded = -1;
		drv.accesses = 0;
		drv.access = nothing_twice;
		assert_int_equal(fake_touch(a, BASE + P(i)), 0);
		assert_int_equal(drv.accesses, 3);
		assert_int_equal(devmap_unload(drv_handle(a, 0), 0, 0), 0);
		fake_retry_unloaded = ms[i];
		drv.accesses = 0;
		drv.access = return_value;
		value_to_return = 0;
		began = gethrtime();
		assert_int_equal(fake_touch(a, BASE + P(i)), SIGBUS);
		assert_true(gethrtime() - began >= (i == 0 ? 60 : 1000) * MS);
		assert_in_range(drv.accesses, 3, i == 0 ? 9 : 39);
	}
}

static int takes_back(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		      uint_t rw)
{
	int error = devmap_load(dhp, off, len, type, rw);

	(void)pvtp;
	if (error == 0 && drv.accesses < 10)
		error = devmap_unload(dhp, off, len);
	return error;
}

/* It would be asked for ever. */
static void c16_access_that_unloads_what_it_loaded(void **state)
{
	(void)state;
	drv.access = takes_back;
	fake_map(a, 2);
	assert_int_equal(fake_touch(a, BASE), SIGBUS);
	assert_int_equal(drv.accesses, 1);
}

static devmap_cookie_t sibling;

static int load_sibling(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			uint_t rw)
{
	assert_int_equal(devmap_load(sibling, 0, 0, type, rw), 0);
	return devmap_default_access(dhp, pvtp, off, len, type, rw);
}

static void c19_siblings(void **state)
{
	struct devmap_handle *one, *two;

	(void)state;
	fake_map(a, 2);
	assert_int_equal(fake_mmap(a, BASE + P(4), P(2), RW, MAP_SHARED, 0), 0);
	one = drv_handle(a, 0);
	two = drv_handle(a, BASE + P(4));
	sibling = two;
	drv.access = load_sibling;
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_true(fake_valid(a, BASE + P(4)) && fake_valid(a, BASE + P(5)));
	assert_int_equal(fake_regs[0]->m.mem_pages[0].pg_loaded, 2);
	assert_int_equal(fake_regs[0]->m.mem_pages[1].pg_loaded, 1);
	/*
	 * Through the one it is intercepted again; through the other it comes back without the
	 * driver.
	 */
	assert_int_equal(devmap_unload(one, 0, 0), 0);
	drv.access = NULL;
	assert_int_equal(fake_touch(a, BASE + P(4)), 0);
	assert_int_equal(drv.accesses, 1);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(drv.accesses, 2);
	/* Taking the page from the process takes it from both. */
	fake_map(b, 2);
	drv.access = devmap_default_access;
	assert_int_equal(fake_touch(b, BASE), 0);
	assert_int_equal(fake_regs[0]->m.mem_pages[0].pg_loaded, 1);
	assert_ptr_equal(fake_regs[0]->m.mem_pages[0].pg_holder, &b->as);
	assert_false(fake_valid(a, BASE) || fake_valid(a, BASE + P(4)));
	assert_true(fake_valid(a, BASE + P(5)));
}

/* C19 loads it, though it has not been accessed. */
static void x3_no_new_group_for_what_is_loaded(void **state)
{
	int key;

	(void)state;
	drv.access = load_sibling;
	drv.piece = P(2);
	fake_map(a, 4);
	sibling = drv_handle(a, BASE);
	assert_int_equal(devmap_set_ctx_group(sibling, &key), 0);
	assert_int_equal(fake_touch(a, BASE + P(2)), 0);
	assert_int_equal(devmap_set_ctx_group(sibling, NULL), EBUSY);
	assert_int_equal(drv_handle(a, BASE)->dh_member->mb_loaded, 2);
}

/* A key is its address space's: not the process id's, and not the next one's. */
static void keys_do_not_come_again(void **state)
{
	uint64_t of_a, of_b;
	struct fake_process *c;

	(void)state;
	fake_map(a, 2);
	assert_int_equal(devmap_dup_as(&a->as, &b->as), 0);
	of_a = devmap_get_as_key(drv_handle(a, BASE));
	of_b = devmap_get_as_key(drv_handle(b, BASE));
	assert_true(of_a != 0 && of_b != 0 && of_a != of_b);
	fake_enter(a);
	assert_int_equal(devmap_get_as_key(NULL), of_a);
	fake_enter(NULL);
	assert_int_equal(devmap_get_as_key(NULL), 0);
	c = fake_process_new(1);
	fake_map(c, 2);
	assert_true(devmap_get_as_key(drv_handle(c, BASE)) > of_b);
	fake_process_exit(c);
}

/* A device is taken away: nothing of it is mapped, and the driver knows; another's stays. */
static void a_device_goes(void **state)
{
	dev_info_t *dip;

	(void)state;
	drv.piece = P(2);
	fake_map(a, 8);
	assert_int_equal(fake_touch(a, BASE + P(5)), 0);
	dip = drv_handle(a, BASE)->dh_dip;
	devmap_unmap_device(&a->as, (dev_info_t *)&drv);
	assert_int_equal(a->as.a_nmappings, 1);
	assert_true(fake_valid(a, BASE + P(5)));
	devmap_unmap_device(&a->as, dip);
	assert_int_equal(a->as.a_nmappings, 0);
	assert_false(fake_valid(a, BASE + P(5)));
	assert_int_equal(fake_touch(a, BASE + P(5)), SIGSEGV);
}

static void sum_taken(struct devmap_group *g, void *arg)
{
	*(uint64_t *)arg += g->g_stats.taken;
}

static void c17_loads_take_pages_away(void **state)
{
	uint64_t taken = 0;

	(void)state;
	drv.access = devmap_default_access;
	fake_map(a, 4);
	fake_map(b, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(fake_touch(a, BASE + P(i)), 0);
	fake_enter(b);
	assert_int_equal(devmap_load(drv_handle(b, 0), P(1), P(2), DEVMAP_ACCESS, DEVMAP_WRITE), 0);
	assert_true(fake_valid(a, BASE) && fake_valid(a, BASE + P(3)));
	assert_false(fake_valid(a, BASE + P(1)) || fake_valid(a, BASE + P(2)));
	devmap_each_group(sum_taken, &taken);
	assert_int_equal(taken, 2);
	assert_true(fake_said("process 1 (client) still had valid translations"));
	assert_int_equal(drv_handle(a, 0)->dh_member->mb_loaded, 2);
	assert_int_equal(drv_handle(b, 0)->dh_member->mb_loaded, 2);
}

static void c23_without_access_all_share(void **state)
{
	uint64_t taken = 0;

	(void)state;
	drv.no_ops = B_TRUE;
	fake_map(a, 2);
	fake_map(b, 2);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(fake_touch(b, BASE), 0);
	assert_int_equal(fake_touch(a, BASE), 0);
	devmap_each_group(sum_taken, &taken);
	assert_int_equal(taken, 0);
	/* nulldev and nodev are no callbacks. */
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(2)), 0);
	drv.no_ops = B_FALSE;
	drv.ops.devmap_access = (void *)nulldev;
	drv.ops.devmap_map = (void *)nodev;
	drv.ops.devmap_unmap = (void *)nodev;
	fake_map(a, 2);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_null(drv_handle(a, 0)->dh_member);
}

/*
 * Unmap
 */

static void check_last(devmap_cookie_t dhp, offset_t off, size_t len, devmap_cookie_t new1,
		       devmap_cookie_t new2)
{
	assert_ptr_equal(drv.last.dhp, dhp);
	assert_int_equal(drv.last.off, off);
	assert_int_equal(drv.last.len, len);
	assert_ptr_equal(drv.last.new1, new1);
	assert_ptr_equal(drv.last.new2, new2);
}

static void c22_the_table(void **state)
{
	struct devmap_handle *dh, *behind;

	(void)state;
	assert_int_equal(fake_mmap(a, BASE, P(16), RW, MAP_SHARED, P(1)), 0);
	dh = drv_handle(a, 0);
	assert_int_equal(devmap_set_ctx_hold(dh, 5), 0);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(fake_touch(a, BASE + P(i)), 0);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(2)), 0); /* head */
	check_last(dh, P(1), P(2), NULL, dh);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(14), P(2)), 0); /* tail */
	check_last(dh, P(15), P(2), dh, NULL);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(4), P(3)), 0); /* hole */
	behind = drv_handle(a, BASE + P(7));
	check_last(dh, P(5), P(3), dh, behind);
	assert_int_equal(a->as.a_nmappings, 2);
	assert_int_equal(dh->dh_len, P(2));
	assert_int_equal(dh->dh_off, P(3));
	assert_int_equal(behind->dh_off, P(8));
	assert_int_equal(behind->dh_len, P(7));
	assert_int_equal(behind->dh_roff, P(8));
	assert_int_equal(behind->dh_hold, 5);
	assert_ptr_equal(behind->dh_member, dh->dh_member);
	assert_int_equal(dh->dh_member->mb_handles, 2);
	assert_int_equal(dh->dh_member->mb_loaded, 9);
	/* What was loaded still is, through the handle that covers it now. */
	drv.accesses = 0;
	for (size_t i = 0; i < 16; i++) {
		if (i < 2 || i > 13 || (i >= 4 && i < 7))
			assert_int_equal(fake_touch(a, BASE + P(i)), SIGSEGV);
		else
			assert_true(fake_valid(a, BASE + P(i)));
	}
	fake_reclaim(a, BASE + P(9));
	assert_int_equal(fake_touch(a, BASE + P(9)), 0);
	assert_int_equal(drv.accesses, 0);
	assert_int_equal(devmap_unload(behind, P(8), 0), 0);
	assert_int_equal(dh->dh_member->mb_loaded, 2);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(2), P(2)), 0); /* whole */
	check_last(dh, P(3), P(2), NULL, NULL);
	assert_int_equal(a->as.a_nmappings, 1);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + 1, P(2)), EINVAL);
}

/* B7: the tail of a mapping of several handles. */
static void c22_tails_of_several_handles(void **state)
{
	(void)state;
	drv.piece = P(4);
	fake_map(a, 8);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(6), P(2)), 0);
	check_last(drv_handle(a, BASE + P(4)), P(6), P(2), drv_handle(a, BASE + P(4)), NULL);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(4), P(2)), 0);
	assert_int_equal(drv.last.off, P(4));
	assert_int_equal(drv.last.len, P(2));
	assert_null(drv.last.new1);
	assert_int_equal(fake_handles, 1);
	assert_int_equal(a->as.a_mappings[0]->m_len, P(4));
}

static offset_t unmap_off;
static size_t unmap_len;
static int unmap_error;

static void unload_the_dying(devmap_cookie_t dhp, offset_t off, size_t len)
{
	(void)off, (void)len;
	unmap_error = devmap_unload(dhp, unmap_off, unmap_len);
	assert_int_not_equal(devmap_load(dhp, off, len, DEVMAP_ACCESS, DEVMAP_READ), 0);
}

static void c22_unload_in_unmap(void **state)
{
	(void)state;
	drv.in_unmap = unload_the_dying;
	fake_map(a, 8);
	unmap_off = P(6), unmap_len = P(2);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(6), P(2)), 0);
	assert_int_equal(unmap_error, 0);
	unmap_off = 0, unmap_len = P(2);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(2)), 0);
	assert_int_equal(unmap_error, 0);
	unmap_off = 0, unmap_len = P(1);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(2), P(1)), 0);
	assert_int_equal(unmap_error, EINVAL); /* was unmapped long ago */
	unmap_off = P(3), unmap_len = 0;
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(4), P(1)), 0);
	assert_int_equal(unmap_error, 0);
	unmap_off = P(3), unmap_len = 0;
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(3), P(1)), 0);
	assert_int_equal(unmap_error, 0);
}

/*
 * A model of one address space: for each page its offset in the device + 1, and whether it is
 * loaded.
 */
#define MODEL 64
static struct {
	offset_t off;
	boolean_t mapped, loaded;
} model[MODEL];

static void check_mapping(const struct devmap_mapping *m)
{
	uintptr_t at = m->m_addr;
	struct drv_ctx *c;

	assert_true(m->m_nhandles > 0);
	assert_int_equal(m->m_refs, m->m_nhandles + 1);
	for (size_t i = 0; i < m->m_nhandles; i++) {
		struct devmap_handle *dh = m->m_handles[i];

		assert_int_equal(dh->dh_uvaddr, at);
		assert_ptr_equal(dh->dh_mapping, m);
		assert_int_equal(dh->dh_off, dh->dh_roff);
		assert_int_equal(dh->dh_flags & DH_CLOSING, 0);
		c = dh->dh_seen.dh_pvtp;
		assert_ptr_equal(c->dhp, dh);
		assert_int_equal(c->off, dh->dh_off);
		assert_int_equal(c->len, dh->dh_len);
		for (size_t page = 0; page < dh->dh_len / PAGESIZE; page++) {
			size_t n = (at - BASE) / PAGESIZE;

			assert_true(model[n].mapped);
			assert_int_equal(model[n].off, dh->dh_off + (offset_t)P(page));
			assert_int_equal(dh->dh_loaded[0] >> page & 1, model[n].loaded);
			model[n].mapped = B_FALSE; /* seen */
			at += PAGESIZE;
		}
	}
	assert_int_equal(at - m->m_addr, m->m_len);
}

static void check_model(void)
{
	boolean_t was[MODEL];

	for (size_t i = 0; i < MODEL; i++)
		was[i] = model[i].mapped;
	for (size_t i = 0; i < a->as.a_nmappings; i++) {
		check_mapping(a->as.a_mappings[i]);
		if (i > 0)
			assert_true(a->as.a_mappings[i - 1]->m_addr +
					    a->as.a_mappings[i - 1]->m_len <=
				    a->as.a_mappings[i]->m_addr);
	}
	for (size_t i = 0; i < MODEL; i++) {
		assert_false(model[i].mapped);
		model[i].mapped = was[i];
	}
}

static void c22_random_unmaps(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		drv.piece = P(1 + rand_r(&seed) % 9);
		memset(model, 0, sizeof(model));
		for (int op = 0; op < 40; op++) {
			size_t at = (size_t)rand_r(&seed) % MODEL;
			size_t n = 1 + (size_t)rand_r(&seed) % 12, i, free = 0;

			n = n < MODEL - at ? n : MODEL - at;
			for (i = at; i < at + n; i++)
				free += !model[i].mapped;
			if (free == n) {
				offset_t off = (offset_t)P(rand_r(&seed) % 40);

				assert_int_equal(
					fake_mmap(a, BASE + P(at), P(n), RW, MAP_SHARED, off), 0);
				for (i = at; i < at + n; i++) {
					model[i].mapped = B_TRUE;
					model[i].loaded = B_FALSE;
					model[i].off = off + (offset_t)P(i - at);
				}
			} else if (op % 3 == 0) {
				assert_int_equal(devmap_unmap_range(&a->as, BASE + P(at), P(n)), 0);
				for (i = at; i < at + n; i++)
					model[i].mapped = B_FALSE;
			} else if (model[at].mapped) {
				assert_int_equal(fake_touch(a, BASE + P(at)), 0);
				model[at].loaded = B_TRUE;
			}
			check_model();
		}
		assert_int_equal(devmap_unmap_range(&a->as, 0, SIZE_MAX), 0);
		assert_int_equal(fake_handles, 0);
	}
}

static void c22_move(void **state)
{
	(void)state;
	drv.piece = P(2);
	fake_map(a, 4);
	assert_int_equal(fake_touch(a, BASE + P(3)), 0);
	assert_int_equal(devmap_move(&a->as, BASE, P(3), BASE + P(10)), EINVAL);
	assert_int_equal(devmap_move(&a->as, BASE + P(2), P(2), BASE + P(10)), EINVAL);
	assert_int_equal(devmap_move(&a->as, BASE, P(4), BASE + P(10)), 0);
	assert_false(fake_valid(a, BASE + P(3)));
	assert_int_equal(fake_touch(a, BASE + P(3)), SIGSEGV);
	assert_int_equal(fake_touch(a, BASE + P(13)), 0);
}

/*
 * fork
 */

static void c21_dup(void **state)
{
	struct devmap_handle *old, *new;

	(void)state;
	drv.piece = P(2);
	drv.hold = 1;
	fake_map(a, 5);
	assert_int_equal(fake_mmap(a, BASE + P(8), P(1), RW, MAP_SHARED, 0), 0);
	assert_int_equal(fake_touch(a, BASE + P(3)), 0);
	assert_int_equal(devmap_dup_as(&a->as, &b->as), 0);
	assert_int_equal(drv.dups, 4);
	assert_int_equal(b->as.a_nmappings, 2);
	old = drv_handle(a, BASE + P(2));
	new = drv_handle(b, BASE + P(2));
	assert_int_equal(new->dh_off, old->dh_off);
	assert_int_equal(new->dh_len, old->dh_len);
	assert_int_equal(new->dh_hold, 1);
	assert_ptr_not_equal(new->dh_seen.dh_pvtp, old->dh_seen.dh_pvtp);
	assert_ptr_equal(new->dh_member->mb_group, old->dh_member->mb_group);
	assert_ptr_not_equal(new->dh_member, old->dh_member);
	assert_int_equal(new->dh_loaded[0], 0);
	assert_true(fake_valid(a, BASE + P(3)));
	assert_false(fake_valid(b, BASE + P(3)));
	drv.accesses = 0;
	assert_int_equal(fake_touch(b, BASE + P(3)), 0);
	assert_int_equal(drv.accesses, 1);
}

static void c21_dup_fails(void **state)
{
	(void)state;
	drv.piece = P(2);
	fake_map(a, 4);
	assert_int_equal(fake_mmap(a, BASE + P(8), P(4), RW, MAP_SHARED, 0), 0);
	drv.dup_error_at = 4;
	drv.dup_error = EPERM;
	assert_int_equal(devmap_dup_as(&a->as, &b->as), EAGAIN);
	assert_int_equal(drv.dups, 4);
	assert_int_equal(drv.unmaps, 3);
	assert_int_equal(b->as.a_nmappings, 0);
	assert_int_equal(fake_handles, 4);
	drv.dups = 0;
	drv.dup_error_at = 1;
	drv.dup_error = ENOMEM;
	assert_int_equal(devmap_dup_as(&a->as, &b->as), ENOMEM);
	assert_int_equal(drv.unmaps, 3);
	/* The parent's handles are as usable as before. */
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(12)), 0);
}

static void remap_in_dup(devmap_cookie_t dhp, devmap_cookie_t new_dhp)
{
	(void)dhp;
	assert_int_equal(devmap_devmem_remap(new_dhp, NULL, 0, 0, P(2), PROT_ALL,
					     DEVMAP_MAPPING_INVALID, NULL),
			 DDI_SUCCESS);
}

static void c25_remap_in_dup(void **state)
{
	(void)state;
	drv.flags = DEVMAP_ALLOW_REMAP;
	drv.in_dup = remap_in_dup;
	fake_map(a, 2);
	assert_int_equal(devmap_dup_as(&a->as, &b->as), 0);
	assert_null(drv_handle(b, 0)->dh_memory);
	/* The driver loads nothing that is not there. */
	assert_int_equal(fake_touch(b, BASE), SIGBUS);
}

static void c25_remap(void **state)
{
	struct devmap_handle *dh;

	(void)state;
	fake_regs[1] = fake_memory_new("drv registers 1", P(3));
	fake_map(a, 2);
	dh = drv_handle(a, 0);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 0, 0, P(2), PROT_ALL, 0, NULL), DDI_FAILURE);
	assert_true(fake_said("was set up without DEVMAP_ALLOW_REMAP"));
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(2)), 0);
	drv.flags = DEVMAP_ALLOW_REMAP;
	drv.no_ops = B_TRUE;
	fake_map(a, 2);
	dh = drv_handle(a, 0);
	assert_int_equal(fake_touch(a, BASE), 0);
	/* Checked first: a failure changes nothing. */
	assert_int_equal(devmap_devmem_remap(dh, NULL, 1, P(2), P(2), PROT_ALL, 0, NULL),
			 DDI_FAILURE);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 1, 0, P(1), PROT_ALL, 0, NULL), DDI_FAILURE);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 1, 0, P(3), PROT_ALL, 0, NULL), DDI_FAILURE);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 1, 0, P(2), PROT_READ, 0, NULL),
			 DDI_FAILURE);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 1, 0, P(2), PROT_ALL, 8, NULL), DDI_FAILURE);
	assert_int_equal(devmap_umem_remap(dh, NULL, fake_regs[1], 0, P(2), PROT_ALL,
					   DEVMAP_MAPPING_INVALID, NULL),
			 DDI_FAILURE);
	assert_int_equal(devmap_umem_remap(dh, NULL, NULL, 0, P(2), PROT_ALL, 0, NULL),
			 DDI_FAILURE);
	assert_true(fake_valid(a, BASE));
	fake_enter(NULL);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 1, P(1), P(2), PROT_ALL, 0, NULL),
			 DDI_SUCCESS);
	assert_false(fake_valid(a, BASE));
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_ptr_equal(a->table[BASE / PAGESIZE].mem, fake_regs[1]);
	assert_int_equal(a->table[BASE / PAGESIZE].page, 1);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 0, 0, 0, PROT_ALL, DEVMAP_MAPPING_INVALID,
					     NULL),
			 DDI_SUCCESS);
	assert_int_equal(fake_touch(a, BASE), SIGSEGV);
	assert_int_equal(devmap_umem_remap(dh, NULL, fake_regs[0], P(4), P(2), PROT_ALL, 0, NULL),
			 DDI_SUCCESS);
	assert_int_equal(fake_touch(a, BASE), 0);
	assert_int_equal(a->table[BASE / PAGESIZE].page, 4);
	assert_int_equal(fake_handles, 1);
}

/* Each process has pages of its own, however often it maps them, and its child others. */
static void c25_trash(void **state)
{
	struct fake_memory *trash = fake_memory_new("drv umem 0", P(8));
	struct fake_process *child = fake_process_new(3);
	struct devmap_memory *m;

	(void)state;
	trash->m.mem_trash = trash;
	drv.umem = trash;
	fake_map(a, 2);
	fake_map(b, 2);
	assert_int_equal(fake_mmap(a, BASE + P(4), P(2), RW, MAP_SHARED, 0), 0);
	m = drv_handle(a, 0)->dh_memory;
	assert_ptr_equal(drv_handle(a, BASE + P(4))->dh_memory, m);
	assert_ptr_not_equal(drv_handle(b, 0)->dh_memory, m);
	assert_ptr_not_equal(m, &trash->m);
	fake_enter(a);
	assert_int_equal(devmap_dup_as(&a->as, &child->as), 0);
	assert_ptr_not_equal(drv_handle(child, 0)->dh_memory, m);
	assert_ptr_not_equal(drv_handle(child, 0)->dh_memory, &trash->m);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(10)), 0);
	fake_map(a, 2);
	assert_ptr_equal(drv_handle(a, 0)->dh_memory, m);
	assert_int_equal(devmap_unmap_range(&b->as, BASE, P(10)), 0);
	engine_trash_end(&b->as);
	fake_process_exit(child);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(10)), 0);
	engine_trash_end(&a->as);
	assert_null(trash->own);
	fake_memory_free(trash);
}

static void c25_invalid_from_the_beginning(void **state)
{
	(void)state;
	drv.flags = DEVMAP_ALLOW_REMAP | DEVMAP_MAPPING_INVALID;
	fake_map(a, 4);
	assert_int_equal(fake_touch(a, BASE), SIGBUS);
	assert_int_equal(drv.accesses, 1); /* its devmap_access is asked */
	assert_int_equal(devmap_load(drv_handle(a, 0), 0, 0, DEVMAP_ACCESS, DEVMAP_READ), ENXIO);
	assert_int_equal(devmap_unmap_range(&a->as, BASE + P(1), P(1)), 0);
	assert_int_equal(devmap_umem_remap(drv_handle(a, BASE + P(2)), NULL, fake_regs[0], 0, P(2),
					   PROT_ALL, 0, NULL),
			 DDI_SUCCESS);
	assert_int_equal(fake_touch(a, BASE + P(3)), 0);
	assert_int_equal(a->table[BASE / PAGESIZE + 3].page, 1);
}

/*
 * Mistakes, and scarce memory
 */

static void c26_freed_handles(void **state)
{
	struct devmap_handle *dh;
	int garbage[64] = { 0 };

	(void)state;
	fake_map(a, 1);
	dh = drv_handle(a, 0);
	assert_int_equal(devmap_unmap_range(&a->as, BASE, P(1)), 0);
	assert_int_equal(devmap_unload(dh, 0, 0), EINVAL);
	assert_true(fake_said("drv: devmap_unload: handle "));
	assert_true(fake_said("was freed"));
	assert_int_equal(devmap_load(dh, 0, 0, DEVMAP_ACCESS, DEVMAP_READ), EINVAL);
	assert_int_equal(devmap_do_ctxmgt(dh, NULL, 0, PAGESIZE, DEVMAP_ACCESS, DEVMAP_READ,
					  drv_ctxmgt),
			 DDI_FAILURE);
	devmap_set_ctx_timeout(dh, 1);
	assert_int_equal(devmap_set_ctx_group(dh, dh), EINVAL);
	assert_int_equal(devmap_devmem_remap(dh, NULL, 0, 0, P(1), PROT_ALL, 0, NULL), DDI_FAILURE);
	assert_int_equal(devmap_unload(NULL, 0, 0), EINVAL);
	assert_int_equal(devmap_unload((char *)dh + 1, 0, 0), EINVAL);
	assert_int_equal(devmap_unload(garbage, 0, 0), EINVAL);
	assert_true(fake_said("caller: devmap_unload: (nil) is not a handle"));
	/* It stays so while a thousand others come and go. */
	for (int i = 0; i < 1000; i++) {
		fake_map(a, 1);
		assert_int_equal(devmap_unmap_range(&a->as, BASE, P(1)), 0);
	}
	assert_int_equal(devmap_unload(dh, 0, 0), EINVAL);
	for (int i = 0; i < 2000; i++) {
		fake_map(a, 1);
		assert_int_equal(devmap_unmap_range(&a->as, BASE, P(1)), 0);
	}
}

static void c26_memory_freed_under_a_mapping(void **state)
{
	struct fake_memory *mem = fake_memory_new("drv umem", P(2));

	(void)state;
	drv.umem = mem;
	drv.no_ops = B_TRUE;
	fake_map(a, 2);
	assert_int_equal(fake_touch(a, BASE), 0);
	fake_memory_free(mem);
	assert_true(fake_said("drv: drv umem is freed while it is mapped"));
	assert_false(fake_valid(a, BASE));
	assert_int_equal(fake_touch(a, BASE), SIGSEGV);
}

/* Everything that allocates, in one go. Returns the first error. */
static int scenario(struct fake_process *p, struct fake_process *q)
{
	int error = fake_mmap(p, BASE, P(9), RW, MAP_SHARED, 0), dup;

	if (error == 0)
		error = fake_mmap(p, BASE + P(16), P(2), RW, MAP_SHARED, 0);
	if (error == 0)
		error = fake_touch(p, BASE + P(1));
	dup = devmap_dup_as(&p->as, &q->as);
	if (dup != 0)
		assert_int_equal(q->as.a_nmappings, 0);
	if (error == 0)
		error = dup;
	if (error == 0) {
		error = devmap_unmap_range(&p->as, BASE + P(1), P(1));
		/* C22: all or nothing. */
		assert_int_equal(fake_touch(p, BASE + P(1)), error == 0 ? SIGSEGV : 0);
	}
	if (error == 0)
		error = devmap_unmap_range(&p->as, BASE + P(4), P(1));
	return error;
}

static void c26_no_memory(void **state)
{
	struct fake_process *p, *q;
	unsigned n = 0, walked;
	int error;

	(void)state;
	drv.group_key = &drv;
	drv.piece = P(3);
	do {
		n++;
		p = fake_process_new(10);
		q = fake_process_new(11);
		(void)fake_fail_alloc(n);
		error = scenario(p, q);
		walked = fake_fail_alloc(0);
		if (walked >= n)
			assert_true(error == ENOMEM || error == ENXIO);
		else
			assert_int_equal(error, 0);
		fake_process_exit(p);
		fake_process_exit(q);
		assert_int_equal(fake_handles, 0);
		assert_null(drv.ctxs);
		assert_null(fake_regs[0]->m.mem_handles);
	} while (walked >= n);
	assert_true(n > 30);
}

static void x4_histogram(void **state)
{
	struct histogram *h = calloc(1, sizeof(*h));

	(void)state;
	assert_int_equal(histogram_quantile(h, 500), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		histogram_add(h, i * 1000);
	assert_in_range(histogram_quantile(h, 500), 500000, 500000 * 5 / 4);
	assert_in_range(histogram_quantile(h, 990), 990000, 1000000);
	assert_int_equal(histogram_quantile(h, 1000), 1000000);
	assert_in_range(histogram_quantile(h, 0), 1000, 1250);
	memset(h, 0, sizeof(*h));
	for (unsigned i = 0; i < 64; i++) {
		histogram_add(h, 1ULL << i);
		histogram_add(h, (1ULL << i) - 1);
	}
	histogram_add(h, UINT64_MAX);
	assert_int_equal(histogram_quantile(h, 1000), UINT64_MAX);
	free(h);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(c2_devmap_map_fails),
		T(c11_failures_reach_the_process),
		T(c14_loaded_pages_are_not_intercepted),
		T(c15_ranges),
		T(c16_access_that_loads_nothing),
		T(c16_is_asked_again),
		T(c16_access_that_unloads_what_it_loaded),
		T(c17_loads_take_pages_away),
		T(c18_errors_of_load),
		T(c19_siblings),
		T(c20_nothing_is_loaded_at_map_time),
		T(c21_dup),
		T(c21_dup_fails),
		T(c22_the_table),
		T(c22_tails_of_several_handles),
		T(c22_unload_in_unmap),
		T(c22_random_unmaps),
		T(c22_move),
		T(c23_without_access_all_share),
		T(c24_arguments_of_mmap),
		T(c24_protection),
		T(c24_drivers_that_cannot_be_mapped),
		T(c25_remap),
		T(c25_remap_in_dup),
		T(c25_trash),
		T(c25_invalid_from_the_beginning),
		T(c26_segmap),
		T(c26_mistakes_in_devmap),
		T(c26_setup_outside_the_memory),
		T(c26_freed_handles),
		T(c26_memory_freed_under_a_mapping),
		T(c26_no_memory),
		T(x3_no_new_group_for_what_is_loaded),
		T(keys_do_not_come_again),
		T(a_device_goes),
		T(x4_histogram),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("core: mappings", tests, NULL, NULL);
}
