/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What intr.c, intr_line.c, intr_old.c and softint.c share. */
#ifndef DEVMAP_DDI_INTR_H
#define DEVMAP_DDI_INTR_H

#include <sys/ddi_intr.h>

#include "ddi.h"

/* A handler, of either kind, with its arguments. */
struct handler {
	uint_t (*fn)(caddr_t arg1, caddr_t arg2);
	uint_t (*old)(caddr_t arg); /* instead of it */
	caddr_t arg1, arg2;
};

/*
 * intr_line.c. A thread that calls a handler when it is asked to, as often as once. intr_lock guards
 * it all but the handler, which is set before.
 */
struct line {
	struct handler handler;
	struct port_thread *thread; /* NULL: none */
	kt_did_t did;
	kcondvar_t cv;
	bool raised, ending;
};

extern kmutex_t intr_lock; /* a leaf */

uint_t handler_call(const struct handler *h);
bool line_start(struct line *l, const char *name); /* false: no thread */
/* Waits for a handler that runs. What was raised and has not run is forgotten. */
void line_stop(struct line *l);
/* A handler would wait for itself: a message, and true. */
bool line_is_own(struct line *l, const void *site, const char *call);
void line_raise(struct line *l); /* intr_lock is held */

/* intr.c. The handle of an instance's interrupt of that number; NULL: it is not allocated. */
ddi_intr_handle_t intr_find(dev_info_t *dip, int number);
int intr_count(dev_info_t *dip, int type);
int intr_enable(ddi_intr_handle_t h, const struct handler *handler);

#define INTR_PRI 5 /* of all, by default */

/* softint.c */
void softints_forget(dev_info_t *dip);

#endif
