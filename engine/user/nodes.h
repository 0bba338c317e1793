/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The device directory. A node NAME has a socket there, DIR/.NAME, and DIR/NAME: a file that the
 * kernel serves (mount.h), or, where that is not to be had, a link to the socket. A socket that nobody
 * listens on is a left-over of an engine that died: anybody who may write there takes both away.
 */
#ifndef DEVMAP_ENGINE_USER_NODES_H
#define DEVMAP_ENGINE_USER_NODES_H

#include <sys/un.h>

#define NODE_PATH_MAX 512

/* DIR/NAME. 0 or -ENAMETOOLONG. */
int node_path(const char *name, char *path, size_t room);
/* Makes DIR/NAME the link. 0 or -errno. */
int node_link(const char *name);
/*
 * DIR/.NAME as an address; *dirfd (or -1) is to be closed when it has been used. A long directory is
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
int node_clear(const char *name, const struct sockaddr_un *sa);
/* Takes both away. The socket is the caller's. */
void node_remove(const char *name);
/* Takes all left-overs away, so that an open of their names says ENOENT. */
void nodes_sweep(void);

#endif
