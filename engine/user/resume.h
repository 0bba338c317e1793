/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An engine that goes on where another has died: see journal.h for what it finds.
 *
 *   resume_begin()    who we are; sessions, with the windows that they have
 *   driver_load()     attach(9E) makes regions, which are the ones that were: pages.h brings all pages home;
 *                     and asks for its memory: devmap_keep_alloc()
 *   doors             those that there were, with what waits there
 *   resume_objects()  open(9E) for each open file, then devmap(9E) and devmap_map(9E) for each mapping
 *   resume_end()      the rest is forgotten; from now on there is service, and who was blocked goes on
 *
 * Where something of a session is not to be had, the session is not taken over: its accesses fail.
 */
#ifndef DEVMAP_ENGINE_USER_RESUME_H
#define DEVMAP_ENGINE_USER_RESUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;
struct region;
struct session;
struct window;

/* 0 or -errno. before: NULL: we begin anew, and all of the rest finds nothing. */
int resume_begin(const struct journal *before);
bool resume_has_been(void);
bool resume_side_door(int *fd);
bool resume_node(const char *name, int *door, int *connection); /* -1: it was no mounted one */
/* A descriptor of devmap_keep_alloc()'s memory; -1: there is none of that name and length. */
int resume_memory(const char *name, size_t len);
/* The session's window on the region; NULL: there was none. */
struct window *resume_window(struct session *s, struct region *r, bool writable);
void resume_objects(void);
void resume_end(void);

#endif
