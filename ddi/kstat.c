/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* kstat_create(9F) and its relatives: which statistics there are, and what counts in them. */
#include <sys/kmem.h>
#include <sys/systm.h>

#include "kstat.h"
#include "port.h"

kmutex_t kstats_lock;
kcondvar_t kstats_changed;
struct statistic *kstats;

static kid_t last_kid; /* by kstats_lock */

/* Of one element; 0: there is no such type. */
static size_t element_size(uchar_t type)
{
	switch (type) {
	case KSTAT_TYPE_RAW:
		return 1;
	case KSTAT_TYPE_NAMED:
		return sizeof(kstat_named_t);
	case KSTAT_TYPE_INTR:
		return sizeof(kstat_intr_t);
	case KSTAT_TYPE_IO:
		return sizeof(kstat_io_t);
	case KSTAT_TYPE_TIMER:
		return sizeof(kstat_timer_t);
	default:
		return 0;
	}
}

void kstat_set_string(char *dst, const char *src)
{
	bzero(dst, KSTAT_STRLEN);
	(void)snprintf(dst, KSTAT_STRLEN, "%s", src);
}

/* kstats_lock is held. */
static struct statistic *find(const char *module, int instance, const char *name)
{
	struct statistic *s;

	ASSERT(MUTEX_HELD(&kstats_lock));
	for (s = kstats; s != NULL; s = s->next)
		if (s->ks.ks_instance == instance && strcmp(s->ks.ks_module, module) == 0 &&
		    strcmp(s->ks.ks_name, name) == 0)
			break;
	return s;
}

void stat_free(struct statistic *s)
{
	if (!(s->ks.ks_flags & KSTAT_FLAG_VIRTUAL))
		port_free(s->ks.ks_data);
	port_free(s->text);
	port_free(s);
}

/* A new one with these names, and zeros for data; NULL: no memory. */
static struct statistic *stat_new(const kstat_t *like)
{
	struct statistic *s = port_alloc(sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ks = *like;
	s->ks.ks_crtime = gethrtime();
	if (s->ks.ks_flags & KSTAT_FLAG_VIRTUAL)
		return s;
	s->ks.ks_data = port_alloc(s->ks.ks_data_size + 1);
	if (s->ks.ks_data != NULL)
		return s;
	port_free(s);
	return NULL;
}

/* kstats_lock is held. A kstat(9S) that kstat_delete() has kept, if it is still like this. */
static struct statistic *wake(struct statistic *s, const kstat_t *like)
{
	if (!(s->ks.ks_flags & KSTAT_FLAG_DORMANT) || !(like->ks_flags & KSTAT_FLAG_PERSISTENT) ||
	    s->ks.ks_type != like->ks_type || s->ks.ks_ndata != like->ks_ndata)
		return NULL;
	s->ks.ks_flags = like->ks_flags;
	return s;
}

static kstat_t *enter(const kstat_t *like, const void *site)
{
	struct statistic *s = stat_new(like), *old;

	if (s == NULL)
		return NULL;
	driver_of_code(site, s->driver, sizeof(s->driver));
	mutex_enter(&kstats_lock);
	old = find(like->ks_module, like->ks_instance, like->ks_name);
	if (old == NULL) {
		s->ks.ks_kid = ++last_kid;
		s->next = kstats;
		kstats = s;
	} else {
		stat_free(s);
		s = wake(old, like);
	}
	mutex_exit(&kstats_lock);
	return s != NULL ? &s->ks : NULL;
}

/* What is wrong; NULL: nothing. */
static const char *wrong(uchar_t type, uint_t ndata, uchar_t flags)
{
	if (element_size(type) == 0)
		return "there is no such type";
	if ((type == KSTAT_TYPE_INTR || type == KSTAT_TYPE_IO) && ndata != 1)
		return "ndata has to be 1";
	if (flags & KSTAT_FLAG_PERSISTENT && flags & (KSTAT_FLAG_VIRTUAL | KSTAT_FLAG_VAR_SIZE))
		return "KSTAT_FLAG_PERSISTENT needs data of the system's own";
	return NULL;
}

kstat_t *kstat_create(const char *module, int instance, const char *name, const char *class,
		      uchar_t type, uint_t ndata, uchar_t flags)
{
	const char *why = wrong(type, ndata, flags);
	kstat_t like = { .ks_instance = instance, .ks_type = type };

	kstat_set_string(like.ks_module, module);
	kstat_set_string(like.ks_class, class);
	if (name != NULL && name[0] != '\0')
		kstat_set_string(like.ks_name, name);
	else
		(void)snprintf(like.ks_name, KSTAT_STRLEN, "%.20s%d", module, instance);
	if (why != NULL) {
		driver_mistake(CALL_SITE(), "kstat_create", "%s: type %d, %u elements: %s",
			       like.ks_name, type, ndata, why);
		return NULL;
	}
	like.ks_flags = (flags & (uchar_t)~KSTAT_FLAG_DORMANT) | KSTAT_FLAG_INVALID;
	like.ks_ndata = ndata;
	like.ks_data_size = element_size(type) * ndata;
	return enter(&like, CALL_SITE());
}

static bool is_complete(const kstat_t *ks)
{
	if (ks->ks_flags & KSTAT_FLAG_VAR_SIZE && ks->ks_flags & KSTAT_FLAG_VIRTUAL)
		return ks->ks_update != NULL && ks->ks_lock != NULL;
	return ks->ks_data != NULL || ks->ks_snapshot != NULL || ks->ks_data_size == 0;
}

void kstat_install(kstat_t *ksp)
{
	if (ksp == NULL)
		return;
	if (!is_complete(ksp)) {
		driver_mistake(CALL_SITE(), "kstat_install", "%s: it is virtual, and has no %s",
			       ksp->ks_name,
			       ksp->ks_flags & KSTAT_FLAG_VAR_SIZE ? "ks_update or no ks_lock" :
								     "ks_data");
		return;
	}
	mutex_enter(&kstats_lock);
	ksp->ks_flags &= (uchar_t)~KSTAT_FLAG_INVALID;
	mutex_exit(&kstats_lock);
}

/* Nobody looks at it any more. kstats_lock is held, and let go of meanwhile. */
static void take(struct statistic *s)
{
	struct statistic **at = &kstats;

	s->ks.ks_flags |= KSTAT_FLAG_INVALID;
	while (s->looked_at)
		cv_wait(&kstats_changed, &kstats_lock);
	if (s->ks.ks_flags & KSTAT_FLAG_PERSISTENT) {
		s->ks.ks_flags |= KSTAT_FLAG_DORMANT;
		s->ks.ks_update = NULL;
		s->ks.ks_snapshot = NULL;
		s->ks.ks_private = NULL;
		s->ks.ks_lock = NULL;
		return;
	}
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	stat_free(s);
}

void kstat_delete(kstat_t *ksp)
{
	struct statistic *s;

	if (ksp == NULL)
		return;
	mutex_enter(&kstats_lock);
	for (s = kstats; s != NULL && &s->ks != ksp; s = s->next)
		;
	if (s != NULL && !(s->ks.ks_flags & KSTAT_FLAG_DORMANT))
		take(s);
	else
		driver_mistake(CALL_SITE(), "kstat_delete", "%p is no kstat", (void *)ksp);
	mutex_exit(&kstats_lock);
}

void kstat_delete_byname(const char *module, int instance, const char *name)
{
	struct statistic *s;

	mutex_enter(&kstats_lock);
	s = find(module, instance, name);
	if (s != NULL && !(s->ks.ks_flags & KSTAT_FLAG_DORMANT))
		take(s);
	mutex_exit(&kstats_lock);
}

void kstat_named_init(kstat_named_t *knp, const char *name, uchar_t data_type)
{
	bzero(knp, sizeof(*knp));
	kstat_set_string(knp->name, name);
	knp->data_type = data_type;
}

void kstat_named_setstr(kstat_named_t *knp, const char *src)
{
	if (knp->data_type != KSTAT_DATA_STRING) {
		driver_mistake(CALL_SITE(), "kstat_named_setstr", "%.*s is no KSTAT_DATA_STRING",
			       KSTAT_STRLEN, knp->name);
		return;
	}
	KSTAT_NAMED_STR_PTR(knp) = (char *)(uintptr_t)src;
	KSTAT_NAMED_STR_BUFLEN(knp) = src != NULL ? (uint32_t)strlen(src) + 1 : 0;
}

void kstat_timer_init(kstat_timer_t *ktp, const char *name)
{
	bzero(ktp, sizeof(*ktp));
	kstat_set_string(ktp->name, name);
}

void kstat_timer_start(kstat_timer_t *ktp)
{
	ktp->start_time = gethrtime();
}

void kstat_timer_stop(kstat_timer_t *ktp)
{
	hrtime_t passed;

	ktp->stop_time = gethrtime();
	passed = ktp->stop_time - ktp->start_time;
	ktp->elapsed_time += passed;
	if (ktp->num_events == 0 || passed < ktp->min_time)
		ktp->min_time = passed;
	if (passed > ktp->max_time)
		ktp->max_time = passed;
	ktp->num_events++;
}

/* One of the two queues of a kstat_io(9S): what it was since the last change, and the change. */
static void queue_change(hrtime_t now, hrtime_t *last, hrtime_t *time, hrtime_t *lentime, uint_t *n,
			 int by)
{
	const hrtime_t passed = now - *last;

	*last = now;
	if (*n > 0) {
		*time += passed;
		*lentime += passed * *n;
	}
	*n += (uint_t)by;
}

static void wait_change(kstat_io_t *io, hrtime_t now, int by)
{
	queue_change(now, &io->wlastupdate, &io->wtime, &io->wlentime, &io->wcnt, by);
}

static void run_change(kstat_io_t *io, hrtime_t now, int by)
{
	queue_change(now, &io->rlastupdate, &io->rtime, &io->rlentime, &io->rcnt, by);
}

/* Who leaves a queue that is empty: a message, and false. */
static bool is_there(uint_t n, const void *site, const char *call)
{
	if (n > 0)
		return true;
	driver_mistake(site, call, "the queue is empty");
	return false;
}

void kstat_waitq_enter(kstat_io_t *kiop)
{
	wait_change(kiop, gethrtime(), 1);
}

void kstat_waitq_exit(kstat_io_t *kiop)
{
	if (is_there(kiop->wcnt, CALL_SITE(), "kstat_waitq_exit"))
		wait_change(kiop, gethrtime(), -1);
}

void kstat_runq_enter(kstat_io_t *kiop)
{
	run_change(kiop, gethrtime(), 1);
}

void kstat_runq_exit(kstat_io_t *kiop)
{
	if (is_there(kiop->rcnt, CALL_SITE(), "kstat_runq_exit"))
		run_change(kiop, gethrtime(), -1);
}

void kstat_waitq_to_runq(kstat_io_t *kiop)
{
	const hrtime_t now = gethrtime();

	if (is_there(kiop->wcnt, CALL_SITE(), "kstat_waitq_to_runq"))
		wait_change(kiop, now, -1);
	run_change(kiop, now, 1);
}

void kstat_runq_back_to_waitq(kstat_io_t *kiop)
{
	const hrtime_t now = gethrtime();

	if (is_there(kiop->rcnt, CALL_SITE(), "kstat_runq_back_to_waitq"))
		run_change(kiop, now, -1);
	wait_change(kiop, now, 1);
}
