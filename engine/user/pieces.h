/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The pieces of mappings, on their way to a client: in messages of at most DM_PIECES_MAX. */
#ifndef DEVMAP_ENGINE_USER_PIECES_H
#define DEVMAP_ENGINE_USER_PIECES_H

#include "server.h"

struct pieces {
	struct request *rq;
	struct dm_piece piece[DM_PIECES_MAX];
	int fds[DM_PIECES_MAX]; /* duplicates: the windows may go before they are sent */
	unsigned n;
	uintptr_t start, end; /* only handles in here */
	uintptr_t distance;   /* added to their addresses: a move */
	int error;	      /* 0 or -errno */
};

/* Adds those of a handle; arg is the struct pieces (for devmap_each_handle()). */
void pieces_add(struct devmap_handle *dh, void *arg);
/* Sends what there is, or the error, and closes the descriptors. */
void pieces_send(struct pieces *ps, uint16_t type, uint64_t v0);

#endif
