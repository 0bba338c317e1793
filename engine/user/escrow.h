/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the supervisor holds of each client process, so that it outlives the engine that handed it
 * over: see keeper.h.
 */
#ifndef DEVMAP_ENGINE_USER_ESCROW_H
#define DEVMAP_ENGINE_USER_ESCROW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper.h"
#include "placement.h"

/* One client process, as far as it concerns the supervisor. */
struct escrow {
	struct escrow *next;
	uint64_t id;
	int uffd, pidfd;
	bool poison, kernel_faults;
	bool answers;  /* its accesses fail by our hand: escrow_answer() */
	pid_t pid;     /* 0: in another namespace */
	pid_t failing; /* a process of ours that makes its accesses fail; 0: none, or it is done */
	struct escrow_window *windows;
	struct placement *ranges; /* without pages: the windows do not matter */
};

/* The one of that id in the list; a new one if there is none; NULL: no memory. */
struct escrow *escrow_find(struct escrow **list, uint64_t id);
void escrow_end(struct escrow **list, uint64_t id);
void escrow_free(struct escrow *c);
/* Takes in a parcel that is about it, and the descriptors. */
void escrow_take(struct escrow *c, const struct parcel *p, const int *fds, unsigned nfds);
/* Soon every access of the client to its device memory fails. */
void escrow_fail(struct escrow *c);
void escrow_reap(struct escrow *c); /* now and then after that */
/* ... and this is to be called when its userfaultfd is readable, if c->answers. */
void escrow_answer(struct escrow *c);
/* We end, and nobody will answer any more. */
void escrow_abandon(struct escrow *c);
void fds_close(const int *fds, unsigned nfds);

#endif
