/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The doors of user engines, at which everybody may ask. */
#ifndef DEVMAP_TOOLS_DOORS_H
#define DEVMAP_TOOLS_DOORS_H

#include <stdint.h>

#include "devmap.h"

/*
 * Calls fn with each door of a directory, by its file's name (".xfb0"), sorted. Returns 0, or -errno of the
 * directory: that there is none is not one.
 */
int doors_each(const char *dir, void (*fn)(int dirfd, const char *name, void *arg), void *arg);
/*
 * Asks (enum dm_op) with two arguments, NULL: none. Waits 5 s at most, with DM_TRACE 0.2. 0: *fd is the answer's descriptor, if fd
 * is not NULL; -errno, the engine's or our own.
 */
int door_ask(int dirfd, const char *name, unsigned op, const uint64_t a[2], int *fd);
/* The same of a device, by its name. -ENOENT: no directory has it. */
int door_ask_device(const struct device_dirs *dirs, const char *device, unsigned op,
		    const uint64_t a[2], int *fd);
/* In words. */
const char *door_error(int error);

#endif
