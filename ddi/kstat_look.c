/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Looking at statistics: ks_update(9E) and ks_snapshot(9E) are a driver's, and may not return. So a
 * thread of each driver's calls them, and whoever wants to see what they say waits for a limited
 * time. That thread is made when it is first wanted, and ends with the driver.
 */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include "kstat.h"
#include "port.h"

#define PATIENCE 100000000 /* ns that are waited for a look */

struct looker {
	struct looker *next;
	char driver[DRIVER_NAME_MAX];
	struct port_thread *thread;
	uint64_t wanted, done; /* looks, by number */
	hrtime_t since;	       /* the first that is not done was wanted */
	bool ending;
};

static struct looker *lookers; /* by kstats_lock */

/* ks_lock is held. Data as the driver shows them, where they lie or in *buf; NULL: *error says why. */
static const void *look_data(kstat_t *ks, void **buf, int *error)
{
	*error = ks->ks_update != NULL ? ks->ks_update(ks, KSTAT_READ) : 0;
	if (*error == 0 && ks->ks_data == NULL && ks->ks_snapshot == NULL)
		*error = EIO;
	if (*error != 0)
		return NULL;
	if (ks->ks_snapshot == NULL) {
		ks->ks_snaptime = gethrtime();
		return ks->ks_data;
	}
	*buf = port_alloc(ks->ks_data_size + 1);
	*error = *buf != NULL ? ks->ks_snapshot(ks, *buf, KSTAT_READ) : ENOMEM;
	return *error == 0 ? *buf : NULL;
}

static char *error_text(int error)
{
	struct text t = { .size = 64 };

	t.at = port_alloc(t.size);
	if (t.at != NULL)
		text_put(&t, "\"data\":null,\"error\":%d", error);
	return t.at;
}

/* Without kstats_lock. */
static char *look(kstat_t *ks)
{
	void *buf = NULL;
	const void *data;
	int error;
	char *text;

	KSTAT_ENTER(ks);
	data = look_data(ks, &buf, &error);
	text = data != NULL ? stat_text(ks, data) : error_text(error);
	KSTAT_EXIT(ks);
	port_free(buf);
	return text;
}

/* kstats_lock is held, and let go of meanwhile. */
static void look_at(struct statistic *s)
{
	char *text;

	ASSERT(MUTEX_HELD(&kstats_lock));
	s->looked_at = true;
	mutex_exit(&kstats_lock);
	text = look(&s->ks);
	mutex_enter(&kstats_lock);
	if (text != NULL) {
		port_free(s->text);
		s->text = text;
		s->taken = gethrtime();
	}
	s->looked_at = false;
	cv_broadcast(&kstats_changed);
}

/*
 * kstats_lock is held, and let go of meanwhile. What is looked at stays in the list until that is
 * over; its successor is looked for afterwards.
 */
static void look_all(const struct looker *l)
{
	for (struct statistic *s = kstats; s != NULL && !l->ending; s = s->next)
		if (stat_is_shown(s) && strcmp(s->driver, l->driver) == 0)
			look_at(s);
}

static void look_loop(void *arg)
{
	struct looker *l = arg;

	mutex_enter(&kstats_lock);
	while (!l->ending) {
		const uint64_t number = l->wanted;

		if (l->done == number) {
			cv_wait(&kstats_changed, &kstats_lock);
			continue;
		}
		look_all(l);
		l->done = number;
		l->since = gethrtime();
		cv_broadcast(&kstats_changed);
	}
	mutex_exit(&kstats_lock);
}

/* kstats_lock is held. NULL: no memory, or no thread. */
static struct looker *looker_of(const char *driver)
{
	struct looker *l;

	for (l = lookers; l != NULL; l = l->next)
		if (strcmp(l->driver, driver) == 0)
			return l;
	l = port_alloc(sizeof(*l));
	if (l == NULL)
		return NULL;
	(void)snprintf(l->driver, sizeof(l->driver), "%s", driver);
	l->thread = port_thread_start("kstat", look_loop, l);
	if (l->thread == NULL) {
		port_free(l);
		return NULL;
	}
	l->next = lookers;
	lookers = l;
	return l;
}

/* kstats_lock is held. One more look, for everybody who has something to show. */
static void want_all(void)
{
	struct looker *l;

	for (const struct statistic *s = kstats; s != NULL; s = s->next) {
		if (!stat_is_shown(s))
			continue;
		l = looker_of(s->driver);
		if (l == NULL)
			continue;
		if (l->wanted == l->done)
			l->since = gethrtime();
		l->wanted = l->done + (l->wanted == l->done ? 1 : 2);
	}
}

/* kstats_lock is held. Is a look worth waiting for? Until when? */
static bool some_at_work(hrtime_t *until)
{
	const hrtime_t now = gethrtime();
	bool found = false;

	*until = now;
	for (const struct looker *l = lookers; l != NULL; l = l->next) {
		if (l->wanted == l->done || l->ending || l->since + PATIENCE <= now)
			continue;
		found = true;
		if (l->since + PATIENCE > *until)
			*until = l->since + PATIENCE;
	}
	return found;
}

void kstats_look(void)
{
	struct port_wait w = { .slack = TICK_SLACK };
	const hrtime_t limit = gethrtime() + 2 * PATIENCE; /* whatever others want meanwhile */

	mutex_enter(&kstats_lock);
	want_all();
	cv_broadcast(&kstats_changed);
	while (gethrtime() < limit && some_at_work(&w.until)) {
		w.until = MIN(w.until, limit);
		(void)port_cv_wait(&kstats_changed, &kstats_lock, &w);
	}
	mutex_exit(&kstats_lock);
}

/* kstats_lock is held. The driver's, taken from the list; NULL: there is none. */
static struct looker *looker_take(const char *driver)
{
	struct looker **at = &lookers, *l;

	while ((l = *at) != NULL && strcmp(l->driver, driver) != 0)
		at = &l->next;
	if (l != NULL)
		*at = l->next;
	return l;
}

/* kstats_lock is held, and let go of meanwhile. */
static void looker_end(struct looker *l)
{
	l->ending = true;
	cv_broadcast(&kstats_changed);
	mutex_exit(&kstats_lock);
	port_thread_join(l->thread);
	port_free(l);
	mutex_enter(&kstats_lock);
}

void kstats_forget(const char *driver)
{
	struct statistic **at = &kstats, *s;
	struct looker *l;

	mutex_enter(&kstats_lock);
	for (s = kstats; s != NULL; s = s->next)
		if (strcmp(s->driver, driver) == 0)
			s->ks.ks_flags |= KSTAT_FLAG_INVALID; /* nobody begins to look */
	l = looker_take(driver);
	if (l != NULL)
		looker_end(l);
	while ((s = *at) != NULL) {
		if (strcmp(s->driver, driver) != 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		if (!(s->ks.ks_flags & KSTAT_FLAG_DORMANT))
			port_log(PORT_LOG_MISTAKE, "%s: kstat_delete: never called for %s", driver,
				 s->ks.ks_name);
		stat_free(s);
	}
	mutex_exit(&kstats_lock);
}
