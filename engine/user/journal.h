/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the supervisor keeps so that another engine can go on where one has died: --on-crash=resume.
 *
 * It is what the engine has told of itself (struct records) and of its clients (escrow.h). The engine that is to
 * go on is a child of the supervisor's, so it finds all of it in its memory, and the descriptors are open;
 * those of other engines are closed in it. It says again all that it takes over, which makes the next journal,
 * and then PARCEL_RESUMED: until then nobody is served, and if it dies before, another begins with the same
 * journal again. What is not in the next one could not be taken over.
 */
#ifndef DEVMAP_ENGINE_USER_JOURNAL_H
#define DEVMAP_ENGINE_USER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "escrow.h"
#include "keeper.h"

#define RECORD_BUCKETS 256

/* A parcel that is kept: what `op` has, by the name in `addr`. */
struct record {
	struct record *next; /* in its bucket */
	uint32_t op;
	uint64_t addr, len;
	uint64_t of, at; /* of an extent: its region, and its first page there */
	struct kept_open open;
	int fds[KEEPER_FDS_MAX];
	unsigned nfds;
	char text[];
};

struct journal {
	struct record *records[RECORD_BUCKETS];
	struct escrow *clients;
	unsigned life; /* the engine is the how manieth; 0: the first */
};

/* Takes in a parcel that is about the engine, and the descriptors. False: it is about something else. */
bool journal_take(struct journal *j, const struct parcel *p, const int *fds, unsigned nfds);
/* A thread's call was answered for the engine, which is dead. */
void journal_note_call(struct journal *j, uint32_t thread);
void journal_forget(struct journal *j, uint32_t op, uint64_t addr);
/* Calls fn for each record of a kind, until it returns false. */
void journal_each(const struct journal *j, uint32_t op,
		  bool (*fn)(const struct record *r, void *arg), void *arg);
bool journal_has(const struct journal *j, uint32_t op);
void journal_free(struct journal *j); /* but for the clients, which are none any more */
/* In a child: closes all descriptors from `from` on that are not the journal's. 0 or -errno. */
int journal_keep_only(const struct journal *j, int from);

#endif
