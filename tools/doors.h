/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The doors of user engines, at which everybody may ask. */
#ifndef DEVMAP_TOOLS_DOORS_H
#define DEVMAP_TOOLS_DOORS_H

/*
 * Calls fn with each door of a directory, by its file's name (".xfb0"), sorted. Returns 0, or -errno of the
 * directory: that there is none is not one.
 */
int doors_each(const char *dir, void (*fn)(int dirfd, const char *name, void *arg), void *arg);
/*
 * Asks what needs no argument (enum dm_op). Waits 5 s at most. 0: *fd is the answer's descriptor; -errno,
 * the engine's or our own.
 */
int door_ask(int dirfd, const char *name, unsigned op, int *fd);
/* In words. */
const char *door_error(int error);

#endif
