/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the supervisor keeps of each client process, so that it outlives an engine: see keeper.h. */
#ifndef DEVMAP_ENGINE_USER_KEPT_H
#define DEVMAP_ENGINE_USER_KEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper.h"

/* One client process, as far as it concerns the supervisor. */
struct kept {
	struct kept *next;
	uint64_t id;
	int uffd, pidfd;
	bool poison, kernel_faults;
	bool answers; /* its accesses fail by our hand: kept_answer() */
	pid_t pid;    /* 0: in another namespace */
	struct kept_window *windows;
	struct range *ranges;
};

/* The one of that id in the list; a new one if there is none; NULL: no memory. */
struct kept *kept_find(struct kept **list, uint64_t id);
void kept_end(struct kept **list, uint64_t id);
void kept_free(struct kept *k);
/* Takes in a parcel that is about it, and the descriptors. */
void kept_take(struct kept *k, const struct parcel *p, const int *fds, unsigned nfds);
/* From here on every access of the client to its device memory fails. */
void kept_fail(struct kept *k);
/* ... and this is to be called when its userfaultfd is readable, if k->answers. */
void kept_answer(struct kept *k);
/* We end, and nobody will answer any more. */
void kept_abandon(struct kept *k);
void fds_close(const int *fds, unsigned nfds);

#endif
