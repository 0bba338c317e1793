/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Models at run time: register sets are regions; sync() is called before accessors, after unloads
 * and by a thread. See <devmap/model.h>.
 *
 * LOCKS: m->lock serialises sync(), and is held across it. Under it only regions' locks are taken,
 * by the model's own accessors, which never call sync(): so it cannot be entered twice.
 * m->sleep_lock is a leaf.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "log.h"
#include "model.h"
#include "pages.h"

#define REGS_MAX	16
#define MODEL_INTRS_MAX 32   /* ddi.h */
#define DELAY_FIRST_NS	2000 /* the first that is not just giving up the processor */
#define DELAY_LAST_NS	1000000
#define LINGER_NS	10000000 /* polls for so long after it became idle, then sleeps */

struct devmap_model {
	const struct devmap_model_ops *ops;
	struct model_props props;
	void *priv;
	struct region *regs[REGS_MAX];
	int nregs;

	pthread_mutex_t lock; /* held across sync() */

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t sleep_lock;
	pthread_cond_t wakeup;
	atomic_bool asleep; /* changed under sleep_lock */
	atomic_bool stopping;
	char name[];
};

/* Wakes the thread if it sleeps, which is rare: only when nothing has happened for long. */
static void model_kick(struct devmap_model *m)
{
	if (!atomic_load(&m->asleep))
		return;
	(void)pthread_mutex_lock(&m->sleep_lock);
	atomic_store(&m->asleep, false);
	(void)pthread_cond_signal(&m->wakeup);
	(void)pthread_mutex_unlock(&m->sleep_lock);
}

static bool model_sync(struct devmap_model *m)
{
	bool more;

	(void)pthread_mutex_lock(&m->lock);
	more = m->ops->sync != NULL && m->ops->sync(m) != 0;
	(void)pthread_mutex_unlock(&m->lock);
	return more;
}

/* A region's: before accessors and after unloads. Work left in flight is the thread's. */
static void sync_hook(void *arg)
{
	struct devmap_model *m = arg;

	if (model_sync(m))
		model_kick(m);
}

/* A region's: a client can store now, or a driver has stored. */
static void busy_hook(void *arg)
{
	model_kick(arg);
}

static bool model_busy(const struct devmap_model *m)
{
	for (int i = 0; i < m->nregs; i++)
		if (region_busy(m->regs[i]))
			return true;
	return false;
}

/*
 * Until something happens. `asleep` is set before the last look, so that whoever stores after that
 * look sees it and wakes us.
 */
static void model_sleep(struct devmap_model *m)
{
	atomic_store(&m->asleep, true);
	if (model_sync(m) || model_busy(m)) {
		atomic_store(&m->asleep, false);
		return;
	}
	(void)pthread_mutex_lock(&m->sleep_lock);
	while (atomic_load(&m->asleep) && !atomic_load(&m->stopping))
		(void)pthread_cond_wait(&m->wakeup, &m->sleep_lock);
	atomic_store(&m->asleep, false);
	(void)pthread_mutex_unlock(&m->sleep_lock);
}

/* From giving up the processor to a millisecond. Returns the next delay. */
static long model_delay(long ns)
{
	struct timespec t = { .tv_nsec = ns };

	if (ns == 0) {
		(void)sched_yield();
		return DELAY_FIRST_NS;
	}
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	return ns * 2 < DELAY_LAST_NS ? ns * 2 : DELAY_LAST_NS;
}

static void *model_thread(void *arg)
{
	struct devmap_model *m = arg;
	uint64_t active = devmap_model_time();
	long delay = 0;

	(void)prctl(PR_SET_NAME, "devmap-model", 0, 0, 0);
	(void)prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	while (!atomic_load(&m->stopping)) {
		bool more = model_sync(m);

		if (more || model_busy(m))
			active = devmap_model_time();
		if (more) {
			delay = 0;
		} else if (devmap_model_time() - active < LINGER_NS) {
			delay = model_delay(delay);
		} else {
			model_sleep(m);
			active = devmap_model_time();
			delay = 0;
		}
	}
	return NULL;
}

static int model_start(struct devmap_model *m)
{
	int err;

	for (int i = 0; i < m->nregs; i++) {
		region_set_sync(m->regs[i], sync_hook, m);
		region_set_busy(m->regs[i], busy_hook, m);
	}
	if (m->ops->sync == NULL)
		return 0;
	err = pthread_create(&m->thread, NULL, model_thread, m);
	m->has_thread = err == 0;
	return -err;
}

static void model_stop(struct devmap_model *m)
{
	if (!m->has_thread)
		return;
	(void)pthread_mutex_lock(&m->sleep_lock);
	atomic_store(&m->stopping, true);
	(void)pthread_cond_signal(&m->wakeup);
	(void)pthread_mutex_unlock(&m->sleep_lock);
	(void)pthread_join(m->thread, NULL);
}

static void model_free(struct devmap_model *m)
{
	for (int i = 0; i < m->nregs; i++)
		region_destroy(m->regs[i]);
	if (m->props.release != NULL)
		m->props.release(m->props.arg);
	pthread_cond_destroy(&m->wakeup);
	pthread_mutex_destroy(&m->sleep_lock);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static bool ops_ok(const struct devmap_model_ops *ops, const char *name)
{
	if (ops->version == DEVMAP_MODEL_VERSION && ops->size >= sizeof(*ops) &&
	    ops->attach != NULL)
		return true;
	log_warn("%s: its model is of version %u and size %zu, this engine wants %u and %zu", name,
		 ops->version, ops->size, DEVMAP_MODEL_VERSION, sizeof(*ops));
	return false;
}

static struct devmap_model *model_alloc(const struct devmap_model_ops *ops, const char *name,
					const struct model_props *props)
{
	struct devmap_model *m = calloc(1, sizeof(*m) + strlen(name) + 1);

	if (m == NULL) {
		if (props != NULL && props->release != NULL)
			props->release(props->arg);
		return NULL;
	}
	(void)strcpy(m->name, name);
	m->ops = ops;
	if (props != NULL)
		m->props = *props;
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_mutex_init(&m->sleep_lock, NULL);
	(void)pthread_cond_init(&m->wakeup, NULL);
	return m;
}

int model_create(const struct devmap_model_ops *ops, const char *name,
		 const struct model_props *props, struct devmap_model **out)
{
	struct devmap_model *m = model_alloc(ops, name, props);
	int err;

	if (m == NULL) {
		log_warn("%s: no memory for its model", name);
		return -ENOMEM;
	}
	if (!ops_ok(ops, name)) {
		model_free(m);
		return -EINVAL;
	}
	err = -ops->attach(m);
	if (err != 0) {
		log_warn("%s: model %s does not attach: %s", name, ops->name, strerror(-err));
		model_free(m);
		return err;
	}
	err = model_start(m);
	if (err != 0) {
		log_warn("%s: no thread for its model: %s", name, strerror(-err));
		model_destroy(m);
		return err;
	}
	*out = m;
	return 0;
}

void model_destroy(struct devmap_model *m)
{
	model_stop(m);
	if (m->ops->detach != NULL)
		m->ops->detach(m);
	model_free(m);
}

int model_nregs(const struct devmap_model *m)
{
	return m->nregs;
}

struct region *model_region(const struct devmap_model *m, int set)
{
	return set >= 0 && set < m->nregs ? m->regs[set] : NULL;
}

/* What models call: <devmap/model.h>. */

int devmap_model_prop_int(struct devmap_model *m, const char *name, int dflt)
{
	return m->props.get_int != NULL ? m->props.get_int(m->props.arg, name, dflt) : dflt;
}

const char *devmap_model_prop_string(struct devmap_model *m, const char *name, const char *dflt)
{
	return m->props.get_string != NULL ? m->props.get_string(m->props.arg, name, dflt) : dflt;
}

int devmap_model_add_regs(struct devmap_model *m, size_t len)
{
	char name[96];
	int error;

	if (m->nregs == REGS_MAX) {
		log_warn("%s: its model has more than %d register sets", m->name, REGS_MAX);
		return -1;
	}
	(void)snprintf(name, sizeof(name), "%.64s registers %d", m->name, m->nregs);
	error = region_create(name, len, &m->regs[m->nregs]);
	if (error != 0) {
		log_warn("%s: no memory of %zu bytes for it: %s", name, len, strerror(-error));
		return -1;
	}
	return m->nregs++;
}

int devmap_model_add_intrs(struct devmap_model *m, int n)
{
	if (n < 0 || n > MODEL_INTRS_MAX) {
		log_warn("%s: its model asks for %d interrupts: at most %d", m->name, n,
			 MODEL_INTRS_MAX);
		return -1;
	}
	if (m->props.add_intrs != NULL)
		m->props.add_intrs(m->props.arg, n);
	return 0;
}

void devmap_model_raise(struct devmap_model *m, int number)
{
	if (m->props.raise != NULL)
		m->props.raise(m->props.arg, number);
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
	(void)len;
	free(p);
}

uint64_t devmap_model_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* The register set, or NULL and a message: a model's mistake. */
static struct region *set_region(struct devmap_model *m, int set, const char *call)
{
	struct region *r = model_region(m, set);

	if (r == NULL)
		log_warn("%s: %s: there is no register set %d (of %d)", m->name, call, set,
			 m->nregs);
	return r;
}

/* The same for one register of width bytes. */
static struct region *register_region(struct devmap_model *m, int set, size_t off, unsigned width,
				      const char *call)
{
	struct region *r = set_region(m, set, call);

	if (r == NULL || (off % width == 0 && off < region_len(r)))
		return r;
	log_warn("%s: %s: offset %#zx of register set %d (%#zx bytes) is not aligned, or outside",
		 m->name, call, off, set, region_len(r));
	return NULL;
}

#define REGISTERS(bits)                                                                            \
	uint##bits##_t devmap_model_read##bits(struct devmap_model *m, int set, size_t off)        \
	{                                                                                          \
		struct region *r = register_region(m, set, off, (bits) / 8, __func__);             \
                                                                                                   \
		return (uint##bits##_t)(r != NULL ? region_peek(r, off, (bits) / 8) : UINT64_MAX); \
	}                                                                                          \
                                                                                                   \
	void devmap_model_write##bits(struct devmap_model *m, int set, size_t off,                 \
				      uint##bits##_t value)                                        \
	{                                                                                          \
		struct region *r = register_region(m, set, off, (bits) / 8, __func__);             \
                                                                                                   \
		if (r != NULL)                                                                     \
			region_poke(r, off, (bits) / 8, value);                                    \
	}                                                                                          \
                                                                                                   \
	uint##bits##_t devmap_model_take##bits(struct devmap_model *m, int set, size_t off)        \
	{                                                                                          \
		struct region *r = register_region(m, set, off, (bits) / 8, __func__);             \
                                                                                                   \
		return (uint##bits##_t)(r != NULL ? region_xchg(r, off, (bits) / 8, 0) : 0);       \
	}

REGISTERS(8)
REGISTERS(16)
REGISTERS(32)
REGISTERS(64)

void *devmap_model_pin(struct devmap_model *m, int set, size_t off, size_t *len)
{
	struct region *r = set_region(m, set, __func__);

	if (r != NULL)
		return region_pin(r, off, len);
	*len = 0;
	return NULL;
}

void devmap_model_unpin(struct devmap_model *m, int set)
{
	struct region *r = model_region(m, set);

	if (r != NULL)
		region_unpin(r);
}
