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

struct escrow_window {
	struct escrow_window *next;
	uint64_t name;
	int fd;
	struct kept_window kept;
};

/* One mmap(2), of which there may be parts left, elsewhere. */
struct escrow_mapping {
	struct escrow_mapping *next; /* the younger */
	size_t len;
	struct placements parts; /* addresses, and the pages of it that are there */
	struct kept_mapping kept;
	char node[];
};

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
	struct placements ranges; /* without pages: the windows do not matter */
	/* For an engine that goes on: */
	int sock; /* the engine's end of its session; -1: there is none */
	struct kept_client client;
	uint64_t request; /* id of the last; 0: none */
	struct placements poisoned;
	struct escrow_mapping *mappings; /* by age, the oldest first */
};

/* The one of that id in the list; a new one if there is none; NULL: no memory. */
struct escrow *escrow_find(struct escrow **list, uint64_t id);
bool escrow_has(const struct escrow *list, uint64_t id);
void escrow_end(struct escrow **list, uint64_t id);
/* The child begins with the parent's mappings. */
void escrow_fork(struct escrow **list, uint64_t child, uint64_t parent);
void escrow_each_fd(const struct escrow *c, void (*fn)(void *arg, int fd), void *arg);
void escrow_free(struct escrow *c);
/* Takes in a parcel that is about it, and the descriptors. */
void escrow_take(struct escrow *c, const struct parcel *p, const int *fds, unsigned nfds);
void escrow_hang_up(struct escrow *c);
/* Soon every access of the client to its device memory fails. */
void escrow_fail(struct escrow *c);
void escrow_reap(struct escrow *c); /* now and then after that */
/* ... and this is to be called when its userfaultfd is readable, if c->answers. */
void escrow_answer(struct escrow *c);
/* We end, and nobody will answer any more. */
void escrow_abandon(struct escrow *c);
void fds_close(const int *fds, unsigned nfds);

#endif
