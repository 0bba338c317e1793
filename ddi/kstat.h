/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What kstat.c, kstat_look.c and kstat_text.c share. */
#ifndef DEVMAP_DDI_KSTAT_H
#define DEVMAP_DDI_KSTAT_H

#include <sys/kstat.h>

#include "ddi.h"

/* A kstat, and what of it is shown. kstats_lock guards all but ks. */
struct statistic {
	kstat_t ks; /* first: what the driver has */
	struct statistic *next;
	char driver[DRIVER_NAME_MAX]; /* who made it */
	bool looked_at;		      /* a thread looks at ks, without the lock */
	char *text;		      /* the last look: "\"data\":...", or NULL: there was none */
	hrtime_t taken;		      /* when it was */
};

extern kmutex_t kstats_lock;
extern kcondvar_t kstats_changed; /* a look ends, or begins */
extern struct statistic *kstats;

void stat_free(struct statistic *s); /* it is in no list */

static inline bool stat_is_shown(const struct statistic *s)
{
	return !(s->ks.ks_flags & (KSTAT_FLAG_INVALID | KSTAT_FLAG_DORMANT));
}

/* kstat_text.c. Text that grows up to a size; what does not fit is counted. */
struct text {
	char *at;
	size_t len, size;
};

void text_put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put_string(struct text *t, const char *string, size_t size); /* with quotation marks */
/* What ks says by these data, as JSON; to be given back with port_free(). NULL: no memory. */
char *stat_text(const kstat_t *ks, const void *data);

#endif
