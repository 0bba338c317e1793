/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is the user engine's own of the DDI, but for what test_ddi_sync.c has: memory, registers,
 * copying, messages, loading. What is every engine's is tests/drivers/ddit. Drivers' mistakes are
 * clause C26.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sys/ddi.h>
#include <sys/file.h>
#include <sys/poll.h>
#include <sys/policy.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/sunddi.h>

#include "caller.h"
#include "core.h"
#include "cred.h"
#include "devinfo.h"
#include "driver.h"
#include "fake_pages.h"

static char drivers_dir[PATH_MAX];

static const char *at(const char *name)
{
	static char path[4][2 * PATH_MAX];
	static int i;
	int n;

	i = (i + 1) % 4;
	n = snprintf(path[i], sizeof(path[i]), "%s/%s", drivers_dir, name);
	assert_in_range(n, 1, sizeof(path[i]) - 1);
	return path[i];
}

#define assert_says(text, what) assert_said(text, what, __LINE__)

static void assert_said(const char *text, const char *what, int line)
{
	if (strstr(text, what) == NULL)
		fail_msg("line %d: wanted \"%s\" in \"%s\"", line, what, text);
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The driver of most tests: td.so, with its model. What only it calls must be linked in, too. */

static void *const td_needs[]
	__attribute__((used)) = { (void *)ddi_soft_state_init, (void *)ddi_add_softintr,
				  (void *)kstat_create, (void *)pm_create_components };

static struct driver *td;
static dev_info_t *dip;

static int td_setup(void **state)
{
	struct engine_driver found;

	(void)state;
	log_capture();
	if (driver_load(at("td.so:number=42,hex=0xffffffff,text=hello,instances=2"), &td) == 0 &&
	    engine_driver(driver_minors(td)->dev, &found) == 0)
		dip = found.dip;
	(void)log_captured();
	return dip != NULL ? 0 : -1;
}

static int td_teardown(void **state)
{
	int error;

	(void)state;
	log_capture();
	error = driver_unload(td);
	(void)log_captured();
	dip = NULL;
	return error;
}

/* Loading. */

static void load_ok(void **state)
{
	struct minor_node *m = driver_minors(td);
	struct engine_driver found;

	(void)state;
	assert_string_equal(driver_name(td), "td");
	assert_string_equal(strrchr(driver_path(td), '/'), "/td.so");
	assert_non_null(driver_cb_ops(td));
	assert_string_equal(m->name, "td0");
	assert_string_equal(m->next->name, "ctl");
	assert_string_equal(m->next->next->name, "td1");
	assert_string_equal(m->next->next->next->name, "td1:ctl"); /* "ctl" was taken */
	assert_null(m->next->next->next->next);
	assert_int_equal(getminor(m->next->dev), 256);
	assert_in_range(getmajor(m->dev), 512, 4095);
	assert_int_equal(major(m->dev), getmajor(m->dev)); /* as programs see it */
	assert_ptr_equal(driver_minor(m->next->dev), m->next);
	assert_null(driver_minor(makedevice(getmajor(m->dev), 99)));
	assert_null(driver_minor(makedevice(1, 3)));

	assert_int_equal(engine_driver(m->next->next->dev, &found), 0);
	assert_int_equal(ddi_get_instance(found.dip), 1);
	assert_string_equal(found.name, "td");
	assert_ptr_equal(found.cb, driver_cb_ops(td));
	/* A number that open(9E) made up: getinfo(9E) knows it. */
	assert_int_equal(engine_driver(makedevice(getmajor(m->dev), 0x5001), &found), 0);
	assert_int_equal(ddi_get_instance(found.dip), 1);
	assert_int_equal(engine_driver(makedevice(getmajor(m->dev), 0x5002), &found), ENXIO);
	assert_int_equal(engine_driver(makedevice(1, 3), &found), ENXIO);
}

static void instance_facts(void **state)
{
	(void)state;
	assert_int_equal(ddi_get_instance(dip), 0);
	assert_string_equal(ddi_driver_name(dip), "td");
	assert_string_equal(ddi_get_name(dip), "td");
	assert_ptr_equal(ddi_get_parent(dip), ddi_root_node());
	assert_ptr_equal(*(dev_info_t **)ddi_get_driver_private(dip), dip);
}

/* What driver_load() says, which is to fail with this error, and to leave nothing. */
static const char *load_error(const char *spec, int error)
{
	struct driver *d = NULL;
	const char *text;
	int got;

	log_capture();
	got = driver_load(spec, &d);
	text = log_captured();
	if (got != error)
		fail_msg("%s: %d, not %d: %s", spec, got, error, text);
	assert_null(d);
	assert_null(drivers);
	assert_int_equal(fake_regions(), 0);
	assert_int_equal(fake_memories(), 0);
	return text;
}

static const char *mistake_error(const char *mistake)
{
	const char *text;

	(void)setenv("TD_MISTAKE", mistake, 1);
	text = load_error(at("td.so"), -EINVAL);
	(void)unsetenv("TD_MISTAKE");
	return text;
}

static void load_errors(void **state)
{
	(void)state;
	assert_says(load_error(at("nowhere.so"), -ENOENT), "nowhere.so: No such file");
	assert_says(load_error(at("td_none.so"), -ENOEXEC), "td_none.so: it has no _init(9E)");
	assert_says(load_error(at("td_undef.so"), -ENOEXEC), "td_no_such_function");
	assert_says(mistake_error("devo_rev"), "td: mod_install: devo_rev is 3, DEVO_REV is 4");
	assert_says(mistake_error("cb_rev"), "td: mod_install: cb_rev is 7, CB_REV is 1");
	assert_says(mistake_error("cb_ops"), "td: mod_install: its dev_ops has no cb_ops");
	assert_says(mistake_error("attach"), "td: mod_install: its dev_ops has no devo_attach");
	assert_says(mistake_error("ml_rev"), "td: mod_install: ml_rev is 2, MODREV_1 is 1");
	assert_says(mistake_error("init"), "td: _init(9E) failed with value 5");
	assert_says(mistake_error("install"), "td: _init(9E) did not call mod_install(9F)");
}

static void attach_errors(void **state)
{
	(void)state;
	assert_says(load_error(at("td.so:fail=77"), -ENXIO),
		    "td0: attach(9E) failed with value 77");
	assert_says(load_error(at("td.so:fail=-1,fail-instance=2,instances=3"), -ENXIO),
		    "td2: attach(9E) failed with value -1");
	assert_says(load_error(at("td.so:probe=-1"), -ENXIO), "td0: probe(9E) found no device");
	(void)load_error(at("td.so:model-fail=5"), -EIO);
}

static void model_errors(void **state)
{
	char spec[2 * PATH_MAX];
	int n;

	(void)state;
	assert_says(load_error(at("td.so:model=nohw.so"), -ENOENT), "nohw.so: No such file");
	assert_says(load_error(at("td.so:model=td_none.so"), -ENOEXEC),
		    "it defines no devmap_model");
	n = snprintf(spec, sizeof(spec), "td.so:model=%s", at("td_oldhw.so"));
	assert_in_range(n, 1, sizeof(spec) - 1);
	assert_says(load_error(at(spec), -ENOEXEC), "its version is 2, this engine's is 1");
}

static void spec_errors(void **state)
{
	(void)state;
	assert_says(load_error(at("td.so:fail"), -EINVAL), "property 'fail': no '='");
	assert_says(load_error(at("td.so:a=1,fail"), -EINVAL), "property 'fail': no '='");
	assert_says(load_error(at("td.so:=1"), -EINVAL), "'' is not a name");
	assert_says(load_error(at("td.so:a b=1"), -EINVAL), "'a b' is not a name");
	assert_says(load_error(at("td.so:a=1,a=2"), -EINVAL), "'a' is given twice");
	assert_says(load_error(at("td.so:instances=0"), -EINVAL), "'instances=0': a number from 1");
	assert_says(load_error(at("td.so:instances=x"), -EINVAL), "'instances=x'");
	assert_says(load_error(at("a:b.so"), -ENOENT), "a:b.so: No such file");
}

static void load_twice_and_unload(void **state)
{
	struct driver *d, *other = NULL;
	const char *text;

	(void)state;
	log_capture();
	assert_int_equal(driver_load(at("td.so:refuse=1"), &d), 0);
	assert_int_equal(driver_load(at("td.so"), &other), -EEXIST);
	assert_int_equal(driver_unload(d), -EBUSY);
	text = log_captured();
	assert_says(text, "devmap: td0: a driver for tests"); /* ddi_report_dev(9F) */
	assert_says(text, "td.so: loaded already");
	assert_says(text, "td0: detach(9E) refused with value -1");
	assert_null(other);
	/* Still there, and let go without the property. */
	assert_non_null(driver_minors(d));
	props_free(&driver_minors(d)->dip->props);
	assert_int_equal(driver_unload(d), 0);
	assert_null(drivers);
	assert_int_equal(fake_regions(), 0);
}

/* C26: nothing of a driver's is called when it has gone. */
static void leaves_things(void **state)
{
	struct driver *d;
	const char *text;
	char shown[1024];

	(void)state;
	log_capture();
	assert_int_equal(driver_load(at("td.so:leave=1"), &d), 0);
	kstats_look();
	assert_in_range(kstats_text("td", 0, shown, sizeof(shown)), 3, sizeof(shown) - 1);
	assert_says(shown, "\"name\":\"left\"");
	assert_int_equal(driver_unload(d), 0);
	text = log_captured();
	assert_says(text, "td0: ddi_intr_remove_softint: never called");
	assert_says(text, "td: kstat_delete: never called for left");
	assert_int_equal(kstats_text("td", 0, shown, sizeof(shown)), 2);
}

static int added, removed;

static void on_added(struct minor_node *m)
{
	assert_ptr_equal(driver_minor(m->dev), m);
	added++;
}

static void on_removed(struct minor_node *m)
{
	assert_null(driver_minor(m->dev));
	removed++;
}

static void minor_hooks(void **state)
{
	struct driver *d;

	(void)state;
	driver_set_minor_hook(on_added, on_removed);
	log_capture();
	assert_int_equal(driver_load(at("td.so"), &d), 0);
	assert_int_equal(added, 2);
	ddi_remove_minor_node(driver_minors(d)->dip, "ctl");
	assert_int_equal(removed, 1);
	ddi_remove_minor_node(driver_minors(d)->dip, "nonsense");
	assert_int_equal(removed, 1);
	assert_int_equal(driver_unload(d), 0);
	(void)log_captured();
	assert_int_equal(removed, 2);
	driver_set_minor_hook(NULL, NULL);
}

static void minor_mistakes(void **state)
{
	const char *text;

	(void)state;
	log_capture();
	assert_int_equal(ddi_create_minor_node(dip, "a/b", S_IFCHR, 9, DDI_PSEUDO, 0), DDI_FAILURE);
	assert_int_equal(ddi_create_minor_node(dip, "blk", S_IFBLK, 9, DDI_PSEUDO, 0), DDI_FAILURE);
	text = log_captured();
	assert_says(text, "ddi_create_minor_node: td0: 'a/b': a name has no '/'");
	assert_says(text, "ddi_create_minor_node: td0: 'blk': only S_IFCHR");
}

/* Memory. */

static void kmem(void **state)
{
	const char *text;
	char *p = kmem_zalloc(100, KM_SLEEP);

	(void)state;
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_int_equal(p[99], 0);
	kmem_free(p, 100);
	kmem_free(NULL, 0);
	assert_null(kmem_alloc(0, KM_SLEEP));
	assert_null(kmem_alloc(SIZE_MAX, KM_NOSLEEP));
	p = kmem_alloc(100, KM_SLEEP);
	log_capture();
	kmem_free(p, 96);
	text = log_captured();
	assert_says(text, "kmem_free: 96 bytes, but");
	assert_says(text, "has 100");
}

static struct devmap_memory *gone;

static void on_gone(struct devmap_memory *m)
{
	gone = m;
}

static void umem(void **state)
{
	struct devmap_memory *m;
	ddi_umem_cookie_t cookie;
	char *p = ddi_umem_alloc(5000, DDI_UMEM_SLEEP, &cookie);
	size_t len = 0;

	(void)state;
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % PAGESIZE, 0);
	assert_int_equal(p[8191], 0);
	m = engine_umem(cookie, &len);
	assert_non_null(m);
	assert_int_equal(len, 8192);
	assert_int_equal(m->mem_npages, 2);
	assert_says(m->mem_name, "devmap umem ");
	assert_ptr_equal(m->mem_cookie, cookie);
	assert_null(m->mem_trash);
	assert_int_equal(((struct ddi_umem_cookie *)cookie)->size, 8192);
	assert_ptr_equal(((struct ddi_umem_cookie *)cookie)->cvaddr, p);
	assert_int_equal(((struct ddi_umem_cookie *)cookie)->type, KMEM_NON_PAGEABLE);
	assert_null(engine_umem(p, &len));
	driver_set_memory_hook(on_gone);
	ddi_umem_free(cookie);
	driver_set_memory_hook(NULL);
	assert_ptr_equal(gone, m);
	log_capture();
	ddi_umem_free(cookie);
	assert_says(log_captured(), "ddi_umem_free: ");
	ddi_umem_free(NULL);
}

/* C25: what processes have instead of the cookie's memory; they are compared only. Frees it. */
static void umem_trash(ddi_umem_cookie_t cookie)
{
	struct as *one = (struct as *)8, *two = (struct as *)16;
	size_t len = 0;
	struct devmap_memory *m = engine_umem(cookie, &len), *first, *second;

	assert_ptr_equal(m->mem_trash, cookie);
	assert_null(((struct ddi_umem_cookie *)cookie)->cvaddr);
	assert_int_equal(((struct ddi_umem_cookie *)cookie)->type, UMEM_TRASH);
	first = engine_trash(cookie, one);
	second = engine_trash(cookie, two);
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	assert_ptr_not_equal(first, m);
	assert_int_equal(first->mem_npages, 3);
	assert_ptr_equal(first->mem_trash, cookie);
	assert_string_equal(first->mem_name, m->mem_name);
	assert_ptr_equal(engine_trash(cookie, one), first);
	driver_set_memory_hook(on_gone);
	engine_trash_end(one);
	assert_ptr_equal(gone, first);
	gone = NULL;
	engine_trash_end(one);
	assert_null(gone);
	assert_ptr_equal(engine_trash(cookie, two), second);
	driver_set_memory_hook(NULL);
	ddi_umem_free(cookie);
	engine_trash_end(two);
	assert_null(engine_trash(cookie, two));
}

static void umem_odd(void **state)
{
	ddi_umem_cookie_t cookie;
	const char *text;
	size_t len = 0;

	(void)state;
	assert_null(ddi_umem_alloc(0, DDI_UMEM_SLEEP, &cookie));
	assert_null(cookie);
	assert_null(ddi_umem_alloc(3 * PAGESIZE, DDI_UMEM_TRASH, &cookie));
	assert_non_null(engine_umem(cookie, &len));
	assert_int_equal(len, 3 * PAGESIZE);
	umem_trash(cookie);
	log_capture();
	assert_null(ddi_umem_alloc(1UL << 50, DDI_UMEM_SLEEP, &cookie));
	assert_null(cookie);
	assert_null(ddi_umem_alloc(SIZE_MAX, DDI_UMEM_SLEEP, &cookie));
	assert_null(ddi_umem_alloc(SIZE_MAX, DDI_UMEM_NOSLEEP, &cookie));
	assert_null(cookie);
	text = log_captured();
	assert_says(text, "ddi_umem_alloc: no memory for 1125899906842624 bytes");
	assert_int_equal(lines(text), 2);
	log_capture();
	assert_int_equal(ddi_umem_lock((caddr_t)&len, 8, DDI_UMEMLOCK_READ, &cookie), ENOTSUP);
	ddi_umem_unlock(&len);
	text = log_captured();
	assert_says(text, "ddi_umem_lock: 8 bytes");
	assert_says(text, "ddi_umem_unlock: ");
	assert_null(cookie);
}

/* Registers. */

static struct {
	ddi_device_acc_attr_t le, be, never;
} attr = {
	{ DDI_DEVICE_ATTR_V0, DDI_STRUCTURE_LE_ACC, DDI_STRICTORDER_ACC, 0 },
	{ DDI_DEVICE_ATTR_V0, DDI_STRUCTURE_BE_ACC, DDI_STRICTORDER_ACC, 0 },
	{ DDI_DEVICE_ATTR_V0, DDI_NEVERSWAP_ACC, DDI_STRICTORDER_ACC, 0 },
};

static ddi_acc_handle_t map(ddi_device_acc_attr_t *a, offset_t off, offset_t len, void *addrp)
{
	ddi_acc_handle_t h = NULL;
	caddr_t addr;

	assert_int_equal(ddi_regs_map_setup(dip, 0, &addr, off, len, a, &h), DDI_SUCCESS);
	memcpy(addrp, &addr, sizeof(addr));
	return h;
}

static void regs_sets(void **state)
{
	size_t len = 0;
	caddr_t addr;
	off_t size;
	int n;

	(void)state;
	assert_int_equal(ddi_dev_nregs(dip, &n), DDI_SUCCESS);
	assert_int_equal(n, 2);
	assert_int_equal(ddi_dev_regsize(dip, 0, &size), DDI_SUCCESS);
	assert_int_equal(size, 8192);
	assert_int_equal(ddi_dev_regsize(dip, 2, &size), DDI_FAILURE);
	assert_string_equal(engine_regs(dip, 1, &len)->mem_name, "td0 registers 1");
	assert_int_equal(len, 4096);
	assert_null(engine_regs(dip, 2, &len));
	assert_int_equal(ddi_map_regs(dip, 1, &addr, 16, 0), DDI_SUCCESS);
	assert_int_equal((uintptr_t)addr % 4096, 16);
	ddi_unmap_regs(dip, 1, &addr, 16, 0);
	assert_null(addr);
}

static void regs_access(void **state)
{
	uint32_t *p;
	ddi_acc_handle_t h = map(&attr.never, 4096, 64, &p);

	(void)state;
	ddi_put32(h, p, 0x11223344);
	assert_int_equal(*p, 0x11223344);
	assert_int_equal(ddi_get32(h, p), 0x11223344);
	assert_int_equal(ddi_get8(h, (uint8_t *)p), 0x44);
	assert_int_equal(ddi_get16(h, (uint16_t *)p + 1), 0x1122);
	ddi_put64(h, (uint64_t *)(p + 2), 0x0102030405060708);
	assert_int_equal(ddi_get64(h, (uint64_t *)(p + 2)), 0x0102030405060708);
	ddi_put16(h, (uint16_t *)(p + 15) + 1, 0xbeef); /* the last two bytes */
	assert_int_equal(p[15] >> 16, 0xbeef);
	ddi_put8(h, (uint8_t *)p + 1, 0xab);
	assert_int_equal(*p, 0x1122ab44);
	ddi_regs_map_free(&h);
	assert_null(h);
}

static void regs_endian(void **state)
{
	uint8_t *bytes;
	ddi_acc_handle_t be = map(&attr.be, 0, 0, &bytes), le = map(&attr.le, 0, 0, &bytes);

	(void)state;
	ddi_put32(be, (uint32_t *)bytes, 0x11223344);
	assert_memory_equal(bytes, "\x11\x22\x33\x44", 4);
	assert_int_equal(ddi_get32(be, (uint32_t *)bytes), 0x11223344);
	assert_int_equal(ddi_get32(le, (uint32_t *)bytes), 0x44332211);
	ddi_put16(be, (uint16_t *)bytes, 0x1122);
	assert_memory_equal(bytes, "\x11\x22", 2);
	ddi_put64(be, (uint64_t *)bytes, 0x1122334455667788);
	assert_memory_equal(bytes, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	assert_int_equal(ddi_get64(be, (uint64_t *)bytes), 0x1122334455667788);
	ddi_put8(be, bytes, 9);
	assert_int_equal(ddi_get8(be, bytes), 9);
	ddi_put32(le, (uint32_t *)bytes, 0x11223344);
	assert_memory_equal(bytes, "\x44\x33\x22\x11", 4);
	ddi_regs_map_free(&be);
	ddi_regs_map_free(&le);
}

static void regs_rep(void **state)
{
	static uint32_t in[1500], out[1500];
	uint16_t two[2] = { 0x0102, 0x0304 };
	uint32_t *p;
	ddi_acc_handle_t be = map(&attr.be, 0, 0, &p);

	(void)state;
	for (unsigned i = 0; i < 1500; i++)
		in[i] = i * 0x01010101u + 0x1234u;
	ddi_rep_put32(be, in, p, 1500, DDI_DEV_AUTOINCR);
	assert_int_equal(p[7], __builtin_bswap32(in[7]));
	assert_int_equal(p[1499], __builtin_bswap32(in[1499]));
	ddi_rep_get32(be, out, p, 1500, DDI_DEV_AUTOINCR);
	assert_memory_equal(in, out, sizeof(in));
	ddi_rep_put32(be, in, p, 3, DDI_DEV_NO_AUTOINCR); /* the last one stays */
	assert_int_equal(p[0], __builtin_bswap32(in[2]));
	assert_int_equal(p[1], __builtin_bswap32(in[1]));
	ddi_rep_get32(be, out, p, 2, DDI_DEV_NO_AUTOINCR);
	assert_true(out[0] == in[2] && out[1] == in[2]);
	ddi_rep_put16(be, two, (uint16_t *)p, 2, DDI_DEV_AUTOINCR);
	assert_memory_equal(p, "\1\2\3\4", 4);
	/* From the registers to themselves: the buffer lies in the view. */
	ddi_rep_put32(be, p, p + 100, 10, DDI_DEV_AUTOINCR);
	assert_int_equal(p[109], in[9]); /* it was stored swapped, and is once more */
	ddi_rep_get8(be, (uint8_t *)out, (uint8_t *)p, 0, DDI_DEV_AUTOINCR);
	ddi_regs_map_free(&be);
}

static void regs_mistakes(void **state)
{
	uint32_t *p, three[3] = { 1, 2, 3 };
	ddi_acc_handle_t h = map(NULL, 16, 8, &p), none;
	caddr_t addr;
	const char *text;

	(void)state;
	p[2] = 5;
	log_capture();
	ddi_put32(h, p + 2, 7);
	assert_int_equal(ddi_get32(h, p + 2), UINT32_MAX);
	assert_int_equal(ddi_get8(h, (uint8_t *)p - 1), UINT8_MAX);
	assert_int_equal(ddi_get32(h, (uint32_t *)((uintptr_t)p + 1)), UINT32_MAX);
	assert_int_equal(ddi_get64(h, (uint64_t *)(p + 1)), UINT64_MAX);
	ddi_rep_get32(h, three, p, 3, DDI_DEV_AUTOINCR);
	text = log_captured();
	assert_int_equal(p[2], 5);
	assert_int_equal(three[2], UINT32_MAX);
	assert_int_equal(lines(text), 1);
	assert_says(text, "ddi_put32: td0: 4 bytes at ");
	assert_says(text, "(offset 0x18)");
	assert_says(text, "set 0 (0x10 to 0x18)");

	log_capture();
	assert_int_equal(ddi_get16(NULL, (uint16_t *)p), UINT16_MAX);
	assert_int_equal(ddi_regs_map_setup(dip, 5, &addr, 0, 0, NULL, &none), DDI_FAILURE);
	assert_null(none);
	assert_int_equal(ddi_regs_map_setup(dip, 0, &addr, 8000, 400, NULL, &none), DDI_FAILURE);
	assert_int_equal(ddi_regs_map_setup(dip, 0, &addr, -1, 4, NULL, &none), DDI_FAILURE);
	ddi_regs_map_free(&h);
	ddi_regs_map_free(&h);
	text = log_captured();
	assert_says(text, "ddi_get16: (nil) is not a handle");
	assert_says(text, "ddi_regs_map_setup: td0 has 2 register sets, there is no set 5");
	assert_says(text, "ddi_regs_map_setup: td0: offset 0x1f40, length 0x190 is outside set 0");
	assert_says(text, "ddi_regs_map_free: (nil) is not a handle");
}

/* The client's memory: 64 bytes at address 1000. */

static char client[64];

static bool client_has(uintptr_t addr, size_t len)
{
	return addr >= 1000 && len <= sizeof(client) && addr - 1000 <= sizeof(client) - len;
}

static int client_in(void *arg, uintptr_t from, void *buf, size_t len)
{
	(void)arg;
	if (!client_has(from, len))
		return EFAULT;
	memcpy(buf, client + (from - 1000), len);
	return 0;
}

static int client_out(void *arg, const void *buf, uintptr_t to, size_t len)
{
	(void)arg;
	if (!client_has(to, len))
		return EFAULT;
	memcpy(client + (to - 1000), buf, len);
	return 0;
}

static const struct client_memory client_memory = { client_in, client_out, NULL };
static struct cred client_cred = { .refs = 1, .uid = 12345, .gid = 54321 };
static struct caller client_caller = { .pid = 4711,
				       .cred = &client_cred,
				       .memory = &client_memory };

static int serve(void **state)
{
	(void)state;
	(void)caller_set(&client_caller);
	memset(client, 0, sizeof(client));
	return 0;
}

static int serve_no_more(void **state)
{
	(void)state;
	(void)caller_set(NULL);
	return 0;
}

static void copying(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(ddi_copyout("hello", (void *)1004, 6, 0), 0);
	assert_string_equal(client + 4, "hello");
	assert_int_equal(ddi_copyin((void *)1004, buf, 6, FREAD), 0);
	assert_string_equal(buf, "hello");
	assert_int_equal(ddi_copyin((void *)1060, buf, 6, 0), -1);
	assert_int_equal(ddi_copyin(NULL, buf, 6, 0), -1);
	assert_int_equal(ddi_copyin("kernel", buf, 7, FKIOCTL), 0);
	assert_string_equal(buf, "kernel");
	assert_int_equal(ddi_copyout("back", buf, 5, FKIOCTL | FREAD), 0);
	assert_string_equal(buf, "back");
	assert_int_equal(copyout("x", (void *)1063, 1), 0);
	assert_int_equal(copyin((void *)1063, buf, 1), 0);
	assert_int_equal(buf[0], 'x');
	assert_int_equal(copyout("xy", (void *)1063, 2), -1);
	assert_int_equal(copyout("xy", (void *)10, 0), 0);
}

static void copying_for_nobody(void **state)
{
	struct caller fault = { .pid = 4711 };
	char buf[4] = "abc";

	(void)state;
	log_capture();
	assert_int_equal(ddi_copyin((void *)1000, buf, 1, 0), -1);
	assert_says(log_captured(), "ddi_copyin: this thread serves no process");
	(void)caller_set(&fault);
	log_capture();
	assert_int_equal(ddi_copyout(buf, (void *)1000, 1, 0), -1);
	assert_says(log_captured(), "ddi_copyout: not in devmap_access(9E)");
	assert_int_equal(ddi_copyout("d", buf, 1, FKIOCTL), 0);
	(void)caller_set(NULL);
}

static void uio(void **state)
{
	struct iovec iov[3] = {
		{ (void *)1000, 4 },
		{ (void *)1010, 0 },
		{ (void *)1020, 8 },
	};
	uio_t u = { .uio_iov = iov,
		    .uio_iovcnt = 3,
		    .uio_loffset = 100,
		    .uio_segflg = UIO_USERSPACE,
		    .uio_fmode = FWRITE,
		    .uio_resid = 12 };
	char text[] = "0123456789abcdef", back[16];

	(void)state;
	assert_int_equal(uiomove(text, 6, UIO_READ, &u), 0);
	assert_int_equal(u.uio_resid, 6);
	assert_int_equal(u.uio_offset, 106);
	assert_int_equal(ureadc('!', &u), 0);
	assert_int_equal(uiomove(text, 16, UIO_READ, &u), 0); /* as much as there is */
	assert_int_equal(u.uio_resid, 0);
	assert_memory_equal(client, "0123", 5);
	assert_memory_equal(client + 20, "45!01234", 9);

	iov[0] = (struct iovec){ (void *)1020, 3 };
	u = (uio_t){ .uio_iov = iov,
		     .uio_iovcnt = 1,
		     .uio_loffset = 0,
		     .uio_segflg = UIO_USERSPACE,
		     .uio_fmode = FREAD,
		     .uio_resid = 3 };
	assert_int_equal(uwritec(&u), '4');
	assert_int_equal(uiomove(back, 2, UIO_WRITE, &u), 0);
	assert_memory_equal(back, "5!", 2);
	assert_int_equal(uwritec(&u), -1);
}

static void uio_faults(void **state)
{
	struct iovec iov[2] = { { (void *)1060, 4 }, { (void *)2000, 4 } };
	uio_t u = { .uio_iov = iov,
		    .uio_iovcnt = 2,
		    .uio_loffset = 0,
		    .uio_segflg = UIO_USERSPACE,
		    .uio_fmode = 0,
		    .uio_resid = 8 };
	char buf[8] = "abcdefg", sys[8] = "";

	(void)state;
	assert_int_equal(uiomove(buf, 8, UIO_READ, &u), EFAULT);
	assert_int_equal(u.uio_resid, 4);
	assert_memory_equal(client + 60, "abcd", 4);
	iov[0] = (struct iovec){ sys, 8 };
	u = (uio_t){ .uio_iov = iov, .uio_iovcnt = 1, .uio_segflg = UIO_SYSSPACE, .uio_resid = 8 };
	assert_int_equal(uiomove(buf, 8, UIO_READ, &u), 0);
	assert_string_equal(sys, "abcdefg");
}

/* The process that is served becomes this one. */
static proc_t *serve_process(pid_t pid, struct as *as)
{
	static struct caller caller;

	caller = (struct caller){ .pid = pid, .as = as };
	(void)caller_set(&caller);
	assert_int_equal(curproc->p_pid, pid);
	assert_ptr_equal(curproc->p_as, as);
	assert_ptr_equal(ttoproc(curthread), curproc);
	assert_null(ttoproc((kthread_t *)-1L));
	return curproc;
}

/* A process keeps its proc_t as long as its address space, however many others there are. */
static void processes(void **state)
{
	struct as *one = (struct as *)8, *two = (struct as *)16;
	struct caller *before = caller_set(NULL);
	proc_t *a, *b, *c;

	(void)state;
	c = serve_process(3, NULL);
	a = serve_process(1, NULL);
	assert_ptr_equal(serve_process(1, one), a); /* its first mapping */
	b = serve_process(2, two);
	assert_ptr_not_equal(a, b);
	for (pid_t pid = 100; pid < 1100; pid++)
		(void)serve_process(pid, NULL);
	assert_ptr_equal(serve_process(3, NULL), c); /* among the last thousand */
	for (pid_t pid = 100; pid < 3100; pid++)
		assert_ptr_not_equal(serve_process(pid, NULL), b);
	assert_ptr_equal(serve_process(1, one), a);
	assert_ptr_equal(serve_process(2, two), b);
	engine_as_end(two);
	assert_null(b->p_as);
	assert_ptr_equal(serve_process(2, one), b);
	engine_as_end(one);
	procs_fini();
	assert_non_null(serve_process(2, one));
	procs_fini();
	(void)caller_set(before);
}

static void identity(void **state)
{
	pid_t pid = 0;
	cred_t *cr = NULL;
	time_t now = 0;
	clock_t lbolt = 0;

	(void)state;
	assert_int_equal(ddi_get_pid(), 4711);
	assert_int_equal(crgetuid(ddi_get_cred()), 12345);
	assert_int_equal(crgetgid(CRED()), 54321);
	assert_int_equal(drv_priv(ddi_get_cred()), EPERM);
	assert_int_equal(secpolicy_sys_devices(CRED()), EPERM);
	assert_int_equal(secpolicy_net_config(CRED(), B_FALSE), EPERM);
	assert_int_equal(secpolicy_basic_proc(CRED()), 0);
	assert_non_null(curproc);
	assert_int_equal(drv_getparm(PPID, &pid), 0);
	assert_int_equal(pid, 4711);
	assert_int_equal(drv_getparm(UCRED, &cr), 0);
	assert_ptr_equal(cr, &client_cred);
	assert_int_equal(drv_getparm(TIME, &now), 0);
	assert_true(now > 0);
	assert_int_equal(drv_getparm(LBOLT, &lbolt), 0);
	assert_int_equal(drv_getparm(99, &lbolt), -1);

	(void)caller_set(NULL);
	assert_int_equal(ddi_get_pid(), 0);
	assert_null(curproc);
	assert_int_equal(drv_getparm(PPID, &pid), -1);
	assert_int_equal(drv_priv(ddi_get_cred()), 0);
	assert_int_equal(ddi_model_convert_from(DDI_MODEL_NATIVE | 3), DDI_MODEL_NONE);
	assert_int_equal(ddi_model_convert_from(DDI_MODEL_ILP32), DDI_MODEL_ILP32);
	assert_int_equal(ddi_mmap_get_model(), DDI_MODEL_NATIVE);
}

/* Messages. */

static void messages(void **state)
{
	(void)state;
	log_capture();
	cmn_err(CE_NOTE, "!n %d\n", 5);
	cmn_err(CE_WARN, "?devmap0: is %s", "warned");
	cmn_err(CE_CONT, "^plain\n");
	cmn_err(CE_IGNORE, "never");
	cmn_err(CE_CONT, "\n");
	dev_err(dip, CE_WARN, "x%c", 'y');
	assert_string_equal(log_captured(), "devmap: NOTICE: devmap: n 5\n"
					    "devmap: WARNING: devmap0: is warned\n"
					    "devmap: devmap: plain\n"
					    "devmap: WARNING: td0: xy\n");
}

static void die_panic(void)
{
	cmn_err(CE_PANIC, "the end of %d", 3);
}

static void die_assert(void)
{
	VERIFY3U(1 + 1, ==, 3);
}

static void die_size(void)
{
	(void)kmem_alloc(SIZE_MAX, KM_SLEEP);
}

static const char *abort_of(void (*fn)(void))
{
	int status = 0;
	pid_t pid;

	log_capture();
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	return log_captured();
}

static void panics(void **state)
{
	(void)state;
	assert_says(abort_of(die_panic), "devmap: panic: devmap: the end of 3\n");
	assert_says(abort_of(die_assert), "assertion failed: 1 + 1 == 3 (0x2 == 0x3), at ");
	assert_says(abort_of(die_size),
		    "kmem_alloc: there will never be 18446744073709551615 bytes");
}

/* A mistake in code of the driver's names the driver. */
static void mistakes_name_the_driver(void **state)
{
	void (*bad_exit)(kmutex_t *);
	kmutex_t mtx;

	(void)state;
	memset(&mtx, 0, sizeof(mtx));
	*(void **)&bad_exit = dlsym(td->dl, "td_bad_exit");
	assert_non_null(bad_exit);
	log_capture();
	bad_exit(&mtx);
	bad_exit(&mtx);
	assert_int_equal(lines(log_captured()), 1);
	log_capture();
	assert_int_equal(mod_install(NULL), EINVAL);
	assert_says(log_captured(), "mod_install: only _init(9E) may call it");
}

/* Small things. */

static struct pollhead *woken;

static void on_pollwakeup(struct pollhead *php, short events)
{
	assert_int_equal(events, POLLIN);
	woken = php;
}

static void small_things(void **state)
{
	int (*no)(dev_t *, int, int, cred_t *) = nodev;
	int (*null)(dev_t, int, int, cred_t *) = nulldev;
	struct pollhead ph;
	void *result;

	(void)state;
	assert_int_equal(no(NULL, 0, 0, NULL), ENXIO);
	assert_int_equal(null(0, 0, 0, NULL), 0);
	assert_int_equal(nochpoll(0, 0, 0, NULL, NULL), ENXIO);
	assert_int_equal(ddi_no_info(dip, DDI_INFO_DEVT2DEVINFO, NULL, &result), DDI_FAILURE);
	assert_int_equal(ddi_quiesce_not_needed(dip), DDI_SUCCESS);
	assert_int_equal(ddi_quiesce_not_supported(dip), DDI_FAILURE);
	assert_int_equal(getmajor(makedevice(3000, 70000)), 3000);
	assert_int_equal(getminor(makedevice(3000, 70000)), 70000);
	assert_int_equal(btopr(4097), 2);
	assert_int_equal(ddi_btop(dip, 8191), 1);
	assert_int_equal(ddi_ptob(dip, 3), 12288);
	assert_int_equal((min)(1, 2), 1);
	assert_int_equal((max)(1, 2), 2);
	pollwakeup(&ph, POLLIN); /* nobody asked */
	driver_set_pollwakeup(on_pollwakeup);
	pollwakeup(&ph, POLLIN);
	assert_ptr_equal(woken, &ph);
	driver_set_pollwakeup(NULL);
}

/* build/tests/unit/test_ddi finds build/tests/drivers. */
static void find_drivers(void)
{
	char self[PATH_MAX - 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	for (int i = 0; i < 2 && strrchr(self, '/') != NULL; i++)
		*strrchr(self, '/') = '\0';
	(void)snprintf(drivers_dir, sizeof(drivers_dir), "%s/drivers", self);
}

#define td_test(fn)	cmocka_unit_test_setup_teardown(fn, td_setup, td_teardown)
#define client_test(fn) cmocka_unit_test_setup_teardown(fn, serve, serve_no_more)

int main(void)
{
	const struct CMUnitTest tests[] = {
		td_test(load_ok),
		td_test(instance_facts),
		cmocka_unit_test(load_errors),
		cmocka_unit_test(attach_errors),
		cmocka_unit_test(model_errors),
		cmocka_unit_test(spec_errors),
		cmocka_unit_test(load_twice_and_unload),
		cmocka_unit_test(leaves_things),
		cmocka_unit_test(minor_hooks),
		td_test(minor_mistakes),
		cmocka_unit_test(kmem),
		cmocka_unit_test(umem),
		cmocka_unit_test(umem_odd),
		td_test(regs_sets),
		td_test(regs_access),
		td_test(regs_endian),
		td_test(regs_rep),
		td_test(regs_mistakes),
		client_test(copying),
		cmocka_unit_test(copying_for_nobody),
		client_test(uio),
		client_test(uio_faults),
		client_test(processes),
		client_test(identity),
		td_test(messages),
		td_test(panics),
		td_test(mistakes_name_the_driver),
		td_test(small_things),
	};

	(void)alarm(240);
	find_drivers();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ddi", tests, NULL, NULL);
}
