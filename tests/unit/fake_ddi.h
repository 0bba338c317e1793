/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A DDI to test drivers without an engine: one instance, register sets in plain memory, a model that
 * is called directly, client processes that are played by the test. Included once, before the driver.
 *
 * What it checks on its own: a page is loaded for one process only (C17); loads and unloads stay
 * inside their handle; nothing is copied to or from a user while the driver holds a mutex; memory is
 * freed with the size it was allocated with, and all of it.
 */
#ifndef FAKE_DDI_H
#define FAKE_DDI_H

/* The DDI fixes the parameters, used or not; those that include this have entry points too. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/types.h>
#include <sys/param.h>
#include <sys/sysmacros.h>
#include <sys/conf.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <devmap/model.h>

#ifndef FAKE_SETS
#define FAKE_SETS 2
#endif
#define FAKE_HANDLES 64
#define FAKE_PAGES   2048      /* of a register set or umem, at most */
#define FAKE_UMEM    FAKE_SETS /* the "register set" that is ddi_umem_alloc()'s */

struct devmap_model {
	void *priv;
	int nsets;
};

struct fake_handle {
	int used;
	pid_t pid;
	offset_t off;
	size_t len;
	offset_t roff;
	uint_t set;
	struct devmap_callback_ctl ops;
	void *pvtp;
	unsigned char loaded[FAKE_PAGES];
};

static struct {
	char *set[FAKE_SETS + 1];
	size_t len[FAKE_SETS + 1];
	struct devmap_model model;
	const struct devmap_model_ops *ops;
	struct dev_ops *dev_ops;
	struct {
		const char *name;
		int value;
	} prop[8];
	struct fake_handle handle[FAKE_HANDLES];
	pid_t pid; /* who is being served */
	hrtime_t time;
	int stuck;	   /* the model does not get on with its work */
	int resuming;	   /* an engine takes over */
	int locked;	   /* mutexes held */
	int messages;	   /* of cmn_err() */
	long allocated;	   /* bytes of kmem */
	int nosleep_fails; /* so many KM_NOSLEEP allocations */
	int unload_fails;  /* so many devmap_unload(9F) */
	void *soft;
	size_t soft_size;
	char minor[64];
	hrtime_t hold;
	uid_t uid;	     /* of who is being served */
	int signalled;	     /* waits that a signal ends are ended by one */
	void (*moved)(void); /* called after each uiomove(9F) */
} fake;

/* Time, locks, memory. */

int hz = 1000;
struct mod_ops;
struct mod_ops {
	int unused;
} mod_driverops;

hrtime_t gethrtime(void)
{
	return fake.time += 100;
}

void drv_usecwait(clock_t us)
{
	fake.time += us * 1000LL;
}

void delay(clock_t ticks)
{
	fake.time += ticks * 1000000LL;
}

clock_t drv_usectohz(clock_t us)
{
	return (us + 999) / 1000;
}

unsigned long ptob(unsigned long n)
{
	return n << PAGESHIFT;
}

unsigned long btop(unsigned long n)
{
	return n >> PAGESHIFT;
}

unsigned long btopr(unsigned long n)
{
	return (n + PAGEOFFSET) >> PAGESHIFT;
}

uint64_t devmap_model_time(void)
{
	return (uint64_t)fake.time;
}

void mutex_init(kmutex_t *mp, const char *name, kmutex_type_t type, void *arg)
{
}

void mutex_destroy(kmutex_t *mp)
{
}

void mutex_enter(kmutex_t *mp)
{
	assert_int_equal(fake.locked++, 0);
}

void mutex_exit(kmutex_t *mp)
{
	assert_int_equal(--fake.locked, 0);
}

int mutex_owned(const kmutex_t *mp)
{
	return fake.locked != 0;
}

void cv_init(kcondvar_t *cvp, const char *name, kcv_type_t type, void *arg)
{
}

void cv_destroy(kcondvar_t *cvp)
{
}

clock_t cv_timedwait_sig_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	assert_int_equal(fake.locked, 1);
	assert_int_equal(flag, 0);
	if (fake.signalled)
		return 0;
	fake.time += tim;
	return -1;
}

void assfail(const char *what, const char *file, int line)
{
	mock_assert(0, what, file, line);
	abort();
}

/* The size is remembered in front. */
void *kmem_zalloc(size_t size, int flag)
{
	size_t *p;

	if (flag == KM_NOSLEEP && fake.nosleep_fails > 0) {
		fake.nosleep_fails--;
		return NULL;
	}
	p = calloc(1, size + 16);
	p[0] = size;
	fake.allocated += (long)size;
	return p + 2;
}

void *kmem_alloc(size_t size, int flag)
{
	void *p = kmem_zalloc(size, flag);

	return p != NULL ? memset(p, 0xa5, size) : NULL;
}

void kmem_free(void *buf, size_t size)
{
	size_t *p = (size_t *)buf - 2;

	assert_int_equal(p[0], size);
	fake.allocated -= (long)size;
	free(p);
}

void cmn_err(int level, const char *format, ...)
{
	fake.messages++;
}

/* The instance. */

int ddi_soft_state_init(void **state_p, size_t size, size_t n)
{
	*state_p = &fake;
	fake.soft_size = size;
	return 0;
}

int ddi_soft_state_zalloc(void *state, int item)
{
	assert_int_equal(item, 0);
	fake.soft = calloc(1, fake.soft_size);
	return DDI_SUCCESS;
}

void *ddi_get_soft_state(void *state, int item)
{
	return item == 0 ? fake.soft : NULL;
}

void ddi_soft_state_free(void *state, int item)
{
	free(fake.soft);
	fake.soft = NULL;
}

void ddi_soft_state_fini(void **state_p)
{
	*state_p = NULL;
}

int mod_install(struct modlinkage *l)
{
	fake.dev_ops = ((struct modldrv *)l->ml_linkage[0])->drv_dev_ops;
	return 0;
}

int mod_remove(struct modlinkage *l)
{
	return 0;
}

int mod_info(struct modlinkage *l, struct modinfo *info)
{
	return 1;
}

int ddi_get_instance(dev_info_t *dip)
{
	return 0;
}

minor_t getminor(dev_t dev)
{
	return (minor_t)dev;
}

static int fake_prop(const char *name, int dflt)
{
	for (size_t i = 0; i < NELEM(fake.prop) && fake.prop[i].name != NULL; i++) {
		if (strcmp(fake.prop[i].name, name) == 0)
			return fake.prop[i].value;
	}
	return dflt;
}

int ddi_prop_update_int(dev_t dev, dev_info_t *dip, const char *name, int value)
{
	(void)dev, (void)dip, (void)name, (void)value;
	return DDI_PROP_SUCCESS;
}

int ddi_prop_get_int(dev_t dev, dev_info_t *dip, uint_t flags, const char *name, int dflt)
{
	return fake_prop(name, dflt);
}

int ddi_create_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor,
			  const char *node_type, int flag)
{
	assert_int_equal(spec_type, S_IFCHR);
	assert_int_equal(minor, 0);
	snprintf(fake.minor, sizeof(fake.minor), "%s", name);
	return DDI_SUCCESS;
}

void ddi_remove_minor_node(dev_info_t *dip, const char *name)
{
	fake.minor[0] = '\0';
}

void ddi_report_dev(dev_info_t *dip)
{
}

int ddi_quiesce_not_needed(dev_info_t *dip)
{
	return DDI_SUCCESS;
}

int nochpoll(dev_t dev, short events, int anyyet, short *reventsp, struct pollhead **phpp)
{
	return ENXIO;
}

int ddi_prop_op(dev_t dev, dev_info_t *dip, ddi_prop_op_t op, int flags, char *name, caddr_t valuep,
		int *lengthp)
{
	return DDI_PROP_NOT_FOUND;
}

int ddi_devmap_segmap(dev_t dev, off_t off, ddi_as_handle_t as, caddr_t *addrp, off_t len,
		      uint_t prot, uint_t maxprot, uint_t flags, cred_t *cred)
{
	return ENOTSUP;
}

/* Without parameters, as sys/devops.h declares them, to fit every slot. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wold-style-definition"

int nodev()
{
	return ENXIO;
}

int nulldev()
{
	return 0;
}

#pragma GCC diagnostic pop

/* The hardware. */

static int fake_sync(void)
{
	return fake.ops == NULL || fake.stuck ? 1 : fake.ops->sync(&fake.model);
}

int devmap_model_prop_int(struct devmap_model *m, const char *name, int dflt)
{
	return fake_prop(name, dflt);
}

int devmap_model_add_regs(struct devmap_model *m, size_t len)
{
	int set = m->nsets++;

	assert_true(len <= FAKE_PAGES * (size_t)PAGESIZE);
	fake.len[set] = ptob(btopr(len));
	if (fake.set[set] == NULL) /* else an engine has died, and this is what it has left */
		fake.set[set] = calloc(1, fake.len[set]);
	return set;
}

void devmap_model_set_private(struct devmap_model *m, void *priv)
{
	m->priv = priv;
}

void *devmap_model_private(struct devmap_model *m)
{
	return m->priv;
}

void *devmap_model_alloc(size_t len)
{
	return calloc(1, len);
}

void devmap_model_free(void *p, size_t len)
{
	free(p);
}

static uint32_t *fake_word(int set, size_t off)
{
	assert_true(off + 4 <= fake.len[set] && off % 4 == 0);
	return (uint32_t *)(fake.set[set] + off);
}

uint32_t devmap_model_read32(struct devmap_model *m, int set, size_t off)
{
	return *fake_word(set, off);
}

void devmap_model_write32(struct devmap_model *m, int set, size_t off, uint32_t value)
{
	*fake_word(set, off) = value;
}

uint64_t devmap_model_read64(struct devmap_model *m, int set, size_t off)
{
	return *fake_word(set, off) | (uint64_t)*fake_word(set, off + 4) << 32;
}

void devmap_model_write64(struct devmap_model *m, int set, size_t off, uint64_t value)
{
	*fake_word(set, off) = (uint32_t)value;
	*fake_word(set, off + 4) = (uint32_t)(value >> 32);
}

uint32_t devmap_model_take32(struct devmap_model *m, int set, size_t off)
{
	uint32_t *p = fake_word(set, off), value = *p;

	*p = 0;
	return value;
}

/* Pages that lie apart: a run ends with its page. */
void *devmap_model_pin(struct devmap_model *m, int set, size_t off, size_t *len)
{
	assert_true(*len > 0 && off < fake.len[set] && *len <= fake.len[set] - off);
	*len = MIN(*len, PAGESIZE - (off & PAGEOFFSET));
	return fake.set[set] + off;
}

void devmap_model_unpin(struct devmap_model *m, int set)
{
}

int ddi_dev_regsize(dev_info_t *dip, uint_t rnumber, off_t *resultp)
{
	*resultp = (off_t)fake.len[rnumber];
	return DDI_SUCCESS;
}

int ddi_regs_map_setup(dev_info_t *dip, uint_t rnumber, caddr_t *addrp, offset_t offset,
		       offset_t len, ddi_device_acc_attr_t *attr, ddi_acc_handle_t *handle)
{
	assert_true(offset + len <= (offset_t)fake.len[rnumber]);
	*addrp = fake.set[rnumber] + offset;
	*handle = (ddi_acc_handle_t)&fake;
	return DDI_SUCCESS;
}

void ddi_regs_map_free(ddi_acc_handle_t *handle)
{
	*handle = NULL;
}

uint32_t ddi_get32(ddi_acc_handle_t handle, uint32_t *addr)
{
	(void)fake_sync();
	return *addr;
}

#define FAKE_REP(bits)                                                                             \
	void ddi_rep_get##bits(ddi_acc_handle_t handle, uint##bits##_t *host, uint##bits##_t *dev, \
			       size_t n, uint_t flags)                                             \
	{                                                                                          \
		assert_int_equal(flags, DDI_DEV_AUTOINCR);                                         \
		(void)fake_sync();                                                                 \
		memcpy(host, dev, n *(bits) / 8);                                                  \
	}                                                                                          \
	void ddi_rep_put##bits(ddi_acc_handle_t handle, uint##bits##_t *host, uint##bits##_t *dev, \
			       size_t n, uint_t flags)                                             \
	{                                                                                          \
		assert_int_equal(flags, DDI_DEV_AUTOINCR);                                         \
		(void)fake_sync();                                                                 \
		memcpy(dev, host, n *(bits) / 8);                                                  \
	}
FAKE_REP(8)
FAKE_REP(32)

void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep)
{
	fake.len[FAKE_UMEM] = size;
	*cookiep = fake.set[FAKE_UMEM] = calloc(1, size);
	return *cookiep;
}

void ddi_umem_free(ddi_umem_cookie_t cookie)
{
	assert_ptr_equal(cookie, fake.set[FAKE_UMEM]);
	free(cookie);
}

/* The process being served: its memory is the test's; NULL cannot be accessed. */

pid_t ddi_get_pid(void)
{
	return fake.pid;
}

cred_t *ddi_get_cred(void)
{
	return (cred_t *)&fake;
}

uid_t crgetuid(const cred_t *cr)
{
	assert_ptr_equal(cr, &fake);
	return fake.uid;
}

/* A process has one address space here, which is known while it has a mapping. */
uint64_t devmap_get_as_key(devmap_cookie_t dhp)
{
	struct fake_handle *h = dhp;

	for (size_t i = 0; h == NULL && i < FAKE_HANDLES; i++) {
		if (fake.handle[i].used && fake.handle[i].pid == fake.pid)
			h = &fake.handle[i];
	}
	return h != NULL ? (uint64_t)h->pid : 0;
}

/*
 * Memory that outlives the engine. fake_engine_dies(): from now on whoever asks for some finds what was there;
 * fake_engine_goes_on(): what nobody has asked for is gone.
 */
static struct fake_kept {
	struct fake_kept *next;
	char *memory;
	size_t len;
	int asked;
	char name[64];
} * fake_kept;

static struct fake_kept *fake_kept_find(const char *name)
{
	struct fake_kept *k;

	for (k = fake_kept; k != NULL && strcmp(k->name, name) != 0; k = k->next)
		;
	return k;
}

void *devmap_keep_alloc(dev_info_t *dip, const char *name, size_t len, int *found)
{
	struct fake_kept *k = fake_kept_find(name);

	assert_true(k == NULL || (!k->asked && k->len == len));
	/* As for kmem: what is small is to be had. */
	if (k == NULL && len > 8192 && fake.nosleep_fails > 0) {
		fake.nosleep_fails--;
		return NULL;
	}
	if (found != NULL)
		*found = k != NULL;
	if (k == NULL) {
		k = calloc(1, sizeof(*k));
		assert_non_null(k);
		k->memory = calloc(1, len);
		k->len = len;
		(void)snprintf(k->name, sizeof(k->name), "%s", name);
		k->next = fake_kept;
		fake_kept = k;
	}
	k->asked = 1;
	return k->memory;
}

static void fake_kept_free(struct fake_kept **p)
{
	struct fake_kept *k = *p;

	*p = k->next;
	free(k->memory);
	free(k);
}

void devmap_keep_free(void *memory)
{
	struct fake_kept **p = &fake_kept;

	if (memory == NULL)
		return;
	while (*p != NULL && (*p)->memory != memory)
		p = &(*p)->next;
	assert_non_null(*p);
	fake_kept_free(p);
}

int devmap_resuming(void)
{
	return fake.resuming;
}

int ddi_copyin(const void *buf, void *driverbuf, size_t n, int flags)
{
	assert_int_equal(fake.locked, 0);
	if (buf == NULL)
		return -1;
	memcpy(driverbuf, buf, n);
	return 0;
}

int ddi_copyout(const void *driverbuf, void *buf, size_t n, int flags)
{
	return buf == NULL ? -1 : ddi_copyin(driverbuf, buf, n, flags);
}

int uiomove(void *address, size_t n, enum uio_rw rw, uio_t *uio)
{
	char *user = uio->uio_iov->iov_base;

	assert_int_equal(fake.locked, 0);
	if (user == NULL)
		return EFAULT;
	memcpy(rw == UIO_READ ? user : address, rw == UIO_READ ? address : user, n);
	uio->uio_iov->iov_base = user + n;
	uio->uio_resid -= (ssize_t)n;
	uio->uio_loffset += (offset_t)n;
	if (fake.moved != NULL)
		fake.moved();
	return 0;
}

/* Handles. */

static int fake_setup(devmap_cookie_t dhp, struct devmap_callback_ctl *ops, uint_t set,
		      offset_t roff, size_t len)
{
	struct fake_handle *h = dhp;

	assert_true(roff + (offset_t)len <= (offset_t)fake.len[set]);
	memset(&h->ops, 0, sizeof(h->ops));
	if (ops != NULL)
		h->ops = *ops;
	h->set = set;
	h->roff = roff;
	h->len = len;
	return DDI_SUCCESS;
}

int devmap_devmem_setup(devmap_cookie_t dhp, dev_info_t *dip, struct devmap_callback_ctl *ops,
			uint_t rnumber, offset_t roff, size_t len, uint_t maxprot, uint_t flags,
			ddi_device_acc_attr_t *attr)
{
	return fake_setup(dhp, ops, rnumber, roff, len);
}

int devmap_umem_setup(devmap_cookie_t dhp, dev_info_t *dip, struct devmap_callback_ctl *ops,
		      ddi_umem_cookie_t cookie, offset_t koff, size_t len, uint_t maxprot,
		      uint_t flags, ddi_device_acc_attr_t *attr)
{
	assert_ptr_equal(cookie, fake.set[FAKE_UMEM]);
	return fake_setup(dhp, ops, FAKE_UMEM, koff, len);
}

void devmap_set_ctx_timeout(devmap_cookie_t dhp, clock_t ticks)
{
	fake.hold = ticks;
}

int devmap_set_ctx_overhead(devmap_cookie_t dhp, uint_t percent)
{
	return 0;
}

int devmap_do_ctxmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		     uint_t rw,
		     int (*cb)(devmap_cookie_t, void *, offset_t, size_t, uint_t, uint_t))
{
	return cb(dhp, pvtp, off, len, type, rw);
}

static void fake_check_range(const struct fake_handle *h, offset_t off, size_t len)
{
	assert_true(h->used);
	assert_true(off >= h->off && off + (offset_t)len <= h->off + (offset_t)h->len);
}

static size_t fake_page(const struct fake_handle *h, offset_t off)
{
	return (size_t)(off - h->off + h->roff) >> PAGESHIFT;
}

int devmap_load(devmap_cookie_t dhp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct fake_handle *h = dhp;

	fake_check_range(h, off, len);
	assert_int_equal(h->pid, fake.pid);
	for (size_t p = fake_page(h, off); p < fake_page(h, off + (offset_t)len); p++) {
		for (size_t i = 0; i < FAKE_HANDLES; i++) {
			struct fake_handle *other = &fake.handle[i];

			if (other->used && other->set == h->set && other->pid != h->pid)
				assert_false(other->loaded[p]);
		}
		h->loaded[p] = 1;
	}
	return 0;
}

int devmap_unload(devmap_cookie_t dhp, offset_t off, size_t len)
{
	struct fake_handle *h = dhp;

	fake_check_range(h, off, len);
	if (fake.unload_fails > 0) {
		fake.unload_fails--;
		return EIO;
	}
	for (size_t p = fake_page(h, off); p < fake_page(h, off + (offset_t)len); p++)
		h->loaded[p] = 0;
	(void)fake_sync();
	return 0;
}

/* What clients do. */

static struct fake_handle *fake_new(pid_t pid)
{
	for (size_t i = 0; i < FAKE_HANDLES; i++) {
		if (!fake.handle[i].used) {
			memset(&fake.handle[i], 0, sizeof(fake.handle[i]));
			fake.handle[i].used = 1;
			fake.handle[i].pid = pid;
			return &fake.handle[i];
		}
	}
	fail_msg("too many handles");
	return NULL;
}

/* One handle of an mmap(2); *len becomes its length. NULL, and *error, where the driver refuses. */
static struct fake_handle *fake_mmap_part(pid_t pid, offset_t off, size_t *len, int *error)
{
	struct fake_handle *h = fake_new(pid);
	size_t maplen = 0;

	fake.pid = pid;
	h->off = off;
	*error = fake.dev_ops->devo_cb_ops->cb_devmap(0, h, off, *len, &maplen, DDI_MODEL_LP64);
	if (*error == 0) {
		assert_int_equal(maplen, h->len);
		assert_true(maplen > 0 && (maplen & PAGEOFFSET) == 0);
		*len = maplen;
		if (h->ops.devmap_map != NULL)
			*error = h->ops.devmap_map(h, 0, MAP_SHARED, off, maplen, &h->pvtp);
	}
	if (*error != 0)
		h->used = 0;
	return *error == 0 ? h : NULL;
}

static struct fake_handle *fake_mmap(pid_t pid, offset_t off, size_t len)
{
	int error;
	struct fake_handle *h = fake_mmap_part(pid, off, &len, &error);

	assert_int_equal(error, 0);
	return h;
}

/* A load or store at an offset in the handle. NULL, and *error, for one that fails. */
static uint32_t *fake_try(struct fake_handle *h, size_t at, int *error)
{
	offset_t off = h->off + (offset_t)(at & (size_t)PAGEMASK);
	size_t page = fake_page(h, off);

	*error = 0;
	fake.pid = h->pid;
	if (h->ops.devmap_access != NULL && !h->loaded[page])
		*error = h->ops.devmap_access(h, h->pvtp, off, PAGESIZE, DEVMAP_ACCESS,
					      DEVMAP_WRITE);
	if (*error != 0)
		return NULL;
	assert_true(h->ops.devmap_access == NULL || h->loaded[page]);
	return (uint32_t *)(fake.set[h->set] + h->roff + at);
}

static uint32_t *fake_at(struct fake_handle *h, size_t at)
{
	int error;
	uint32_t *p = fake_try(h, at, &error);

	assert_int_equal(error, 0);
	return p;
}

static struct fake_handle *fake_fork(struct fake_handle *h, pid_t child, int *error)
{
	struct fake_handle *n = fake_new(child);

	*n = *h;
	n->pid = child;
	memset(n->loaded, 0, sizeof(n->loaded));
	fake.pid = h->pid;
	*error = h->ops.devmap_dup(h, h->pvtp, n, &n->pvtp);
	if (*error != 0)
		n->used = 0;
	return *error == 0 ? n : NULL;
}

/* Of a handle that has become smaller: what it had loaded elsewhere is another's. */
static void fake_keep(struct fake_handle *h)
{
	size_t first = fake_page(h, h->off), n = h->len >> PAGESHIFT;

	memset(h->loaded, 0, first);
	memset(h->loaded + first + n, 0, FAKE_PAGES - first - n);
}

/* munmap(2) of len bytes from at on in h. Returns the handle of what remains behind the hole. */
static struct fake_handle *fake_munmap(struct fake_handle *h, size_t at, size_t len)
{
	offset_t hole = h->off + (offset_t)at;
	size_t tail = h->len - at - len;
	struct fake_handle *before = at > 0 ? h : NULL, *after = NULL;

	fake.pid = h->pid;
	for (size_t p = fake_page(h, hole); p < fake_page(h, hole + (offset_t)len); p++)
		h->loaded[p] = 0;
	(void)fake_sync();
	if (tail > 0)
		after = before == NULL ? h : fake_new(h->pid);
	if (after != NULL && after != h)
		*after = *h;
	if (h->ops.devmap_unmap != NULL)
		h->ops.devmap_unmap(h, h->pvtp, hole, len, before, before ? &before->pvtp : NULL,
				    after, after ? &after->pvtp : NULL);
	if (after != NULL) {
		after->roff += (offset_t)(at + len);
		after->off = hole + (offset_t)len;
		after->len = tail;
		fake_keep(after);
	}
	if (before != NULL) {
		before->len = at;
		fake_keep(before);
	}
	if (before == NULL && after == NULL)
		h->used = 0;
	return after;
}

/* Forgets what a test that failed has left. */
static int fake_reset(void **unused)
{
	memset(&fake, 0, sizeof(fake));
	return 0;
}

/* Starts: the model (may be NULL), then the driver, whose _init has its real name here. */
static void fake_begin(const struct devmap_model_ops *ops)
{
	fake.ops = ops;
	if (ops != NULL)
		assert_int_equal(ops->attach(&fake.model), 0);
	assert_int_equal(_init(), 0);
	assert_int_equal(fake.dev_ops->devo_attach((dev_info_t *)&fake, DDI_ATTACH), DDI_SUCCESS);
}

/* Exits all clients, detaches, and sees that nothing is left. */
static void fake_end(void)
{
	for (size_t i = 0; i < FAKE_HANDLES; i++) {
		if (fake.handle[i].used)
			(void)fake_munmap(&fake.handle[i], 0, fake.handle[i].len);
	}
	assert_int_equal(fake.dev_ops->devo_detach((dev_info_t *)&fake, DDI_DETACH), DDI_SUCCESS);
	assert_int_equal(_fini(), 0);
	if (fake.ops != NULL)
		fake.ops->detach(&fake.model);
	for (int i = 0; i < FAKE_SETS; i++)
		free(fake.set[i]);
	assert_int_equal(fake.allocated, 0);
	assert_null(fake_kept);
	memset(&fake, 0, sizeof(fake));
}

#endif
