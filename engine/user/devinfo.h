/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Drivers and their instances inside the engine: what the files that implement the DDI share.
 *
 * LOCKS, outermost first; none is held across a call of a driver, a model or a hook, except
 * load_lock
 *   load_lock        loading and unloading, one at a time                          loader.c
 *   drivers_lock     the list of drivers, their minor nodes                        ddi_node.c
 * What is not guarded is set before attach(9E) and constant until after detach(9E).
 */
#ifndef DEVMAP_ENGINE_USER_DEVINFO_H
#define DEVMAP_ENGINE_USER_DEVINFO_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/conf.h>
#include <sys/ddi.h>
#include <sys/modctl.h>
#include <sys/sysmacros.h>
#include <sys/sunddi.h>

#include "../../core/core.h"
#include "../../ddi/ddi.h"
#include "../../ddi/port.h"
#include "conf.h"
#include "driver.h"
#include "held.h"

struct region;
struct devmap_model;

/* A register set; memory.mem_engine is the region, as for all device memory. */
struct regset {
	struct region *region;
	struct devmap_memory memory;
	size_t len;
};

struct dev_info {
	struct ddi_instance;
	struct devmap_model *model; /* NULL: none */
	struct regset *regs;
	int nregs;
};

/*
 * A minor node as the engine keeps it; ddi_remove_minor_node(9F) goes by the name as it was given.
 */
struct node {
	struct minor_node minor; /* first: minor_node.next is followed as a node's too */
	char given[MINOR_NAME_MAX];
};

struct driver {
	struct ddi_driver;
	struct driver *next;
	char *path;
	void *dl;
	const void *base; /* of its code, to know it by */
	int (*init)(void), (*fini)(void);
	struct conf conf; /* NAME.conf's; d->props go before it */
	major_t major;
	void *model_dl;
	const struct devmap_model_ops *model_ops; /* NULL: no model */
	int ninstances;
	struct dev_info **instances;
	struct minor_node *minors; /* guarded by drivers_lock */
};

extern pthread_mutex_t drivers_lock;
extern struct driver *drivers;

/* spec.c: splits a driver specification. 0 or -EINVAL or -ENOMEM with a message. */
int spec_parse(const char *spec, char **path, struct prop **props);
/* module.c: the driver whose _init(9E) or _fini(9E) this thread runs, for mod_install(9F). */
int driver_call(struct driver *d, int (*entry)(void));
/* ddi_node.c: a driver's place in the list, and a major number. */
void driver_list(struct driver *d);
void driver_unlist(struct driver *d);

/* ddi_umem.c: cuts handles and windows off, with the hook of driver.h; the region stays. */
void memory_detach(struct devmap_memory *m);

/* ddi_regs.c: the register sets of an instance's model. 0 or -errno. */
int regs_init(struct dev_info *dip);
void regs_fini(struct dev_info *dip);

#endif
