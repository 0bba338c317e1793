/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The sockets in the device directory. One that nobody listens on is a left-over of an engine that
 * died: anybody who may write there takes it away.
 */
#ifndef DEVMAP_ENGINE_USER_NODES_H
#define DEVMAP_ENGINE_USER_NODES_H

#include <sys/un.h>

/*
 * DIR/NAME as an address; *dirfd (or -1) is to be closed when it has been used. A long directory is
 * reached through /proc, since sun_path has 108 bytes. 0 or -errno.
 */
int node_address(const char *name, struct sockaddr_un *sa, int *dirfd);
/* Held from the look at a socket to the unlink, or to one's own listen. -1: does without. */
int nodes_lock(void);
void nodes_unlock(int lock);
/*
 * The caller has the lock or does without it, which is its promise: nothing here could tell. 0: the
 * name is free (now), or -errno; -EADDRINUSE: somebody serves it.
 */
int node_clear(const struct sockaddr_un *sa);
/* Takes all left-overs away, so that an open of their names says ENOENT. */
void nodes_sweep(void);

#endif
