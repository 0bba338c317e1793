/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ctest: the scriptable driver of the conformance tests. Knobs say what it does, or does wrong;
 * a log of all its entry points says what it was asked. ctest.h is its manual.
 *
 * Each process that maps a unit has a context: a copy of every page of the unit's two memories. By a
 * knob several share one.
 * While a page of device memory holds the content of a context, cu_in names it.
 * devmap_contextmgt(9E) unloads the mappings of all other contexts, saves what they have in the
 * device, and restores its own.
 *
 * Locks: cd_lock guards mappings, contexts and cu_in, and is held around devmap_unload() so that
 * the handle stays; cd_log_lock guards knobs, log, counts and cu_scratch, and is taken last.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/ksynch.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/conf.h>
#include <sys/open.h>
#include <sys/poll.h>
#include <sys/thread.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/cmn_err.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <sys/ddidevmap.h>
#include <vm/seg.h>
#include "ctest.h"

#ifndef CTEST_NAME
#define CTEST_NAME "ctest"
#endif

#define UNITS	 2
#define VIEWS	 3 /* minor nodes of one instance */
#define KEYS	 8
#define SAVED	 2 /* CT_UMEM and CT_REGS have contexts, the others have not */
#define MEM_SIZE ((size_t)CTEST_PAGES * PAGESIZE)
#define SCRATCH	 4096 /* what read(9E) and write(9E) see */

struct ctx {
	struct ctx *cx_next;
	uint64_t cx_id;
	uint64_t cx_key;    /* of its address space */
	uint64_t cx_parent; /* the id of the context that a fork copied, or 0 */
	uint_t cx_maps;
	boolean_t cx_private; /* of one MAP_PRIVATE mapping */
	uint_t cx_share;      /* whoever has this number has it: CT_SHARE; 0: one process's */
	char *cx_save[SAVED]; /* MEM_SIZE bytes each, or NULL: all zero */
};

struct map { /* private data of one handle */
	struct map *mp_next;
	struct unit *mp_unit;
	struct ctx *mp_ctx;
	uint64_t mp_id;
	devmap_cookie_t mp_dhp;
	dev_t mp_dev;
	offset_t mp_off;
	size_t mp_len;
	uint_t mp_mem;	     /* enum ctest_memory */
	boolean_t mp_loaded; /* perhaps: something was, since the last unload of it all */
};

struct memory {
	caddr_t m_base;
	ddi_umem_cookie_t m_cookie; /* or NULL */
	ddi_acc_handle_t m_handle;  /* or NULL */
};

struct unit {
	struct device *cu_dev;
	uint_t cu_number;
	struct memory cu_mem[CT_NMEMORY];
	struct ctx *cu_in[SAVED][CTEST_PAGES];
	struct map *cu_maps;
	struct ctx *cu_ctxs;
	struct map *cu_latest;	  /* that was granted, or another of its context's; NULL: none */
	devmap_cookie_t cu_freed; /* the last cookie of which nothing remained */
	int64_t cu_knob[CT_NKNOBS];
	uint_t cu_inside; /* calls in devmap_contextmgt(9E) */
	uint_t cu_stalls; /* calls that might have slept */
	uint_t cu_opened; /* bits 1 << minor number, for CT_EXCLUSIVE */
	struct ctest_counts cu_counts;
	uint_t cu_used, cu_first; /* events in the log, and where it begins for readers */
	struct ctest_event *cu_log;
	struct ctest_event cu_spill; /* for what finds no room */
	kcondvar_t cu_gate;	     /* a knob was set */
	struct pollhead cu_poll;
	char cu_scratch[SCRATCH];
};

struct device {
	dev_info_t *cd_dip;
	kmutex_t cd_lock;
	kmutex_t cd_log_lock;
	uint64_t cd_last_id;
	char cd_keys[KEYS]; /* their addresses are group keys */
	struct memory cd_model;
	caddr_t cd_pointer; /* into it, or NULL */
	struct unit cd_units[UNITS];
};

static void *state;
static kmutex_t seq_lock;
static uint64_t last_seq; /* guarded by seq_lock */

static ddi_device_acc_attr_t attributes = { DDI_DEVICE_ATTR_V0, DDI_NEVERSWAP_ACC,
					    DDI_STRICTORDER_ACC, DDI_DEFAULT_ACC };

static struct device *device_of(dev_t dev)
{
	return ddi_get_soft_state(state, getminor(dev) / VIEWS);
}

static struct unit *unit_of(dev_t dev)
{
	struct device *cd = device_of(dev);

	return cd == NULL ? NULL : &cd->cd_units[getminor(dev) % VIEWS == 2];
}

/* The log. */

static uint64_t next_seq(void)
{
	uint64_t seq;

	mutex_enter(&seq_lock);
	seq = ++last_seq;
	mutex_exit(&seq_lock);
	return seq;
}

static struct ctest_event *log_room(struct unit *u)
{
	if (u->cu_knob[CT_NO_LOG])
		return &u->cu_spill;
	if (u->cu_used < CTEST_LOG_MAX)
		return &u->cu_log[u->cu_used++];
	u->cu_counts.lost++;
	return &u->cu_spill;
}

/* An entry point was called as e says: notes it and returns the note, for leave(). */
static struct ctest_event *enter(struct unit *u, uint_t what, dev_t dev,
				 const struct ctest_event *e)
{
	struct ctest_event *ev;

	mutex_enter(&u->cu_dev->cd_log_lock);
	ev = log_room(u);
	*ev = *e;
	ev->what = what;
	ev->minor = getminor(dev);
	ev->pid = ddi_get_pid();
	ev->seq_in = next_seq();
	ev->t_in = gethrtime();
	u->cu_counts.calls[what]++;
	mutex_exit(&u->cu_dev->cd_log_lock);
	return ev;
}

static int leave(struct unit *u, struct ctest_event *ev, int result)
{
	mutex_enter(&u->cu_dev->cd_log_lock);
	ev->result = result;
	ev->seq_out = next_seq();
	ev->t_out = gethrtime();
	mutex_exit(&u->cu_dev->cd_log_lock);
	return result;
}

static void note(struct unit *u, int32_t *where, int32_t value)
{
	mutex_enter(&u->cu_dev->cd_log_lock);
	*where = value;
	mutex_exit(&u->cu_dev->cd_log_lock);
}

static void note_id(struct unit *u, uint64_t *where, uint64_t value)
{
	mutex_enter(&u->cu_dev->cd_log_lock);
	*where = value;
	mutex_exit(&u->cu_dev->cd_log_lock);
}

static int64_t knob(struct unit *u, uint_t which)
{
	int64_t value;

	mutex_enter(&u->cu_dev->cd_log_lock);
	value = u->cu_knob[which];
	mutex_exit(&u->cu_dev->cd_log_lock);
	return value;
}

/* What the knobs say that the entry point should fail with, or 0. */
static int injected(struct unit *u, uint_t what)
{
	int64_t *k = u->cu_knob;
	int error = 0;

	mutex_enter(&u->cu_dev->cd_log_lock);
	if (!(k[CT_FAIL_WHERE] & (1 << what)) || k[CT_FAIL_COUNT] == 0)
		goto out;
	if (k[CT_FAIL_PID] != 0 && k[CT_FAIL_PID] != ddi_get_pid())
		goto out;
	if (k[CT_FAIL_SKIP] > 0) {
		k[CT_FAIL_SKIP]--;
		goto out;
	}
	if (k[CT_FAIL_COUNT] > 0)
		k[CT_FAIL_COUNT]--;
	error = k[CT_FAIL_VALUE];
out:
	mutex_exit(&u->cu_dev->cd_log_lock);
	return error;
}

static boolean_t shut(struct unit *u, uint_t gate)
{
	int64_t who = u->cu_knob[gate];

	return who == CT_EVERYBODY || (who != 0 && who == ddi_get_pid());
}

/* Waits while the gate is shut for this process; EINTR where a signal may end the wait, and did. */
static int wait_at(struct unit *u, uint_t gate, boolean_t interruptible)
{
	int error = 0;

	mutex_enter(&u->cu_dev->cd_log_lock);
	u->cu_counts.gated++;
	while (error == 0 && shut(u, gate)) {
		if (!interruptible)
			cv_wait(&u->cu_gate, &u->cu_dev->cd_log_lock);
		else if (cv_wait_sig(&u->cu_gate, &u->cu_dev->cd_log_lock) == 0)
			error = EINTR;
	}
	u->cu_counts.gated--;
	u->cu_counts.interrupted += error != 0;
	mutex_exit(&u->cu_dev->cd_log_lock);
	return error;
}

/* At the gates that a signal opens, as a rule. */
static int wait_or_not(struct unit *u, uint_t gate)
{
	return knob(u, gate) == 0 ? 0 : wait_at(u, gate, knob(u, CT_DEAF) == 0);
}

/* A short sleep now and then, every other of which a signal ends; nothing is done before it. */
static int stall(struct unit *u)
{
	kmutex_t *lock = &u->cu_dev->cd_log_lock;
	const int64_t each = knob(u, CT_STALL);
	const clock_t ticks = drv_usectohz(2000);
	int error = 0;

	mutex_enter(lock);
	if (each == 0 || ++u->cu_stalls % each != 0)
		goto out;
	if (u->cu_stalls / each % 2 == 0)
		(void)cv_reltimedwait(&u->cu_gate, lock, ticks, TR_CLOCK_TICK);
	else if (cv_reltimedwait_sig(&u->cu_gate, lock, ticks, TR_CLOCK_TICK) == 0)
		error = EINTR;
	u->cu_counts.interrupted += error != 0;
out:
	mutex_exit(lock);
	return error;
}

/* A load or an unload that is right failed: the engine's mistake. */
static int must(struct unit *u, int error)
{
	if (error != 0) {
		mutex_enter(&u->cu_dev->cd_log_lock);
		u->cu_counts.errors++;
		mutex_exit(&u->cu_dev->cd_log_lock);
	}
	return error;
}

/*
 * Is what stands where a cookie points what this driver knows of the handle? cd_lock held, or nobody
 * else knows of m yet.
 */
static void check_seen(struct map *m, devmap_cookie_t dhp, const void *pvtp)
{
	const devmap_handle_t *h = dhp;
	const struct seg *seg = h->dh_seg;
	boolean_t right = h->dh_uoff == m->mp_off && h->dh_len == m->mp_len &&
			  h->dh_dev == m->mp_dev && h->dh_pvtp == pvtp && seg != NULL &&
			  (h->dh_flags & DEVMAP_SETUP_DONE) != 0 &&
			  h->dh_callbackops.devmap_rev == DEVMAP_OPS_REV;

	if (right)
		right = seg->s_as != NULL && h->dh_uvaddr >= seg->s_base &&
			h->dh_uvaddr + h->dh_len <= seg->s_base + seg->s_size;
	if (right && m->mp_mem != CT_ALT && !(h->dh_flags & DEVMAP_MAPPING_INVALID))
		right = h->dh_roff == m->mp_off &&
			h->dh_cookie == m->mp_unit->cu_mem[m->mp_mem].m_cookie &&
			(h->dh_cookie == NULL || h->dh_pfn == (pfn_t)-1);
	(void)must(m->mp_unit, right ? 0 : EINVAL);
}

static const struct as *seen_as(devmap_cookie_t dhp)
{
	return ((devmap_handle_t *)dhp)->dh_seg->s_as;
}

/* Memory, contexts, loading. Down to switch_and_load() all is called with cd_lock held. */

static void page_read(const struct memory *m, uint_t page, char *to)
{
	caddr_t from = m->m_base + (size_t)page * PAGESIZE;

	if (m->m_handle != NULL)
		ddi_rep_get64(m->m_handle, (uint64_t *)to, (uint64_t *)from,
			      PAGESIZE / sizeof(uint64_t), DDI_DEV_AUTOINCR);
	else
		bcopy(from, to, PAGESIZE);
}

static void page_write(const struct memory *m, uint_t page, char *from)
{
	caddr_t to = m->m_base + (size_t)page * PAGESIZE;

	if (m->m_handle != NULL)
		ddi_rep_put64(m->m_handle, (uint64_t *)from, (uint64_t *)to,
			      PAGESIZE / sizeof(uint64_t), DDI_DEV_AUTOINCR);
	else
		bcopy(from, to, PAGESIZE);
}

static char *saved_page(struct ctx *c, uint_t mem, uint_t page)
{
	if (c->cx_save[mem] == NULL)
		c->cx_save[mem] = kmem_zalloc(MEM_SIZE, KM_SLEEP);
	return c->cx_save[mem] + (size_t)page * PAGESIZE;
}

static struct ctx *ctx_new(struct unit *u, uint64_t key)
{
	struct ctx *c = kmem_zalloc(sizeof(*c), KM_SLEEP);

	c->cx_id = ++u->cu_dev->cd_last_id;
	c->cx_key = key;
	c->cx_next = u->cu_ctxs;
	u->cu_ctxs = c;
	return c;
}

/* The context that has this number, not 0, whoever maps it. */
static struct ctx *ctx_shared(struct unit *u, uint_t share)
{
	struct ctx *c;

	for (c = u->cu_ctxs; c != NULL && c->cx_share != share; c = c->cx_next)
		continue;
	if (c == NULL) {
		c = ctx_new(u, 0 - (uint64_t)share); /* no address space's */
		c->cx_share = share;
	}
	return c;
}

/* The context for a new mapping of this process: MAP_PRIVATE wants one of its own. */
static struct ctx *ctx_for(struct unit *u, uint64_t key, boolean_t private)
{
	uint_t share = knob(u, CT_SHARE) % KEYS;
	struct ctx *c;

	if (share != 0 && !private)
		return ctx_shared(u, share);
	for (c = u->cu_ctxs; c != NULL && !private; c = c->cx_next)
		if (c->cx_key == key && !c->cx_private)
			return c;
	c = ctx_new(u, key);
	c->cx_private = private;
	return c;
}

static void ctx_free(struct unit *u, struct ctx *c)
{
	struct ctx **p;
	uint_t i;

	for (p = &u->cu_ctxs; *p != c; p = &(*p)->cx_next)
		continue;
	*p = c->cx_next;
	for (i = 0; i < SAVED * CTEST_PAGES; i++)
		if (u->cu_in[i / CTEST_PAGES][i % CTEST_PAGES] == c)
			u->cu_in[i / CTEST_PAGES][i % CTEST_PAGES] = NULL;
	for (i = 0; i < SAVED; i++)
		if (c->cx_save[i] != NULL)
			kmem_free(c->cx_save[i], MEM_SIZE);
	kmem_free(c, sizeof(*c));
}

static struct map *map_new(struct unit *u, struct ctx *c, devmap_cookie_t dhp, dev_t dev,
			   offset_t off, size_t len)
{
	struct map *m = kmem_zalloc(sizeof(*m), KM_SLEEP);

	m->mp_unit = u;
	m->mp_ctx = c;
	m->mp_id = ++u->cu_dev->cd_last_id;
	m->mp_dhp = dhp;
	m->mp_dev = dev;
	m->mp_off = off;
	m->mp_len = len;
	m->mp_mem = knob(u, CT_BACKING);
	m->mp_next = u->cu_maps;
	u->cu_maps = m;
	c->cx_maps++;
	return m;
}

static struct map *map_of_ctx(struct unit *u, const struct ctx *c)
{
	struct map *m;

	for (m = u->cu_maps; m != NULL && m->mp_ctx != c; m = m->mp_next)
		continue;
	return m;
}

static void map_free(struct map *m)
{
	struct unit *u = m->mp_unit;
	struct map **p;

	for (p = &u->cu_maps; *p != m; p = &(*p)->mp_next)
		continue;
	*p = m->mp_next;
	if (u->cu_latest == m)
		u->cu_latest = map_of_ctx(u, m->mp_ctx);
	if (--m->mp_ctx->cx_maps == 0)
		ctx_free(u, m->mp_ctx);
	kmem_free(m, sizeof(*m));
}

static struct map *map_by_id(struct unit *u, uint64_t id)
{
	struct map *m;

	for (m = u->cu_maps; m != NULL && m->mp_id != id; m = m->mp_next)
		continue;
	return m;
}

/* Is c's content in the way when `mine` gets the device? */
static boolean_t foreign(struct ctx *c, struct ctx *mine, boolean_t same_unit)
{
	return same_unit ? c != mine : c->cx_key != mine->cx_key;
}

static int unload_others(struct unit *u, struct ctx *mine, boolean_t same_unit,
			 struct ctest_event *ev)
{
	struct map *m;
	int error = 0, one;

	if (knob(u, CT_MGT_MODE) == CT_M_LATEST) {
		m = u->cu_latest;
		return m == NULL || !foreign(m->mp_ctx, mine, same_unit) ?
			       0 :
			       must(u, devmap_unload(m->mp_dhp, m->mp_off, m->mp_len));
	}
	for (m = u->cu_maps; m != NULL; m = m->mp_next) {
		if (!m->mp_loaded || !foreign(m->mp_ctx, mine, same_unit))
			continue;
		one = must(u, devmap_unload(m->mp_dhp, m->mp_off, m->mp_len));
		note(u, &ev->unloaded, one);
		if (one == 0)
			m->mp_loaded = B_FALSE;
		else
			error = one;
	}
	return error;
}

static void save_others(struct unit *u, struct ctx *mine, boolean_t same_unit)
{
	uint_t mem, page;

	for (mem = 0; mem < SAVED; mem++) {
		for (page = 0; page < CTEST_PAGES; page++) {
			struct ctx *c = u->cu_in[mem][page];

			if (c == NULL || !foreign(c, mine, same_unit))
				continue;
			page_read(&u->cu_mem[mem], page, saved_page(c, mem, page));
			u->cu_in[mem][page] = NULL;
		}
	}
}

/* All that shares hardware with u, by the key, gives way to `mine`. */
static int switch_to(struct unit *u, struct ctx *mine, struct ctest_event *ev)
{
	int64_t key = knob(u, CT_GROUP);
	int error = 0;
	uint_t i;

	for (i = 0; i < UNITS && error == 0; i++) {
		struct unit *other = &u->cu_dev->cd_units[i];

		if (other != u && (key == 0 || knob(other, CT_GROUP) != key))
			continue;
		error = unload_others(other, mine, other == u, ev);
		if (error == 0)
			save_others(other, mine, other == u);
	}
	return error;
}

/* As the example in devmap_contextmgt(9E): only the pages of this access change hands. */
static int switch_pages(struct map *m, offset_t off, size_t len, struct ctest_event *ev)
{
	struct unit *u = m->mp_unit;
	struct map *o;
	int error = 0;
	uint_t page;

	for (o = u->cu_maps; o != NULL; o = o->mp_next) {
		offset_t from = MAX(off, o->mp_off);
		offset_t to = MIN(off + (offset_t)len, o->mp_off + (offset_t)o->mp_len);

		if (o->mp_ctx != m->mp_ctx && from < to)
			error |= must(u, devmap_unload(o->mp_dhp, from, to - from));
	}
	note(u, &ev->unloaded, error);
	for (page = off / PAGESIZE; page < (off + len) / PAGESIZE && m->mp_mem < SAVED; page++) {
		struct ctx *c = u->cu_in[m->mp_mem][page];

		if (c == NULL || c == m->mp_ctx)
			continue;
		page_read(&u->cu_mem[m->mp_mem], page, saved_page(c, m->mp_mem, page));
		u->cu_in[m->mp_mem][page] = NULL;
	}
	return error;
}

/* Brings m's context into the pages of the mapping's memory that are to be loaded. */
static void restore(struct map *m, offset_t off, size_t len)
{
	struct unit *u = m->mp_unit;
	offset_t end = MIN(off + (offset_t)len, m->mp_off + (offset_t)m->mp_len);
	uint_t page;

	if (m->mp_mem >= SAVED)
		return;
	for (page = MAX(off, m->mp_off) / PAGESIZE; page < (end + PAGESIZE - 1) / PAGESIZE;
	     page++) {
		if (u->cu_in[m->mp_mem][page] == m->mp_ctx)
			continue;
		page_write(&u->cu_mem[m->mp_mem], page, saved_page(m->mp_ctx, m->mp_mem, page));
		u->cu_in[m->mp_mem][page] = m->mp_ctx;
	}
}

/* Context management. */

static struct ctest_event arguments(struct map *m, devmap_cookie_t dhp, offset_t off, size_t len,
				    uint_t type, uint_t rw)
{
	struct ctest_event e;

	bzero(&e, sizeof(e));
	e.dhp = (uintptr_t)dhp;
	e.id = m->mp_id;
	e.ctx = m->mp_ctx->cx_id;
	e.off = off;
	e.len = len;
	e.type = type;
	e.rw = rw;
	return e;
}

struct span {
	offset_t off;
	size_t len;
};

/* What to load instead of [off, off + len), by the knob. */
static struct span load_range(struct map *m, int64_t mode, offset_t off, size_t len)
{
	const struct span ranges[] = {
		[CT_L_RANGE] = { off, len },
		[CT_L_HANDLE] = { m->mp_off, m->mp_len },
		[CT_L_TO_END] = { off, 0 },
		[CT_L_INSIDE] = { off + 100, len - 200 },
		[CT_L_BORDER] = { off + (offset_t)len - 1, 2 },
		[CT_L_LONG] = { off, len + PAGESIZE },
		[CT_L_ELSEWHERE] = { off + (offset_t)len, PAGESIZE },
		[CT_L_OUTSIDE] = { m->mp_off + (offset_t)m->mp_len - PAGESIZE,
				   (size_t)PAGESIZE * 2 },
		[CT_L_BEFORE] = { m->mp_off - PAGESIZE, PAGESIZE },
		[CT_L_NOTHING] = { off, len },
		[CT_L_SIBLINGS] = { off, len },
		[CT_L_FOR_WRITING] = { off, len },
	};

	return ranges[mode];
}

static void load_siblings(struct map *m, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct map *s;

	for (s = m->mp_unit->cu_maps; s != NULL; s = s->mp_next) {
		if (s == m || s->mp_ctx != m->mp_ctx || off < s->mp_off ||
		    off + (offset_t)len > s->mp_off + (offset_t)s->mp_len)
			continue;
		s->mp_loaded = B_TRUE;
		(void)must(m->mp_unit, devmap_load(s->mp_dhp, off, len, type, rw));
	}
}

static int load(struct map *m, offset_t off, size_t len, uint_t type, uint_t rw,
		struct ctest_event *ev)
{
	int64_t mode = knob(m->mp_unit, CT_LOAD_MODE);
	struct span r = load_range(m, mode, off, len);
	int error;

	if (knob(m->mp_unit, CT_MGT_MODE) != CT_M_CARELESS)
		restore(m, r.off, r.len == 0 ? m->mp_len : r.len);
	m->mp_loaded = B_TRUE;
	if (mode == CT_L_NOTHING)
		return 0;
	if (mode == CT_L_SIBLINGS)
		load_siblings(m, off, len, type, rw);
	if (mode == CT_L_FOR_WRITING)
		rw = DEVMAP_WRITE;
	error = devmap_load(m->mp_dhp, r.off, r.len, type, rw);
	note(m->mp_unit, &ev->loaded, error);
	return error;
}

static int make_room(struct map *m, offset_t off, size_t len, struct ctest_event *ev)
{
	int64_t mode = knob(m->mp_unit, CT_MGT_MODE);

	/* A handle's key is the one that it had in devmap_map(9E) or devmap_dup(9E). */
	if (m->mp_ctx->cx_share == 0)
		(void)must(m->mp_unit,
			   devmap_get_as_key(m->mp_dhp) == m->mp_ctx->cx_key ? 0 : EINVAL);
	if (mode == CT_M_SWITCH || mode == CT_M_LATEST)
		return switch_to(m->mp_unit, m->mp_ctx, ev);
	if (mode == CT_M_LEAKY)
		return switch_pages(m, off, len, ev);
	return 0;
}

/* One lock over all of it, or a fork or an operation could come between saving and loading. */
static int switch_and_load(struct map *m, offset_t off, size_t len, uint_t type, uint_t rw,
			   struct ctest_event *ev)
{
	int error;

	mutex_enter(&m->mp_unit->cu_dev->cd_lock);
	error = make_room(m, off, len, ev);
	if (error == 0)
		error = load(m, off, len, type, rw, ev);
	if (error == 0)
		m->mp_unit->cu_latest = m;
	mutex_exit(&m->mp_unit->cu_dev->cd_lock);
	return error;
}

static void count_inside(struct unit *u, int change)
{
	mutex_enter(&u->cu_dev->cd_log_lock);
	if (change > 0 && u->cu_inside > 0)
		u->cu_counts.overlaps++;
	u->cu_inside += change;
	mutex_exit(&u->cu_dev->cd_log_lock);
}

static int ctest_contextmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			    uint_t rw)
{
	struct map *m = pvtp;
	struct unit *u = m->mp_unit;
	struct ctest_event e = arguments(m, dhp, off, len, type, rw);
	struct ctest_event *ev = enter(u, CT_CTXMGT, m->mp_dev, &e);
	int64_t us = knob(u, CT_SLEEP_US);
	int error;

	count_inside(u, 1);
	(void)wait_at(u, CT_GATE_CTXMGT, B_FALSE);
	if (us > 0)
		delay(drv_usectohz(us));
	error = injected(u, CT_CTXMGT);
	if (error == 0)
		error = switch_and_load(m, off, len, type, rw, ev);
	count_inside(u, -1);
	return leave(u, ev, error);
}

static int answer_access(devmap_cookie_t dhp, struct map *m, offset_t off, size_t len, uint_t type,
			 uint_t rw, struct ctest_event *ev)
{
	int64_t mode = knob(m->mp_unit, CT_ACCESS_MODE);
	int result = 0;

	if (mode == CT_A_DEFAULT)
		return devmap_default_access(dhp, m, off, len, type, rw);
	if (mode != CT_A_NOTHING)
		result = devmap_do_ctxmgt(dhp, m, off, len, type, rw,
					  mode == CT_A_NULL ? NULL : ctest_contextmgt);
	note(m->mp_unit, &ev->mgt, result);
	return result;
}

static int access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct map *m = pvtp;
	struct unit *u = m->mp_unit;
	struct ctest_event e = arguments(m, dhp, off, len, type, rw);
	struct ctest_event *ev = enter(u, CT_ACCESS, m->mp_dev, &e);
	int error;

	mutex_enter(&u->cu_dev->cd_lock);
	check_seen(m, dhp, pvtp);
	(void)must(u, ttoproc(curthread)->p_as == seen_as(dhp) ? 0 : EINVAL);
	mutex_exit(&u->cu_dev->cd_lock);
	error = wait_at(u, CT_GATE_ACCESS, B_TRUE);
	if (error == 0)
		error = injected(u, CT_ACCESS);
	if (error == 0)
		error = answer_access(dhp, m, off, len, type, rw, ev);
	return leave(u, ev, error);
}

/* Two functions, and so two groups, that a compiler cannot make one. */

static int ctest_access_a(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	ASSERT(((struct map *)pvtp)->mp_unit->cu_number == 0);
	return access(dhp, pvtp, off, len, type, rw);
}

static int ctest_access_b(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
			  uint_t rw)
{
	if (((struct map *)pvtp)->mp_unit->cu_number != 1)
		return EINVAL;
	return access(dhp, pvtp, off, len, type, rw);
}

static int say_share(struct unit *u, devmap_cookie_t dhp, uint_t share)
{
#ifdef DEVMAP_EXTENSIONS
	return devmap_set_ctx_share(dhp, share == 0 ? NULL : &u->cu_dev->cd_keys[share]);
#else
	return 0;
#endif
}

static void set_context_parameters(struct unit *u, devmap_cookie_t dhp, const struct ctx *c)
{
	int64_t key = knob(u, CT_GROUP);

	if (knob(u, CT_HOLD_TICKS) != 0)
		devmap_set_ctx_timeout(dhp, knob(u, CT_HOLD_TICKS));
#ifdef DEVMAP_EXTENSIONS
	if (knob(u, CT_HOLD_NS) != 0)
		(void)must(u, devmap_set_ctx_hold(dhp, knob(u, CT_HOLD_NS)));
	if (knob(u, CT_OVERHEAD) != 0)
		(void)must(u, devmap_set_ctx_overhead(dhp, knob(u, CT_OVERHEAD)));
	if (key > 0 && key < KEYS)
		(void)must(u, devmap_set_ctx_group(dhp, &u->cu_dev->cd_keys[key]));
#endif
	if (c->cx_share != 0 && !knob(u, CT_SHARE_QUIET))
		(void)must(u, say_share(u, dhp, c->cx_share));
}

static int ctest_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
		     void **pvtp)
{
	struct unit *u = unit_of(dev);
	struct ctest_event e, *ev;
	struct map *m;
	int error;

	bzero(&e, sizeof(e));
	e.dhp = (uintptr_t)dhp;
	e.type = flags;
	e.off = off;
	e.len = len;
	ev = enter(u, CT_MAP, dev, &e);
	(void)wait_at(u, CT_GATE_MAP, B_TRUE);
	error = injected(u, CT_MAP);
	if (error != 0)
		return leave(u, ev, error);
	mutex_enter(&u->cu_dev->cd_lock);
	m = map_new(u, ctx_for(u, devmap_get_as_key(dhp), (flags & MAP_TYPE) == MAP_PRIVATE), dhp,
		    dev, off, len);
	note_id(u, &ev->id, m->mp_id);
	note_id(u, &ev->ctx, m->mp_ctx->cx_id);
	check_seen(m, dhp, NULL);
	(void)must(u, curproc->p_as == seen_as(dhp) ? 0 : EINVAL);
	mutex_exit(&u->cu_dev->cd_lock);
	if (!(knob(u, CT_CALLBACKS) & (1 << CT_ACCESS)))
		set_context_parameters(u, dhp, m->mp_ctx);
	*pvtp = m;
	return leave(u, ev, 0);
}

/*
 * The child's context. All handles that one fork copies from a context go to the same one, which the
 * child's address space tells from those of other children.
 */
static struct ctx *ctx_of_child(struct map *m, devmap_cookie_t new_dhp)
{
	struct unit *u = m->mp_unit;
	struct ctx *parent = m->mp_ctx, *child;
	uint64_t key = devmap_get_as_key(new_dhp);
	int64_t share = knob(u, CT_SHARE_DUP);
	uint_t i;

	if (parent->cx_share != 0 && share != CT_OWN)
		return share != 0 ? ctx_shared(u, share % KEYS) : parent;
	for (child = u->cu_ctxs; child != NULL; child = child->cx_next)
		if (child->cx_key == key && child->cx_parent == parent->cx_id)
			return child;
	child = ctx_new(u, key);
	child->cx_parent = parent->cx_id;
	child->cx_private = parent->cx_private;
	for (i = 0; i < SAVED; i++) {
		if (parent->cx_save[i] == NULL)
			continue;
		child->cx_save[i] = kmem_zalloc(MEM_SIZE, KM_SLEEP);
		bcopy(parent->cx_save[i], child->cx_save[i], MEM_SIZE);
	}
	return child;
}

/* Takes the device from c, so that all of c is in memory. */
static void retire(struct unit *u, struct ctx *c)
{
	struct map *m;
	uint_t mem, page;

	for (m = u->cu_maps; m != NULL; m = m->mp_next) {
		if (m->mp_ctx != c || !m->mp_loaded)
			continue;
		if (must(u, devmap_unload(m->mp_dhp, m->mp_off, m->mp_len)) == 0)
			m->mp_loaded = B_FALSE;
	}
	for (mem = 0; mem < SAVED; mem++) {
		for (page = 0; page < CTEST_PAGES; page++) {
			if (u->cu_in[mem][page] != c)
				continue;
			page_read(&u->cu_mem[mem], page, saved_page(c, mem, page));
			u->cu_in[mem][page] = NULL;
		}
	}
}

static int ctest_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	struct map *m = pvtp, *n;
	struct unit *u = m->mp_unit;
	struct ctest_event e = arguments(m, dhp, m->mp_off, m->mp_len, 0, 0), *ev;
	int error;

	e.new1 = (uintptr_t)new_dhp;
	ev = enter(u, CT_DUP, m->mp_dev, &e);
	error = injected(u, CT_DUP);
	if (error != 0)
		return leave(u, ev, error);
	mutex_enter(&u->cu_dev->cd_lock);
	retire(u, m->mp_ctx);
	n = map_new(u, ctx_of_child(m, new_dhp), new_dhp, m->mp_dev, m->mp_off, m->mp_len);
	n->mp_mem = m->mp_mem;
	if (n->mp_ctx->cx_share != m->mp_ctx->cx_share)
		(void)must(u, say_share(u, new_dhp, n->mp_ctx->cx_share));
	check_seen(n, new_dhp, m);
	(void)must(u, seen_as(new_dhp) != seen_as(dhp) ? 0 : EINVAL);
	(void)must(u, curproc->p_as == seen_as(dhp) ? 0 : EINVAL);
	note_id(u, &ev->new1_id, n->mp_id);
	mutex_exit(&u->cu_dev->cd_lock);
	*new_pvtp = n;
	return leave(u, ev, 0);
}

/* Private data for what remains of m at [off, off + len) behind dhp. */
static struct map *remainder_of(struct map *m, devmap_cookie_t dhp, offset_t off, size_t len)
{
	struct map *n = map_new(m->mp_unit, m->mp_ctx, dhp, m->mp_dev, off, len);

	n->mp_mem = m->mp_mem;
	n->mp_loaded = m->mp_loaded;
	return n;
}

/* Keeps m for the first part that remains; returns the private data of the other one, or NULL. */
static void keep_map(struct map *m, offset_t off, size_t len, devmap_cookie_t new1,
		     devmap_cookie_t new2, void **new_pvtp2)
{
	offset_t end = m->mp_off + (offset_t)m->mp_len;

	if (new1 != NULL && new2 != NULL)
		*new_pvtp2 = remainder_of(m, new2, off + (offset_t)len, end - off - (offset_t)len);
	if (new1 != NULL) {
		m->mp_dhp = new1;
		m->mp_len = off - m->mp_off;
	} else {
		m->mp_dhp = new2;
		m->mp_off = off + (offset_t)len;
		m->mp_len = end - m->mp_off;
	}
}

static void cut_map(struct map *m, offset_t off, size_t len, devmap_cookie_t new1, void **new_pvtp1,
		    devmap_cookie_t new2, void **new_pvtp2)
{
	offset_t hole_end = off + (offset_t)len;
	int64_t mode = knob(m->mp_unit, CT_UNMAP_MODE);

	if (new1 == NULL && new2 == NULL)
		m->mp_unit->cu_freed = m->mp_dhp;
	if (mode == CT_U_KEEP && (new1 != NULL || new2 != NULL)) {
		keep_map(m, off, len, new1, new2, new_pvtp2);
		return;
	}
	if (new1 != NULL)
		*new_pvtp1 = remainder_of(m, new1, m->mp_off, off - m->mp_off);
	if (new2 != NULL)
		*new_pvtp2 =
			remainder_of(m, new2, hole_end, m->mp_off + (offset_t)m->mp_len - hole_end);
	map_free(m);
}

static uint64_t id_of(devmap_cookie_t dhp, void **pvtp)
{
	return dhp == NULL || pvtp == NULL || *pvtp == NULL ? 0 : ((struct map *)*pvtp)->mp_id;
}

static void check_remainder(devmap_cookie_t dhp, void **pvtp)
{
	if (dhp != NULL && *pvtp != NULL)
		check_seen(*pvtp, dhp, *pvtp);
}

static void ctest_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
			void **new_pvtp2)
{
	struct map *m = pvtp;
	struct unit *u = m->mp_unit;
	struct ctest_event e = arguments(m, dhp, off, len, 0, 0), *ev;

	e.new1 = (uintptr_t)new_dhp1;
	e.new2 = (uintptr_t)new_dhp2;
	mutex_enter(&u->cu_dev->cd_lock);
	e.new1_was = id_of(new_dhp1, new_pvtp1);
	e.new2_was = id_of(new_dhp2, new_pvtp2);
	ev = enter(u, CT_UNMAP, m->mp_dev, &e);
	mutex_exit(&u->cu_dev->cd_lock);
	(void)wait_at(u, CT_GATE_UNMAP, B_FALSE);
	mutex_enter(&u->cu_dev->cd_lock);
	cut_map(m, off, len, new_dhp1, new_pvtp1, new_dhp2, new_pvtp2);
	note_id(u, &ev->new1_id, id_of(new_dhp1, new_pvtp1));
	note_id(u, &ev->new2_id, id_of(new_dhp2, new_pvtp2));
	check_remainder(new_dhp1, new_pvtp1);
	check_remainder(new_dhp2, new_pvtp2);
	mutex_exit(&u->cu_dev->cd_lock);
	(void)leave(u, ev, 0);
}

/* Setting up. */

struct setup { /* what devmap(9E) passes on, right or wrong */
	uint_t mem;
	ddi_umem_cookie_t cookie;
	uint_t rnumber;
	offset_t roff;
	size_t len;
	size_t maplen;
	uint_t maxprot, flags;
	uint_t times;
};

static void spoil(struct setup *s, int64_t mode, size_t asked)
{
	switch (mode) {
	case CT_B_MAPLEN_ZERO:
		s->maplen = 0;
		break;
	case CT_B_MAPLEN_ODD:
		s->maplen = s->len / 2 + 1;
		break;
	case CT_B_MAPLEN_LONG:
		s->maplen = asked + PAGESIZE;
		break;
	case CT_B_SETUP_SHORT:
		s->len -= PAGESIZE;
		break;
	case CT_B_NO_SETUP:
		s->times = 0;
		break;
	case CT_B_SETUP_TWICE:
		s->times = 2;
		break;
	case CT_B_BEYOND:
		s->roff = MEM_SIZE - PAGESIZE;
		break;
	case CT_B_NO_COOKIE:
		s->cookie = NULL;
		s->rnumber = 77;
		break;
	case CT_B_INVALID:
		s->flags = DEVMAP_MAPPING_INVALID;
		break;
	}
}

static struct devmap_callback_ctl callbacks_of(struct unit *u)
{
	int64_t left_out = knob(u, CT_CALLBACKS);
	struct devmap_callback_ctl ops = { DEVMAP_OPS_REV, ctest_map, ctest_access_a, ctest_dup,
					   ctest_unmap };

	if (u->cu_number == 1)
		ops.devmap_access = ctest_access_b;
	if (left_out & (1 << CT_MAP))
		ops.devmap_map = NULL;
	if (left_out & (1 << CT_ACCESS))
		ops.devmap_access = NULL;
	if (left_out & (1 << CT_DUP))
		ops.devmap_dup = NULL;
	if (left_out & (1 << CT_UNMAP))
		ops.devmap_unmap = NULL;
	return ops;
}

static int set_up(struct unit *u, devmap_cookie_t dhp, const struct setup *s)
{
	struct devmap_callback_ctl ops = callbacks_of(u);
	int error = 0;
	uint_t i;

	for (i = 0; i < s->times && error == 0; i++) {
		if (s->mem == CT_REGS)
			error = devmap_devmem_setup(dhp, u->cu_dev->cd_dip, &ops, s->rnumber,
						    s->roff, s->len, s->maxprot, s->flags,
						    &attributes);
		else
			error = devmap_umem_setup(dhp, u->cu_dev->cd_dip, &ops, s->cookie, s->roff,
						  s->len, s->maxprot, s->flags, &attributes);
	}
	return error;
}

static int ctest_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
			uint_t model)
{
	struct unit *u = unit_of(dev);
	size_t piece = knob(u, CT_PIECE) * PAGESIZE, want = ptob(btopr(len));
	struct ctest_event e, *ev;
	struct setup s = { .times = 1 };
	int error;

	bzero(&e, sizeof(e));
	e.dhp = (uintptr_t)dhp;
	e.off = off;
	e.len = len;
	e.type = model;
	ev = enter(u, CT_DEVMAP, dev, &e);
	error = injected(u, CT_DEVMAP);
	if (error == 0 && (off < 0 || off + (offset_t)want > (offset_t)MEM_SIZE))
		error = EINVAL;
	if (error != 0)
		return leave(u, ev, error);
	s.mem = knob(u, CT_BACKING);
	s.cookie = u->cu_mem[s.mem].m_cookie;
	s.rnumber = u->cu_number;
	s.roff = off;
	s.len = s.maplen = piece != 0 ? MIN(piece, want) : want;
	s.maxprot = knob(u, CT_MAXPROT) != 0 ? knob(u, CT_MAXPROT) : PROT_ALL;
	s.flags = knob(u, CT_SETUP_FLAGS);
	spoil(&s, knob(u, CT_BAD_MODE), want);
	*maplen = s.maplen;
	return leave(u, ev, set_up(u, dhp, &s));
}

/* Control. */

static void default_knobs(struct unit *u)
{
	bzero(u->cu_knob, sizeof(u->cu_knob));
	u->cu_knob[CT_BACKING] = ddi_prop_get_int(DDI_DEV_T_ANY, u->cu_dev->cd_dip,
						  DDI_PROP_DONTPASS, "backing", CT_UMEM);
}

static int open_gates(struct unit *u)
{
	mutex_enter(&u->cu_dev->cd_log_lock);
	default_knobs(u);
	cv_broadcast(&u->cu_gate);
	mutex_exit(&u->cu_dev->cd_log_lock);
	return 0;
}

static int clear_log(struct unit *u)
{
	uint_t gated;

	mutex_enter(&u->cu_dev->cd_log_lock);
	u->cu_first = u->cu_used;
	gated = u->cu_counts.gated;
	bzero(&u->cu_counts, sizeof(u->cu_counts));
	u->cu_counts.gated = gated;
	mutex_exit(&u->cu_dev->cd_log_lock);
	return 0;
}

static void wipe(struct unit *u)
{
	char *zero = kmem_zalloc(PAGESIZE, KM_SLEEP);
	uint_t mem, page;

	for (mem = 0; mem < CT_NMEMORY; mem++)
		for (page = 0; page < CTEST_PAGES && u->cu_mem[mem].m_base != NULL; page++)
			page_write(&u->cu_mem[mem], page, zero);
	kmem_free(zero, PAGESIZE);
}

/* With no mapping left no entry point is inside, so that the log may begin again. */
static int reset(struct unit *u)
{
	int error = 0;

	(void)open_gates(u);
	mutex_enter(&u->cu_dev->cd_lock);
	if (u->cu_maps != NULL) {
		error = EBUSY;
	} else {
		wipe(u);
		mutex_enter(&u->cu_dev->cd_log_lock);
		u->cu_used = 0;
		mutex_exit(&u->cu_dev->cd_log_lock);
		(void)clear_log(u);
	}
	mutex_exit(&u->cu_dev->cd_lock);
	return error;
}

static int set_knob(struct unit *u, const struct ctest_set *s)
{
	if (s->knob >= CT_NKNOBS)
		return EINVAL;
	mutex_enter(&u->cu_dev->cd_log_lock);
	u->cu_knob[s->knob] = s->value;
	cv_broadcast(&u->cu_gate);
	mutex_exit(&u->cu_dev->cd_log_lock);
	if (s->knob == CT_POLL_EVENTS && s->value != 0)
		pollwakeup(&u->cu_poll, s->value);
	return 0;
}

static int get_log(struct unit *u, struct ctest_log *l, int mode)
{
	struct ctest_event *copy;
	uint_t n;
	int error = 0;

	if (l->max == 0 || l->max > CTEST_LOG_MAX)
		return EINVAL;
	copy = kmem_zalloc(l->max * sizeof(*copy), KM_SLEEP);
	mutex_enter(&u->cu_dev->cd_log_lock);
	n = MIN(l->max, u->cu_used - u->cu_first);
	bcopy(&u->cu_log[u->cu_first], copy, n * sizeof(*copy));
	mutex_exit(&u->cu_dev->cd_log_lock);
	l->count = n;
	if (n != 0 && ddi_copyout(copy, (void *)(uintptr_t)l->events, n * sizeof(*copy), mode) != 0)
		error = EFAULT;
	kmem_free(copy, l->max * sizeof(*copy));
	return error;
}

static void get_counts(struct unit *u, struct ctest_counts *c)
{
	struct map *m;
	struct ctx *x;

	mutex_enter(&u->cu_dev->cd_lock);
	mutex_enter(&u->cu_dev->cd_log_lock);
	*c = u->cu_counts;
	mutex_exit(&u->cu_dev->cd_log_lock);
	for (m = u->cu_maps; m != NULL; m = m->mp_next)
		c->maps++;
	for (x = u->cu_ctxs; x != NULL; x = x->cx_next)
		c->contexts++;
	mutex_exit(&u->cu_dev->cd_lock);
}

/* Is that what stands behind the handle now, as far as can be seen? */
static boolean_t seen_backing(const struct map *m, ddi_umem_cookie_t cookie, offset_t roff,
			      uint_t invalid)
{
	const devmap_handle_t *h = m->mp_dhp;

	return h->dh_cookie == cookie && h->dh_roff == roff &&
	       (h->dh_flags & DEVMAP_MAPPING_INVALID) == invalid;
}

static int invalidate(struct unit *u, struct map *m)
{
	const devmap_handle_t *h = m->mp_dhp;
	int error = devmap_devmem_remap(m->mp_dhp, u->cu_dev->cd_dip, 0, 0, m->mp_len, PROT_ALL,
					DEVMAP_MAPPING_INVALID, NULL);

	if (error == 0)
		(void)must(u,
			   seen_backing(m, NULL, h->dh_roff, DEVMAP_MAPPING_INVALID) ? 0 : EINVAL);
	return error;
}

static int remap(struct unit *u, struct map *m, const struct ctest_op *op)
{
	int error;

	if (op->arg >= CT_NMEMORY)
		return EINVAL;
	if (op->arg == CT_REGS)
		error = devmap_devmem_remap(m->mp_dhp, u->cu_dev->cd_dip, u->cu_number, op->off,
					    m->mp_len, PROT_ALL, 0, &attributes);
	else
		error = devmap_umem_remap(m->mp_dhp, u->cu_dev->cd_dip, u->cu_mem[op->arg].m_cookie,
					  op->off, m->mp_len, PROT_ALL, 0, &attributes);
	if (error == 0)
		(void)must(u,
			   seen_backing(m, u->cu_mem[op->arg].m_cookie, op->off, 0) ? 0 : EINVAL);
	if (error == 0) /* only at home there is a context to be kept */
		m->mp_mem = op->off == m->mp_off ? op->arg : CT_ALT;
	return error;
}

/* Operations on a mapping; cd_lock is held, so that it stays. */
static int map_op(struct unit *u, struct ctest_op *op)
{
	struct map *m = map_by_id(u, op->id);

	if (m == NULL)
		return ESRCH;
	switch (op->op) {
	case CT_OP_UNLOAD:
		return devmap_unload(m->mp_dhp, op->off, op->len);
	case CT_OP_LOAD:
		return devmap_load(m->mp_dhp, op->off, op->len, DEVMAP_ACCESS, DEVMAP_READ);
	case CT_OP_INVALIDATE:
		return invalidate(u, m);
	case CT_OP_REMAP:
		return remap(u, m, op);
	case CT_OP_HOLD_TICKS:
		devmap_set_ctx_timeout(m->mp_dhp, op->value);
		return 0;
#ifdef DEVMAP_EXTENSIONS
	case CT_OP_HOLD_NS:
		return devmap_set_ctx_hold(m->mp_dhp, op->value);
	case CT_OP_OVERHEAD:
		return devmap_set_ctx_overhead(m->mp_dhp, op->value);
	case CT_OP_SHARE:
		return devmap_set_ctx_share(
			m->mp_dhp, op->value == 0 ? NULL : &u->cu_dev->cd_keys[op->value % KEYS]);
	case CT_OP_GROUP:
		return devmap_set_ctx_group(
			m->mp_dhp, op->value == 0 ? NULL : &u->cu_dev->cd_keys[op->value % KEYS]);
#endif
	}
	return EINVAL;
}

static int echo(struct unit *u, const struct ctest_op *op, int mode)
{
	char *copy;
	int error = 0;

	if (op->len == 0 || op->len > 1024 * 1024)
		return EINVAL;
	error = stall(u);
	if (error != 0)
		return error;
	copy = kmem_alloc(op->len, KM_SLEEP);
	if (ddi_copyin((void *)(uintptr_t)op->off, copy, op->len, mode) != 0)
		error = EFAULT;
	if (error == 0)
		error = wait_or_not(u, CT_GATE_ECHO);
	if (error == 0 && ddi_copyout(copy, (void *)(uintptr_t)op->value, op->len, mode) != 0)
		error = EFAULT;
	kmem_free(copy, op->len);
	if (error == 0) {
		mutex_enter(&u->cu_dev->cd_log_lock);
		u->cu_counts.echoes++;
		mutex_exit(&u->cu_dev->cd_log_lock);
	}
	return error;
}

static int pointer(struct unit *u, boolean_t wanted)
{
	struct device *cd = u->cu_dev;
	int error = DDI_SUCCESS;

	mutex_enter(&cd->cd_lock);
	if (wanted && cd->cd_pointer == NULL)
		error = ddi_map_regs(cd->cd_dip, UNITS, &cd->cd_pointer, 0, PAGESIZE);
	else if (!wanted && cd->cd_pointer != NULL)
		ddi_unmap_regs(cd->cd_dip, UNITS, &cd->cd_pointer, 0, PAGESIZE);
	mutex_exit(&cd->cd_lock);
	return error;
}

static void memory_op(struct unit *u, struct ctest_op *op)
{
	struct memory *m = op->arg == CT_MODEL ? &u->cu_dev->cd_model : &u->cu_mem[op->arg];
	uint64_t *where = (uint64_t *)(void *)(m->m_base + op->off);

	if (m->m_handle != NULL && op->op == CT_OP_PEEK)
		op->value = ddi_get64(m->m_handle, where);
	else if (m->m_handle != NULL)
		ddi_put64(m->m_handle, where, op->value);
	else if (op->op == CT_OP_PEEK)
		op->value = *(volatile uint64_t *)where;
	else
		*(volatile uint64_t *)where = op->value;
}

/* How many calls take NULL for a cookie. */
static int no_handle(struct unit *u)
{
	dev_info_t *dip = u->cu_dev->cd_dip;
	int taken = 0;

	taken += devmap_load(NULL, 0, 0, DEVMAP_ACCESS, DEVMAP_READ) == 0;
	taken += devmap_unload(NULL, 0, 0) == 0;
	taken += devmap_default_access(NULL, NULL, 0, 0, DEVMAP_ACCESS, DEVMAP_READ) == 0;
	taken += devmap_do_ctxmgt(NULL, NULL, 0, 0, DEVMAP_ACCESS, DEVMAP_READ, ctest_contextmgt) ==
		 0;
	taken += devmap_devmem_setup(NULL, dip, NULL, 0, 0, PAGESIZE, PROT_ALL, 0, NULL) == 0;
	taken += devmap_umem_setup(NULL, dip, NULL, NULL, 0, PAGESIZE, PROT_ALL, 0, NULL) == 0;
	taken += devmap_devmem_remap(NULL, dip, 0, 0, PAGESIZE, PROT_ALL, 0, NULL) == 0;
	taken += devmap_umem_remap(NULL, dip, NULL, 0, PAGESIZE, PROT_ALL, 0, NULL) == 0;
	devmap_set_ctx_timeout(NULL, 1);
	return taken;
}

static int operate(struct unit *u, struct ctest_op *op, int mode)
{
	op->result = 0;
	switch (op->op) {
	case CT_OP_PEEK:
	case CT_OP_POKE:
		if (op->arg > CT_MODEL || op->arg == CT_TRASH || op->off < 0 ||
		    op->off + 8 > (int64_t)(op->arg == CT_MODEL ? PAGESIZE : MEM_SIZE))
			return EINVAL;
		mutex_enter(&u->cu_dev->cd_lock);
		memory_op(u, op);
		mutex_exit(&u->cu_dev->cd_lock);
		return 0;
	case CT_OP_USECTOHZ:
		op->value = drv_usectohz(op->value);
		return 0;
	case CT_OP_HZ:
		op->value = hz;
		return 0;
	case CT_OP_ECHO:
		return echo(u, op, mode);
	case CT_OP_POINTER:
		op->result = pointer(u, op->value != 0);
		return 0;
	case CT_OP_NO_HANDLE:
		op->result = no_handle(u);
		return 0;
	case CT_OP_CRASH:
		__builtin_trap();
	}
	mutex_enter(&u->cu_dev->cd_lock);
	op->result = op->op == CT_OP_FREED ? devmap_unload(u->cu_freed, 0, 0) : map_op(u, op);
	mutex_exit(&u->cu_dev->cd_lock);
	return 0;
}

union argument {
	struct ctest_set set;
	struct ctest_log log;
	struct ctest_counts counts;
	struct ctest_op op;
};

static size_t argument_size(int cmd)
{
	switch (cmd) {
	case CTEST_SET:
		return sizeof(struct ctest_set);
	case CTEST_LOG:
		return sizeof(struct ctest_log);
	case CTEST_COUNTS:
		return sizeof(struct ctest_counts);
	case CTEST_OP:
		return sizeof(struct ctest_op);
	}
	return 0;
}

static int control(struct unit *u, int cmd, union argument *a, int mode)
{
	switch (cmd) {
	case CTEST_RESET:
		return reset(u);
	case CTEST_CLEAR:
		return clear_log(u);
	case CTEST_SET:
		return set_knob(u, &a->set);
	case CTEST_LOG:
		return get_log(u, &a->log, mode);
	case CTEST_COUNTS:
		get_counts(u, &a->counts);
		return 0;
	case CTEST_OP:
		return operate(u, &a->op, mode);
	}
	return ENOTTY;
}

static int ctest_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	struct unit *u = unit_of(dev);
	size_t len = argument_size(cmd);
	union argument a;
	int error;

	bzero(&a, sizeof(a));
	if (len != 0 && ddi_copyin((void *)arg, &a, len, mode) != 0)
		return EFAULT;
	error = control(u, cmd, &a, mode);
	/* What is wrong with an operation stands in it, too. */
	if (error == EINVAL && cmd == CTEST_OP) {
		a.op.result = error;
		(void)ddi_copyout(&a, (void *)arg, len, mode);
	}
	if (error == 0 && len != 0 && ddi_copyout(&a, (void *)arg, len, mode) != 0)
		error = EFAULT;
	*rvalp = 0;
	return error;
}

/* CT_EXCLUSIVE: close(9E) comes with the last close of a node, so a bit for each is enough. */
static int claim(struct unit *u, dev_t dev)
{
	const uint_t bit = 1u << getminor(dev);
	int error = 0;

	mutex_enter(&u->cu_dev->cd_log_lock);
	if (u->cu_knob[CT_EXCLUSIVE] && (u->cu_opened & bit))
		error = EBUSY;
	else
		u->cu_opened |= bit;
	mutex_exit(&u->cu_dev->cd_log_lock);
	return error;
}

static void unclaim(struct unit *u, dev_t dev)
{
	mutex_enter(&u->cu_dev->cd_log_lock);
	u->cu_opened &= ~(1u << getminor(dev));
	mutex_exit(&u->cu_dev->cd_log_lock);
}

static int opening(struct unit *u, dev_t dev)
{
	int error = injected(u, CT_OPEN);

	if (error == 0)
		error = wait_or_not(u, CT_GATE_OPEN);
	return error != 0 ? error : claim(u, dev);
}

static int ctest_open(dev_t *devp, int flag, int otyp, cred_t *credp)
{
	struct unit *u = unit_of(*devp);
	struct ctest_event e;

	if (u == NULL || otyp != OTYP_CHR)
		return ENXIO;
	bzero(&e, sizeof(e));
	e.type = flag;
	return leave(u, enter(u, CT_OPEN, *devp, &e), opening(u, *devp));
}

static int ctest_close(dev_t dev, int flag, int otyp, cred_t *credp)
{
	struct unit *u = unit_of(dev);
	struct ctest_event e;

	bzero(&e, sizeof(e));
	e.type = flag;
	unclaim(u, dev);
	return leave(u, enter(u, CT_CLOSE, dev, &e), 0);
}

/* By way of a copy: no lock may be held across uiomove(9F), whose memory can be a mapping of ours. */
static int transfer_copy(struct unit *u, char *copy, size_t n, enum uio_rw rw, struct uio *uiop)
{
	char *at = u->cu_scratch + uiop->uio_loffset;
	kmutex_t *lock = &u->cu_dev->cd_log_lock;
	int error;

	if (rw == UIO_READ) {
		mutex_enter(lock);
		bcopy(at, copy, n);
		mutex_exit(lock);
		return uiomove(copy, n, rw, uiop);
	}
	error = uiomove(copy, n, rw, uiop);
	if (error == 0) {
		mutex_enter(lock);
		bcopy(copy, at, n);
		mutex_exit(lock);
	}
	return error;
}

/* What is moved is the next of the stream, for whoever comes. */
static int stream(struct unit *u, struct uio *uiop, enum uio_rw rw)
{
	kmutex_t *lock = &u->cu_dev->cd_log_lock;
	const size_t n = MIN(SCRATCH, uiop->uio_resid);
	char *copy = kmem_alloc(n, KM_SLEEP);
	uint64_t *next = &u->cu_counts.streamed[rw == UIO_WRITE];
	int error = rw == UIO_WRITE ? uiomove(copy, n, rw, uiop) : 0;
	size_t i;

	mutex_enter(lock);
	for (i = 0; i < n && error == 0; i++, ++*next) {
		if (rw == UIO_READ)
			copy[i] = (char)CTEST_STREAM(*next);
		else
			u->cu_counts.wrong += (uchar_t)copy[i] != CTEST_STREAM(*next);
	}
	mutex_exit(lock);
	if (rw == UIO_READ)
		error = uiomove(copy, n, rw, uiop);
	kmem_free(copy, n);
	return error;
}

static int transfer(dev_t dev, struct uio *uiop, enum uio_rw rw)
{
	const offset_t left = SCRATCH - uiop->uio_loffset;
	size_t n;
	char *copy;
	int error;

	if (uiop->uio_loffset < 0)
		return EINVAL;
	if (left <= 0)
		return rw == UIO_READ ? 0 : ENOSPC;
	n = MIN(left, (offset_t)uiop->uio_resid);
	if (n == 0)
		return 0;
	copy = kmem_alloc(n, KM_SLEEP);
	error = transfer_copy(unit_of(dev), copy, n, rw, uiop);
	kmem_free(copy, n);
	return error;
}

static int ctest_read(dev_t dev, struct uio *uiop, cred_t *credp)
{
	struct unit *u = unit_of(dev);
	int error = wait_or_not(u, CT_GATE_READ);

	if (error == 0)
		error = stall(u);
	if (error == 0 && knob(u, CT_STREAM))
		return uiop->uio_resid == 0 ? 0 : stream(u, uiop, UIO_READ);
	return error != 0 ? error : transfer(dev, uiop, UIO_READ);
}

static int ctest_write(dev_t dev, struct uio *uiop, cred_t *credp)
{
	struct unit *u = unit_of(dev);
	int error = stall(u);

	if (error == 0 && knob(u, CT_STREAM))
		return uiop->uio_resid == 0 ? 0 : stream(u, uiop, UIO_WRITE);
	return error != 0 ? error : transfer(dev, uiop, UIO_WRITE);
}

static int ctest_chpoll(dev_t dev, short events, int anyyet, short *reventsp,
			struct pollhead **phpp)
{
	struct unit *u = unit_of(dev);

	*reventsp = events & (short)knob(u, CT_POLL_EVENTS);
	if (*reventsp == 0 && !anyyet)
		*phpp = &u->cu_poll;
	return 0;
}

/* Attaching. */

static int unit_init(struct device *cd, uint_t number)
{
	struct unit *u = &cd->cd_units[number];
	struct memory *m = u->cu_mem;

	u->cu_dev = cd;
	u->cu_number = number;
	cv_init(&u->cu_gate, NULL, CV_DRIVER, NULL);
	u->cu_log = kmem_zalloc(CTEST_LOG_MAX * sizeof(*u->cu_log), KM_SLEEP);
	default_knobs(u);
	m[CT_UMEM].m_base = ddi_umem_alloc(MEM_SIZE, DDI_UMEM_SLEEP, &m[CT_UMEM].m_cookie);
	m[CT_ALT].m_base = ddi_umem_alloc(MEM_SIZE, DDI_UMEM_SLEEP, &m[CT_ALT].m_cookie);
	(void)ddi_umem_alloc(MEM_SIZE, DDI_UMEM_TRASH, &m[CT_TRASH].m_cookie);
	return ddi_regs_map_setup(cd->cd_dip, number, &m[CT_REGS].m_base, 0, MEM_SIZE, &attributes,
				  &m[CT_REGS].m_handle);
}

static void unit_fini(struct unit *u)
{
	struct memory *m = u->cu_mem;

	if (u->cu_dev == NULL)
		return;
	if (m[CT_REGS].m_handle != NULL)
		ddi_regs_map_free(&m[CT_REGS].m_handle);
	ddi_umem_free(m[CT_TRASH].m_cookie);
	ddi_umem_free(m[CT_ALT].m_cookie);
	ddi_umem_free(m[CT_UMEM].m_cookie);
	kmem_free(u->cu_log, CTEST_LOG_MAX * sizeof(*u->cu_log));
	cv_destroy(&u->cu_gate);
}

static int create_nodes(dev_info_t *dip, int instance)
{
	static const char *const suffix[VIEWS] = { "", "a", "b" };
	char name[32];
	int view;

	for (view = 0; view < VIEWS; view++) {
		(void)snprintf(name, sizeof(name), "%s%d%s", CTEST_NAME, instance, suffix[view]);
		if (ddi_create_priv_minor_node(dip, name, S_IFCHR, instance * VIEWS + view,
					       DDI_PSEUDO, view == 2 ? PRIVONLY_DEV : 0, NULL, NULL,
					       CTEST_B_MODE) != DDI_SUCCESS)
			return DDI_FAILURE;
	}
	return DDI_SUCCESS;
}

static void device_fini(dev_info_t *dip, struct device *cd)
{
	uint_t i;

	ddi_remove_minor_node(dip, NULL);
	if (cd->cd_pointer != NULL)
		ddi_unmap_regs(dip, UNITS, &cd->cd_pointer, 0, PAGESIZE);
	for (i = 0; i < UNITS; i++)
		unit_fini(&cd->cd_units[i]);
	if (cd->cd_model.m_handle != NULL)
		ddi_regs_map_free(&cd->cd_model.m_handle);
	mutex_destroy(&cd->cd_log_lock);
	mutex_destroy(&cd->cd_lock);
	ddi_soft_state_free(state, ddi_get_instance(dip));
}

static int ctest_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip), error = DDI_SUCCESS;
	struct device *cd;
	uint_t i;

	if (cmd != DDI_ATTACH || ddi_soft_state_zalloc(state, instance) != DDI_SUCCESS)
		return DDI_FAILURE;
	cd = ddi_get_soft_state(state, instance);
	cd->cd_dip = dip;
	mutex_init(&cd->cd_lock, NULL, MUTEX_DRIVER, NULL);
	mutex_init(&cd->cd_log_lock, NULL, MUTEX_DRIVER, NULL);
	for (i = 0; i < UNITS && error == DDI_SUCCESS; i++)
		error = unit_init(cd, i);
	if (error == DDI_SUCCESS)
		error = ddi_regs_map_setup(dip, UNITS, &cd->cd_model.m_base, 0, PAGESIZE,
					   &attributes, &cd->cd_model.m_handle);
	if (error == DDI_SUCCESS)
		error = create_nodes(dip, instance);
	if (error != DDI_SUCCESS)
		device_fini(dip, cd);
	return error;
}

static int ctest_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	struct device *cd = ddi_get_soft_state(state, ddi_get_instance(dip));

	if (cmd != DDI_DETACH || cd == NULL)
		return DDI_FAILURE;
	device_fini(dip, cd);
	return DDI_SUCCESS;
}

static int ctest_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	struct device *cd = device_of((dev_t)arg);

	if (cd == NULL)
		return DDI_FAILURE;
	if (cmd == DDI_INFO_DEVT2DEVINFO)
		*resultp = cd->cd_dip;
	else if (cmd == DDI_INFO_DEVT2INSTANCE)
		*resultp = (void *)(uintptr_t)(getminor((dev_t)arg) / VIEWS);
	else
		return DDI_FAILURE;
	return DDI_SUCCESS;
}

static struct cb_ops ctest_cb_ops = {
	.cb_open = ctest_open,
	.cb_close = ctest_close,
	.cb_strategy = nodev,
	.cb_print = nodev,
	.cb_dump = nodev,
	.cb_read = ctest_read,
	.cb_write = ctest_write,
	.cb_ioctl = ctest_ioctl,
	.cb_devmap = ctest_devmap,
	.cb_mmap = nodev,
	.cb_segmap = ddi_devmap_segmap,
	.cb_chpoll = ctest_chpoll,
	.cb_prop_op = ddi_prop_op,
	.cb_flag = D_NEW | D_MP | D_64BIT | D_DEVMAP,
	.cb_rev = CB_REV,
};

static struct dev_ops ctest_dev_ops = {
	.devo_rev = DEVO_REV,
	.devo_getinfo = ctest_getinfo,
	.devo_identify = nulldev,
	.devo_probe = nulldev,
	.devo_attach = ctest_attach,
	.devo_detach = ctest_detach,
	.devo_reset = nodev,
	.devo_cb_ops = &ctest_cb_ops,
	.devo_quiesce = ddi_quiesce_not_needed,
};

static struct modldrv ctest_modldrv = { &mod_driverops, CTEST_NAME " conformance driver",
					&ctest_dev_ops };

static struct modlinkage ctest_modlinkage = { MODREV_1, { &ctest_modldrv, NULL } };

int _init(void)
{
	int error = ddi_soft_state_init(&state, sizeof(struct device), 2);

	if (error != 0)
		return error;
	mutex_init(&seq_lock, NULL, MUTEX_DRIVER, NULL);
	error = mod_install(&ctest_modlinkage);
	if (error != 0)
		ddi_soft_state_fini(&state);
	return error;
}

int _fini(void)
{
	int error = mod_remove(&ctest_modlinkage);

	if (error == 0) {
		mutex_destroy(&seq_lock);
		ddi_soft_state_fini(&state);
	}
	return error;
}

int _info(struct modinfo *modinfop)
{
	return mod_info(&ctest_modlinkage, modinfop);
}
