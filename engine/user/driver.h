/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Drivers: loading a shared object, attaching its instances to their models, and what of it the
 * server needs: the minor nodes.
 */
#ifndef DEVMAP_ENGINE_USER_DRIVER_H
#define DEVMAP_ENGINE_USER_DRIVER_H

#include <sys/types.h>
#include <sys/conf.h>

#define MINOR_NAME_MAX 64

/*
 * One minor node, as ddi_create_minor_node(9F) made it. Its name under the device directory is the
 * driver's name followed by the instance ("xfb0") where the node's name is empty or equals that,
 * and otherwise the node's name; "xfb1:ctl" where another instance has a "ctl" already. That is
 * what `name` holds.
 */
struct minor_node {
	struct minor_node *next;
	char name[MINOR_NAME_MAX];
	dev_t dev;
	dev_info_t *dip;
	mode_t mode; /* 0: the server's default */
};

struct driver;
struct devmap_memory;

/*
 * spec: "PATH[:NAME=VALUE[,NAME=VALUE...]]". instances=N says how many instances (default 1); every
 * other property is given to each instance (integers where they parse as such, else strings) and to
 * its model. model=PATH names the model (without a '/': a file beside the driver; empty: no model);
 * the default is DRIVERhw.so beside the driver if there is one, or no model. PATH ends at the first
 * ':' that has a '=' after it. Loads, calls _init, probes and attaches. Returns 0, or -errno with a
 * message already reported.
 */
int driver_load(const char *spec, struct driver **out);
/*
 * The driver.conf(5) of drivers that are loaded from now on; NULL: NAME.conf beside each, if there is one.
 * Each entry with a name is an instance. What the spec says of a property counts.
 */
void driver_set_conf(const char *path);
/* Detaches all instances and calls _fini. -EBUSY if the driver refuses. */
int driver_unload(struct driver *d);
const char *driver_name(const struct driver *d);
const char *driver_path(const struct driver *d);
struct cb_ops *driver_cb_ops(const struct driver *d);
/*
 * The list of minor nodes; ddi_create/remove_minor_node call back the hook so that doors open and
 * close. Hooks are called without a lock, in driver_load() too if they are set before it; a node is
 * listed when it was added, not listed any more when it is removed, and freed after that call.
 */
struct minor_node *driver_minors(struct driver *d);
/* The one after m, or the first if m is NULL; NULL: none. m must not be freed meanwhile. */
struct minor_node *driver_minor_after(struct driver *d, struct minor_node *m);
void driver_set_minor_hook(void (*added)(struct minor_node *),
			   void (*removed)(struct minor_node *));
/* The node of dev, or NULL. */
struct minor_node *driver_minor(dev_t dev);
/* pollwakeup(9F) calls this. */
void driver_set_pollwakeup(void (*fn)(struct pollhead *php, short events));
/*
 * A device memory is about to go (ddi_umem_free(9F), unload): called after devmap_memory_fini() has
 * cut its handles off, and before region_destroy(), so that windows on the region can be closed.
 */
void driver_set_memory_hook(void (*gone)(struct devmap_memory *m));

#endif
