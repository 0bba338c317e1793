/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * See fake_engine.h. fake.lock is the engine's own lock, a leaf; it guards page tables and faults.
 */
#include <stdatomic.h>
#include <time.h>
#include "fake_engine.h"

#define CHECK(ex) ((void)((ex) || (broken(#ex, __LINE__), 0)))

static void broken(const char *what, int line)
{
	fprintf(stderr, "fake engine, line %d: %s\n", line, what);
	abort();
}

struct waiter { /* a fault in progress */
	struct devmap_fault f;
	struct waiter *next;
	struct fake_process *process;
	boolean_t postponed, released;
	pthread_cond_t cv;
};

struct thread { /* for engine_interrupt() */
	struct thread *next;
	kt_did_t id;
	_Atomic int interrupted;
};

static struct {
	pthread_mutex_t lock;
	struct fake_process *processes, *dead;
	struct waiter *waiters;
	struct thread *threads;
	char messages[65536];
	size_t message_end;
	_Atomic long allocated;
	_Atomic unsigned allocs, fail_at;
	pthread_cond_t idle; /* a process has no busy thread any more */
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER };

static __thread struct fake_process *current;
static __thread struct thread *self;
struct fake_memory *fake_regs[4];
static struct fake_memory *fake_trash; /* the only one that tests have at a time */
_Atomic int fake_retry_unloaded;
int fake_handles;
_Atomic int fake_agains;
boolean_t fake_share;
boolean_t fake_direct;
int hz = 1000;

/*
 * DDI primitives
 */

void mutex_init(kmutex_t *mp, const char *name, kmutex_type_t type, void *arg)
{
	(void)name, (void)type, (void)arg;
	pthread_mutex_init(&mp->lock, NULL);
	mp->owner = 0;
}

void mutex_destroy(kmutex_t *mp)
{
	CHECK(pthread_mutex_destroy(&mp->lock) == 0);
}

void mutex_enter(kmutex_t *mp)
{
	CHECK(mp->owner != (uintptr_t)pthread_self());
	CHECK(pthread_mutex_lock(&mp->lock) == 0);
	mp->owner = (uintptr_t)pthread_self();
}

int mutex_tryenter(kmutex_t *mp)
{
	if (pthread_mutex_trylock(&mp->lock) != 0)
		return 0;
	mp->owner = (uintptr_t)pthread_self();
	return 1;
}

void mutex_exit(kmutex_t *mp)
{
	CHECK(mp->owner == (uintptr_t)pthread_self());
	mp->owner = 0;
	pthread_mutex_unlock(&mp->lock);
}

int mutex_owned(const kmutex_t *mp)
{
	return mp->owner == (uintptr_t)pthread_self();
}

/* A kcondvar_t has no room for a pthread_cond_t: it has the number of one instead. */
#define CVS 4096

static pthread_cond_t cvs[CVS];
static boolean_t cv_used[CVS];

void cv_init(kcondvar_t *cvp, const char *name, kcv_type_t type, void *arg)
{
	uint32_t i;

	(void)name, (void)type, (void)arg;
	pthread_mutex_lock(&fake.lock);
	for (i = 0; cv_used[i]; i++)
		CHECK(i < CVS - 1);
	cv_used[i] = B_TRUE;
	pthread_mutex_unlock(&fake.lock);
	cvp->seq = i;
	cvp->waiters = 0; /* here: counts the wake-ups */
	pthread_cond_init(&cvs[i], NULL);
}

static pthread_cond_t *cv_of(kcondvar_t *cvp)
{
	return &cvs[cvp->seq];
}

void cv_destroy(kcondvar_t *cvp)
{
	pthread_cond_destroy(cv_of(cvp));
	pthread_mutex_lock(&fake.lock);
	cv_used[cvp->seq] = B_FALSE;
	pthread_mutex_unlock(&fake.lock);
}

struct callout {
	void (*func)(void *arg);
	void *arg;
	clock_t ticks;
};

static void *callout_main(void *arg)
{
	struct callout *c = arg;

	fake_sleep(c->ticks * MS);
	c->func(c->arg);
	free(c);
	return NULL;
}

timeout_id_t timeout(void (*func)(void *arg), void *arg, clock_t ticks)
{
	struct callout *c = malloc(sizeof(*c));
	pthread_t thread;

	*c = (struct callout){ func, arg, ticks };
	CHECK(pthread_create(&thread, NULL, callout_main, c) == 0);
	CHECK(pthread_detach(thread) == 0);
	return (timeout_id_t)c;
}

void cv_signal(kcondvar_t *cvp)
{
	cvp->waiters++;
	pthread_cond_signal(cv_of(cvp));
}

void cv_broadcast(kcondvar_t *cvp)
{
	cvp->waiters++;
	pthread_cond_broadcast(cv_of(cvp));
}

static int wait_until(kcondvar_t *cvp, kmutex_t *mp, hrtime_t until)
{
	struct timespec ts = { until / NANOSEC, until % NANOSEC };
	int error;

	mp->owner = 0;
	error = pthread_cond_clockwait(cv_of(cvp), &mp->lock, CLOCK_MONOTONIC, &ts);
	mp->owner = (uintptr_t)pthread_self();
	return error;
}

void cv_wait(kcondvar_t *cvp, kmutex_t *mp)
{
	mp->owner = 0;
	pthread_cond_wait(cv_of(cvp), &mp->lock);
	mp->owner = (uintptr_t)pthread_self();
}

static struct thread *me(void)
{
	if (self == NULL) {
		self = calloc(1, sizeof(*self));
		self->id = (kt_did_t)pthread_self();
		pthread_mutex_lock(&fake.lock);
		self->next = fake.threads;
		fake.threads = self;
		pthread_mutex_unlock(&fake.lock);
	}
	return self;
}

/* Interruptions are polled for: crude, but nothing can be lost. */
clock_t cv_timedwait_sig_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	uint32_t woken = cvp->waiters;
	hrtime_t until;

	(void)res;
	CHECK(flag == CALLOUT_FLAG_ABSOLUTE);
	do {
		if (atomic_exchange(&me()->interrupted, 0))
			return 0;
		until = gethrtime() + 2 * MS;
		/* Only a real wake-up ends it early, so that a lost one shows. */
		if (wait_until(cvp, mp, until < tim ? until : tim) == 0 || cvp->waiters != woken)
			return 1;
	} while (gethrtime() < tim);
	return -1;
}

int cv_wait_sig(kcondvar_t *cvp, kmutex_t *mp)
{
	return cv_timedwait_sig_hires(cvp, mp, INT64_MAX, 1, CALLOUT_FLAG_ABSOLUTE) != 0;
}

clock_t cv_timedwait_hires(kcondvar_t *cvp, kmutex_t *mp, hrtime_t tim, hrtime_t res, int flag)
{
	(void)res;
	CHECK(flag == CALLOUT_FLAG_ABSOLUTE);
	return wait_until(cvp, mp, tim) == 0 ? 1 : -1;
}

hrtime_t gethrtime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NANOSEC + ts.tv_nsec;
}

void fake_sleep(hrtime_t ns)
{
	struct timespec ts = { ns / NANOSEC, ns % NANOSEC };

	nanosleep(&ts, NULL);
}

void delay(clock_t ticks)
{
	fake_sleep(ticks * MS);
}

kt_did_t ddi_get_kt_did(void)
{
	return (kt_did_t)pthread_self();
}

ddi_model_t ddi_mmap_get_model(void)
{
	return DDI_MODEL_NATIVE;
}

int ddi_prop_get_int(dev_t match_dev, dev_info_t *dip, uint_t flags, const char *name, int defvalue)
{
	(void)match_dev, (void)dip, (void)flags;
	if (strcmp(name, "devmap-retry-unloaded") == 0 && fake_retry_unloaded != FAKE_UNSET)
		return fake_retry_unloaded;
	if (strcmp(name, "devmap-share") == 0)
		return fake_share;
	return defvalue;
}

int ddi_get_instance(dev_info_t *dip)
{
	(void)dip;
	return 0;
}

int nodev(void);
int nulldev(void);

int nodev(void)
{
	return ENXIO;
}

int nulldev(void)
{
	return 0;
}

void assfail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}

void assfail3(const char *what, u_longlong_t left, const char *op, u_longlong_t right,
	      const char *file, int line)
{
	fprintf(stderr, "%llu %s %llu: ", left, op, right);
	assfail(what, file, line);
}

/* Memory: with its size in front. */

void *kmem_alloc(size_t size, int flag)
{
	size_t *p;

	if (flag == KM_NOSLEEP && ++fake.allocs == fake.fail_at)
		return NULL;
	p = malloc(size + 16);
	*p = size;
	fake.allocated += (long)size;
	memset((char *)p + 16, 0xa5, size);
	return (char *)p + 16;
}

void *kmem_zalloc(size_t size, int flag)
{
	void *p = kmem_alloc(size, flag);

	return p != NULL ? memset(p, 0, size) : NULL;
}

void kmem_free(void *buf, size_t size)
{
	size_t *p = (void *)((char *)buf - 16);

	CHECK(*p == size);
	fake.allocated -= (long)size;
	memset(p, 0x5a, size + 16);
	free(p);
}

unsigned fake_fail_alloc(unsigned n)
{
	unsigned counted = fake.allocs;

	fake.allocs = 0;
	fake.fail_at = n;
	return counted;
}

/* Messages. */

void cmn_err(int level, const char *format, ...)
{
	char line[512];
	va_list ap;
	size_t n;

	(void)level;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (getenv("FAKE_VERBOSE") != NULL)
		fprintf(stderr, "# %s\n", line);
	n = strlen(line);
	pthread_mutex_lock(&fake.lock);
	if (fake.message_end + n + 2 < sizeof(fake.messages)) {
		memcpy(fake.messages + fake.message_end, line, n);
		fake.message_end += n;
		fake.messages[fake.message_end++] = '\n';
		fake.messages[fake.message_end] = '\0';
	}
	pthread_mutex_unlock(&fake.lock);
}

boolean_t fake_said(const char *part)
{
	boolean_t said;

	pthread_mutex_lock(&fake.lock);
	said = strstr(fake.messages, part) != NULL ? B_TRUE : B_FALSE;
	pthread_mutex_unlock(&fake.lock);
	if (!said)
		fprintf(stderr, "# not said: %s; but:\n%s", part, fake.messages);
	return said;
}

void fake_messages_clear(void)
{
	pthread_mutex_lock(&fake.lock);
	fake.message_end = 0;
	fake.messages[0] = '\0';
	pthread_mutex_unlock(&fake.lock);
}

/*
 * Engine operations
 */

static struct fake_process *process_of(const struct devmap_handle *dh)
{
	return (struct fake_process *)dh->dh_as; /* as comes first */
}

static struct fake_memory *memory_of(const struct devmap_handle *dh)
{
	return (struct fake_memory *)dh->dh_memory; /* m comes first */
}

/* C17, X5: nobody has the page but handles of that context. fake.lock held. */
static void check_holders(const struct devmap_handle *dh, const struct fake_memory *mem,
			  size_t page)
{
	const uint64_t share = devmap_share_of(dh);
	const struct fake_process *p;
	size_t j;

	for (p = fake.processes; p != NULL; p = p->next)
		for (j = BASE / PAGESIZE; j < BASE / PAGESIZE + 256; j++)
			if (p->table[j].mem == mem && p->table[j].page == page)
				CHECK(p->table[j].share == share &&
				      (share != 0 || p == process_of(dh)));
}

int engine_load(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct fake_process *p = process_of(dh);
	struct fake_memory *mem = memory_of(dh);
	size_t i, va, page;

	CHECK(first + n <= dh->dh_len / PAGESIZE);
	CHECK(dh->dh_memory->mem_lock.owner == (uintptr_t)pthread_self());
	pthread_mutex_lock(&fake.lock);
	for (i = first; i < first + n; i++) {
		va = dh->dh_uvaddr / PAGESIZE + i;
		page = (size_t)dh->dh_roff / PAGESIZE + i;
		CHECK(va < SPACE && page < mem->len / PAGESIZE);
		check_holders(dh, mem, page);
		p->table[va].share = devmap_share_of(dh);
		p->table[va].mem = mem;
		p->table[va].page = page;
	}
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

void engine_unload(struct devmap_handle *dh, pgcnt_t first, pgcnt_t n)
{
	struct fake_process *p = process_of(dh);
	struct fake_memory *mem = memory_of(dh);
	size_t from = (size_t)dh->dh_roff / PAGESIZE + first, i;

	CHECK(first + n <= dh->dh_len / PAGESIZE);
	CHECK(dh->dh_memory->mem_lock.owner == (uintptr_t)pthread_self());
	for (i = first; i < first + n; i++)
		CHECK(dh->dh_loaded[i / 64] >> (i % 64) & 1);
	pthread_mutex_lock(&fake.lock);
	for (i = 0; i < SPACE; i++)
		if (p->table[i].mem == mem && p->table[i].page >= from &&
		    p->table[i].page < from + n)
			p->table[i].mem = NULL;
	pthread_mutex_unlock(&fake.lock);
}

struct as *engine_current(void)
{
	return current != NULL ? &current->as : NULL;
}

void engine_release(struct devmap_fault *f)
{
	struct waiter *w = (struct waiter *)f; /* f comes first */

	pthread_mutex_lock(&fake.lock);
	CHECK(!w->released);
	w->released = B_TRUE;
	pthread_cond_signal(&w->cv);
	pthread_mutex_unlock(&fake.lock);
}

void engine_interrupt(kt_did_t server)
{
	struct thread *t;

	pthread_mutex_lock(&fake.lock);
	for (t = fake.threads; t != NULL; t = t->next)
		if (t->id == server)
			atomic_store(&t->interrupted, 1);
	pthread_mutex_unlock(&fake.lock);
}

int engine_handle_init(struct devmap_handle *dh)
{
	dh->dh_engine = kmem_alloc(8, KM_NOSLEEP);
	if (dh->dh_engine == NULL)
		return ENOMEM;
	__atomic_fetch_add(&fake_handles, 1, __ATOMIC_RELAXED);
	return 0;
}

int engine_handle_remap(struct devmap_handle *dh, struct devmap_memory *m, offset_t roff)
{
	void *probe = kmem_alloc(8, KM_NOSLEEP); /* fails where the walk says so */

	(void)dh;
	(void)m;
	(void)roff;
	if (probe == NULL)
		return ENOMEM;
	kmem_free(probe, 8);
	return 0;
}

int engine_handle_share(struct devmap_handle *dh)
{
	CHECK(MUTEX_HELD(&dh->dh_as->a_lock));
	CHECK((dh->dh_flags & DH_SETTLED) == 0);
	return engine_handle_remap(dh, dh->dh_memory, dh->dh_roff);
}

void engine_handle_fini(struct devmap_handle *dh)
{
	CHECK(dh->dh_mapping != NULL);
	kmem_free(dh->dh_engine, 8);
	dh->dh_engine = NULL;
	__atomic_fetch_sub(&fake_handles, 1, __ATOMIC_RELAXED);
}

void driver_of_code(const void *code, char *name, size_t size)
{
	(void)code;
	snprintf(name, size, "caller");
}

static dev_info_t *drv_dip(dev_t dev)
{
	static char instances[2];

	return (dev_info_t *)(void *)&instances[dev == DEV2];
}

int engine_driver(dev_t dev, struct engine_driver *out)
{
	if (dev != DEV && dev != DEV2)
		return ENXIO;
	out->cb = &drv_cb;
	out->dip = drv_dip(dev);
	out->name = "drv";
	return 0;
}

struct devmap_memory *engine_regs(dev_info_t *dip, uint_t rnumber, size_t *len)
{
	(void)dip;
	if (rnumber >= 4 || fake_regs[rnumber] == NULL)
		return NULL;
	*len = fake_regs[rnumber]->len;
	return &fake_regs[rnumber]->m;
}

pfn_t engine_pfn(const struct devmap_memory *m, offset_t off)
{
	(void)m;
	return 1000 + (pfn_t)off / PAGESIZE;
}

struct devmap_memory *engine_umem(ddi_umem_cookie_t cookie, size_t *len)
{
	struct fake_memory *mem = cookie;

	*len = mem->len;
	return &mem->m;
}

struct devmap_memory *engine_trash(ddi_umem_cookie_t cookie, struct as *as)
{
	struct fake_memory *trash = cookie, *mem = trash->own;
	void *probe = kmem_alloc(8, KM_NOSLEEP); /* fails where the walk says so */

	if (probe == NULL)
		return NULL;
	kmem_free(probe, 8);
	while (mem != NULL && mem->as != as)
		mem = mem->own;
	if (mem != NULL)
		return &mem->m;
	mem = fake_memory_new("trash", trash->len);
	mem->m.mem_trash = trash;
	mem->as = as;
	mem->own = trash->own;
	trash->own = mem;
	fake_trash = trash;
	return &mem->m;
}

void engine_as_end(struct as *as)
{
	(void)as;
}

void engine_trash_end(struct as *as)
{
	struct fake_memory **p, *mem;

	if (fake_trash == NULL || fake_trash->own == NULL)
		return;
	for (p = &fake_trash->own; (mem = *p) != NULL && mem->as != as;)
		p = &mem->own;
	if (mem == NULL)
		return;
	*p = mem->own;
	fake_memory_free(mem);
}

/*
 * The played world
 */

struct fake_memory *fake_memory_new(const char *name, size_t len)
{
	struct fake_memory *mem = calloc(1, sizeof(*mem));

	mem->len = len;
	mem->data = calloc(len / PAGESIZE + 1, sizeof(*mem->data));
	if (devmap_memory_init(&mem->m, name, len) != 0)
		broken("devmap_memory_init", __LINE__);
	return mem;
}

void fake_memory_free(struct fake_memory *mem)
{
	if (mem == fake_trash)
		fake_trash = NULL;
	devmap_memory_fini(&mem->m);
	free(mem->data);
	free(mem);
}

struct fake_process *fake_process_new(pid_t pid)
{
	struct fake_process *p = calloc(1, sizeof(*p));

	devmap_as_init(&p->as, pid, "client");
	pthread_mutex_lock(&fake.lock);
	p->next = fake.processes;
	fake.processes = p;
	pthread_mutex_unlock(&fake.lock);
	return p;
}

void fake_process_exit(struct fake_process *p)
{
	struct fake_process **q = &fake.processes;
	size_t i;

	/* No devmap_fault() may begin any more when devmap_as_exit() is called. */
	pthread_mutex_lock(&fake.lock);
	p->dying = B_TRUE;
	pthread_mutex_unlock(&fake.lock);
	(void)devmap_unmap_range(&p->as, 0, SIZE_MAX);
	pthread_mutex_lock(&fake.lock);
	while (p->busy > 0)
		pthread_cond_wait(&fake.idle, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
	devmap_as_exit(&p->as);
	pthread_mutex_lock(&fake.lock);
	for (i = 0; i < SPACE; i++)
		CHECK(p->table[i].mem == NULL);
	while (*q != p)
		q = &(*q)->next;
	*q = p->next;
	/* Its threads may still look at it. */
	p->next = fake.dead;
	fake.dead = p;
	pthread_mutex_unlock(&fake.lock);
}

void fake_enter(struct fake_process *p)
{
	current = p;
}

static int mmap_dev(struct fake_process *p, dev_t dev, uintptr_t addr, size_t len, uint_t prot,
		    uint_t flags, offset_t off)
{
	struct devmap_mapping *m;
	int error;

	fake_enter(p);
	error = devmap_mmap(&p->as, dev, addr, len, prot, PROT_READ | PROT_WRITE | PROT_EXEC, flags,
			    off, NULL, NULL, &m);
	if (error == 0)
		devmap_publish(m);
	return error;
}

int fake_mmap(struct fake_process *p, uintptr_t addr, size_t len, uint_t prot, uint_t flags,
	      offset_t off)
{
	return mmap_dev(p, DEV, addr, len, prot, flags, off);
}

int fake_mmap_dev(struct fake_process *p, dev_t dev, uintptr_t addr, size_t len)
{
	return mmap_dev(p, dev, addr, len, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
}

void fake_map(struct fake_process *p, size_t n)
{
	assert_int_equal(fake_mmap(p, BASE, P(n), PROT_READ | PROT_WRITE, MAP_SHARED, 0), 0);
}

boolean_t fake_valid(struct fake_process *p, uintptr_t addr)
{
	boolean_t valid;

	pthread_mutex_lock(&fake.lock);
	valid = p->table[addr / PAGESIZE].mem != NULL ? B_TRUE : B_FALSE;
	pthread_mutex_unlock(&fake.lock);
	return valid;
}

void fake_reclaim(struct fake_process *p, uintptr_t addr)
{
	pthread_mutex_lock(&fake.lock);
	p->table[addr / PAGESIZE].mem = NULL;
	pthread_mutex_unlock(&fake.lock);
}

void fake_signal(struct fake_process *p)
{
	struct waiter *w;
	struct devmap_fault *in[64];
	size_t n = 0, i;

	pthread_mutex_lock(&fake.lock);
	for (w = fake.waiters; w != NULL && n < 64; w = w->next)
		if (w->process == p && !w->postponed)
			in[n++] = &w->f;
	pthread_mutex_unlock(&fake.lock);
	for (i = 0; i < n; i++)
		devmap_fault_interrupt(in[i]); /* tests see to it that they stay */
}

size_t fake_waiting(void)
{
	struct waiter *w;
	size_t n = 0;

	pthread_mutex_lock(&fake.lock);
	for (w = fake.waiters; w != NULL; w = w->next)
		n += w->postponed;
	pthread_mutex_unlock(&fake.lock);
	return n;
}

static void waiter_begin(struct waiter *w, struct fake_process *p, uintptr_t addr, uint_t rw)
{
	memset(w, 0, sizeof(*w));
	pthread_cond_init(&w->cv, NULL);
	w->process = p;
	w->f.f_as = &p->as;
	w->f.f_addr = addr;
	w->f.f_rw = rw;
	w->f.f_direct = fake_direct;
	(void)me();
	pthread_mutex_lock(&fake.lock);
	w->next = fake.waiters;
	fake.waiters = w;
	pthread_mutex_unlock(&fake.lock);
}

static void waiter_end(struct waiter *w)
{
	struct waiter **q = &fake.waiters;

	pthread_mutex_lock(&fake.lock);
	while (*q != w)
		q = &(*q)->next;
	*q = w->next;
	pthread_mutex_unlock(&fake.lock);
	pthread_cond_destroy(&w->cv);
}

/* Wait for engine_release(), which may have come already. */
static void wait_released(struct waiter *w)
{
	pthread_mutex_lock(&fake.lock);
	w->postponed = B_TRUE;
	while (!w->released)
		pthread_cond_wait(&w->cv, &fake.lock);
	w->released = B_FALSE;
	w->postponed = B_FALSE;
	pthread_mutex_unlock(&fake.lock);
}

/* devmap_fault(), unless the process is on its way out. */
static enum devmap_fault_result serve_once(struct fake_process *p, struct devmap_fault *f)
{
	enum devmap_fault_result result;

	pthread_mutex_lock(&fake.lock);
	if (p->dying) {
		pthread_mutex_unlock(&fake.lock);
		devmap_fault_cancel(f);
		f->f_signal = SIGSEGV;
		f->f_granted = B_FALSE;
		return DEVMAP_FAULT_FAILED;
	}
	p->busy++;
	pthread_mutex_unlock(&fake.lock);
	result = devmap_fault(f);
	atomic_store(&me()->interrupted, 0);
	if (result != DEVMAP_FAULT_POSTPONED)
		devmap_fault_woken(f);
	pthread_mutex_lock(&fake.lock);
	if (--p->busy == 0)
		pthread_cond_broadcast(&fake.idle);
	pthread_mutex_unlock(&fake.lock);
	return result;
}

/* One fault, to its answer. Returns 0 or a signal. */
static int serve(struct fake_process *p, uintptr_t addr, uint_t rw, int *error)
{
	enum devmap_fault_result result;
	struct waiter w;

	waiter_begin(&w, p, addr, rw);
	while ((result = serve_once(p, &w.f)) == DEVMAP_FAULT_POSTPONED || w.f.f_again)
		if (result == DEVMAP_FAULT_POSTPONED)
			wait_released(&w);
		else
			fake_agains++;
	waiter_end(&w);
	if (result == DEVMAP_FAULT_DONE)
		return 0;
	if (error != NULL)
		*error = w.f.f_error;
	return w.f.f_signal;
}

int fake_access(struct fake_process *p, uintptr_t addr, uint_t rw, int *error,
		void (*fn)(_Atomic uint32_t *word, void *arg), void *arg)
{
	size_t va = addr / PAGESIZE;
	int signal;

	fake_enter(p);
	for (;;) {
		pthread_mutex_lock(&fake.lock);
		if (p->table[va].mem != NULL) {
			if (fn != NULL)
				fn(&p->table[va].mem->data[p->table[va].page], arg);
			pthread_mutex_unlock(&fake.lock);
			return 0;
		}
		pthread_mutex_unlock(&fake.lock);
		signal = serve(p, addr, rw, error);
		if (signal != 0)
			return signal;
	}
}

int fake_touch(struct fake_process *p, uintptr_t addr)
{
	return fake_access(p, addr, DEVMAP_WRITE, NULL, NULL, NULL);
}

int fake_access2(struct fake_process *p, uintptr_t a, uintptr_t b)
{
	struct {
		boolean_t a, b;
	} v;
	int signal = 0;

	fake_enter(p);
	while (signal == 0) {
		pthread_mutex_lock(&fake.lock);
		v.a = p->table[a / PAGESIZE].mem != NULL ? B_TRUE : B_FALSE;
		v.b = p->table[b / PAGESIZE].mem != NULL ? B_TRUE : B_FALSE;
		pthread_mutex_unlock(&fake.lock);
		if (v.a && v.b)
			return 0;
		signal = serve(p, v.a ? b : a, DEVMAP_WRITE, NULL);
	}
	return signal;
}

void fake_init(void)
{
	fake_messages_clear();
	fake_retry_unloaded = 0;
	fake_share = B_FALSE;
	fake_direct = B_FALSE;
	fake_agains = 0;
	(void)fake_fail_alloc(0);
	devmap_core_init();
}

void fake_fini(void)
{
	size_t i;

	struct fake_process *p;

	fake_enter(NULL);
	CHECK(fake.processes == NULL);
	while ((p = fake.dead) != NULL) {
		fake.dead = p->next;
		free(p);
	}
	for (i = 0; i < 4; i++) {
		if (fake_regs[i] != NULL)
			fake_memory_free(fake_regs[i]);
		fake_regs[i] = NULL;
	}
	devmap_core_fini();
	CHECK(fake.waiters == NULL);
	CHECK(fake_handles == 0);
	if (fake.allocated != 0)
		fprintf(stderr, "# %ld bytes left\n", (long)fake.allocated);
	CHECK(fake.allocated == 0);
}

/*
 * The driver
 */

struct drv drv;

static struct drv_ctx *ctx_new(devmap_cookie_t dhp, offset_t off, size_t len, pid_t pid,
			       void *share)
{
	struct drv_ctx *c = calloc(1, sizeof(*c));

	c->dhp = dhp;
	c->off = off;
	c->len = len;
	c->pid = pid;
	c->share = share;
	mutex_enter(&drv.lock);
	c->next = drv.ctxs;
	drv.ctxs = c;
	mutex_exit(&drv.lock);
	return c;
}

static void ctx_free(struct drv_ctx *c)
{
	struct drv_ctx **q = &drv.ctxs;

	mutex_enter(&drv.lock);
	while (*q != c)
		q = &(*q)->next;
	*q = c->next;
	mutex_exit(&drv.lock);
	free(c);
}

static int drv_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
		   void **pvtp)
{
	(void)dev, (void)flags;
	if (++drv.maps == drv.map_error_at)
		return EBUSY;
	if (drv.hold > 0 && devmap_set_ctx_hold(dhp, drv.hold) != 0)
		return EIO;
	if (drv.overhead > 0 && devmap_set_ctx_overhead(dhp, drv.overhead) != 0)
		return EIO;
	if (drv.group_key != NULL && devmap_set_ctx_group(dhp, drv.group_key) != 0)
		return ENOMEM;
	if (drv.share_key != NULL && !drv.share_early &&
	    devmap_set_ctx_share(dhp, drv.share_key) != 0)
		return ENOMEM;
	*pvtp = ctx_new(dhp, off, len, current->as.a_pid, drv.share_key);
	return 0;
}

static boolean_t same_context(const struct drv_ctx *c, const struct drv_ctx *other)
{
	return c->share != NULL || other->share != NULL ? c->share == other->share :
							  c->pid == other->pid;
}

/* Unloads every other context, wherever it is, then loads what was asked for. */
int drv_ctxmgt(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct drv_ctx *c = pvtp, *other;
	int error = 0;

	if (atomic_fetch_add(&drv.inside, 1) != 0)
		drv.overlaps++;
	drv.ctxmgts++;
	if (drv.in_ctxmgt != NULL)
		error = drv.in_ctxmgt(dhp, pvtp, off, len, type, rw);
	if (error == 0) {
		mutex_enter(&drv.lock);
		for (other = drv.ctxs; other != NULL; other = other->next)
			if (!same_context(c, other) &&
			    devmap_unload(other->dhp, other->off, 0) != 0)
				error = EIO;
		mutex_exit(&drv.lock);
	}
	if (error == 0)
		error = devmap_load(dhp, off, len, type, rw);
	drv.inside--;
	return error;
}

/* Whose handle it is, and which of its devices. */
static struct fake_process *user_of(devmap_cookie_t dhp, int *device)
{
	const struct devmap_handle *dh = dhp;

	*device = dh->dh_dip == drv_dip(DEV2);
	return process_of(dh);
}

int drv_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	int device, value;
	struct fake_process *p = user_of(dhp, &device);

	drv.accesses++;
	p->inside[device]++;
	CHECK(p->ending[device] == 0);
	if (drv.access != NULL)
		value = drv.access(dhp, pvtp, off, len, type, rw);
	else
		value = devmap_do_ctxmgt(dhp, pvtp, off, len, type, rw, drv_ctxmgt);
	p->inside[device]--;
	return value;
}

static int drv_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	struct drv_ctx *c = pvtp;

	if (++drv.dups == drv.dup_error_at)
		return drv.dup_error;
	if (drv.in_dup != NULL)
		drv.in_dup(dhp, new_dhp);
	*new_pvtp = ctx_new(new_dhp, c->off, c->len,
			    ((struct devmap_handle *)new_dhp)->dh_as->a_pid, c->share);
	return 0;
}

static void drv_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
		      devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
		      void **new_pvtp2)
{
	struct drv_ctx *c = pvtp;
	int device;
	struct fake_process *p = user_of(dhp, &device);

	p->ending[device]++;
	CHECK(p->inside[device] == 0);
	CHECK(c->dhp == dhp && off >= c->off && off + (offset_t)len <= c->off + (offset_t)c->len);
	CHECK((new_dhp1 != NULL) == (off > c->off));
	CHECK((new_dhp2 != NULL) == (off + (offset_t)len < c->off + (offset_t)c->len));
	drv.unmaps++;
	if (drv.in_unmap != NULL)
		drv.in_unmap(dhp, off, len);
	if (new_dhp1 != NULL)
		*new_pvtp1 = ctx_new(new_dhp1, c->off, (size_t)(off - c->off), c->pid, c->share);
	if (new_dhp2 != NULL)
		*new_pvtp2 = ctx_new(new_dhp2, off + (offset_t)len,
				     (size_t)(c->off + (offset_t)c->len - off - (offset_t)len),
				     c->pid, c->share);
	mutex_enter(&drv.lock);
	drv.last = (struct drv_unmap){ dhp, new_dhp1, new_dhp2, off, len };
	mutex_exit(&drv.lock);
	ctx_free(c);
	p->ending[device]--;
}

static int drv_setup(devmap_cookie_t dhp, offset_t off, size_t len)
{
	struct devmap_callback_ctl *ops = drv.no_ops ? NULL : &drv.ops;

	if (drv.umem != NULL)
		return devmap_umem_setup(dhp, drv_dip(DEV), ops, drv.umem, off + drv.shift, len,
					 drv.maxprot, drv.flags, NULL);
	return devmap_devmem_setup(dhp, drv_dip(DEV), ops, drv.rnumber, off + drv.shift, len,
				   drv.maxprot, drv.flags, NULL);
}

static int drv_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		      uint_t model)
{
	(void)dev, (void)model;
	if (drv.devmap_error != 0)
		return drv.devmap_error;
	if (drv.piece != 0 && drv.piece < len)
		len = drv.piece;
	if (!drv.no_setup && drv_setup(dhp, off, len) != DDI_SUCCESS)
		return ENXIO;
	if (drv.setup_twice && drv_setup(dhp, off, len) != DDI_SUCCESS)
		return ENXIO;
	if (drv.share_early && devmap_set_ctx_share(dhp, drv.share_key) != 0)
		return ENXIO;
	*maplen = drv.set_maplen ? drv.maplen : len;
	return 0;
}

struct cb_ops drv_cb;

struct devmap_handle *drv_handle(struct fake_process *p, uintptr_t addr)
{
	size_t i, j;

	for (i = 0; i < p->as.a_nmappings; i++)
		for (j = 0; j < p->as.a_mappings[i]->m_nhandles; j++)
			if (p->as.a_mappings[i]->m_handles[j]->dh_uvaddr >= addr)
				return p->as.a_mappings[i]->m_handles[j];
	return NULL;
}

int fake_setup(void **state)
{
	(void)state;
	alarm(240);
	fake_init();
	memset(&drv, 0, sizeof(drv));
	mutex_init(&drv.lock, NULL, MUTEX_DRIVER, NULL);
	drv.maxprot = PROT_ALL;
	drv.ops = (struct devmap_callback_ctl){ DEVMAP_OPS_REV, drv_map, drv_access, drv_dup,
						drv_unmap };
	memset(&drv_cb, 0, sizeof(drv_cb));
	drv_cb.cb_devmap = drv_devmap;
	drv_cb.cb_flag = D_MP | D_DEVMAP;
	fake_regs[0] = fake_memory_new("drv registers 0", P(64));
	return 0;
}

int fake_teardown(void **state)
{
	(void)state;
	fake_fini();
	if (drv.ctxs != NULL)
		broken("private data left", __LINE__);
	if (drv.overlaps != 0)
		broken("C5: devmap_contextmgt was called twice at once", __LINE__);
	return 0;
}
