/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Front doors: one socket under the device directory for each minor node. */
#ifndef DEVMAP_ENGINE_USER_DOOR_H
#define DEVMAP_ENGINE_USER_DOOR_H

#include "entrance.h"

struct door {
	struct entrance entrance;
	struct door *next;
	struct minor_node minor; /* a copy: the driver's may go first */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	/*
	 * Orders open(9E) and close(9E) of this node: close is called when the last open file is
	 * gone, and after the last devmap_unmap(9E).
	 */
	pthread_mutex_t open_lock;
	unsigned opens;
	/* Files to be closed, one after another: only one could hold open_lock. file.c's files_lock. */
	struct work closer;
	struct file *closing;
	bool closer_runs;
	struct fuse *mounted; /* and not started yet */
	unsigned leavings;    /* files that were to be closed so far; files_lock too */
	unsigned refs;	      /* the list's, and one for each open file; under doors_lock */
};

void door_info(const struct door *d, struct dm_info *info);
void door_get(struct door *d);
void door_put(struct door *d);

#endif
