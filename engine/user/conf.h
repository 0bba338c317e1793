/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * driver.conf(5): the file NAME.conf of a driver, of which each entry with a name is an instance, and
 * each without one properties of all instances.
 */
#ifndef DEVMAP_ENGINE_USER_CONF_H
#define DEVMAP_ENGINE_USER_CONF_H

#include "../../ddi/ddi.h"

#define INSTANCES_MAX 4096 /* of a driver */

struct conf_node {
	struct conf_node *next;
	int line;
	int instance; /* -1: whichever is free */
	struct prop *props;
};

struct conf {
	struct prop *props;	 /* of all instances */
	struct conf_node *nodes; /* in their order */
};

/*
 * Reads the file. What it says of names, parents and classes is read, and has no effect. 0 or -errno, with
 * a message that has the file and the line.
 */
int conf_read(const char *path, struct conf *conf);
void conf_free(struct conf *conf);

#endif
