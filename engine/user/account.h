/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What clients make us hold, counted against a process and a user (C30). Whoever has too much waits, or is
 * refused, and nobody else is.
 */
#ifndef DEVMAP_ENGINE_USER_ACCOUNT_H
#define DEVMAP_ENGINE_USER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pool.h"

/* Most of each; hundreds of honest clients do not come near. */
struct limits {
	unsigned user_threads; /* that serve messages of his */
	unsigned process_threads;
	unsigned user_sessions;
	unsigned process_sessions; /* one is usual; a program that has called exec has two for a while */
	unsigned user_silent;	   /* connections that have said nothing */
	unsigned user_answers; /* with descriptors, not read yet */
};
extern struct limits limits;

/* Of a user or a process: zeroed, it has nothing. A user's are for ever. */
struct account {
	uid_t uid;
	bool taken;
	unsigned threads, sessions;
	unsigned silent;  /* entrance.c's */
	uint64_t refused; /* requests, connections */
	struct parked *parked, **parked_end;
};

struct account *account_of(uid_t uid);

/*
 * A thread begins to serve a message of a process of this user; until account_leave() it does not count as
 * one of the pool's, so a client can make it wait. False: too many do. Then the source is armed again when
 * one has left. quick: what others may wait for is served all the same, within bounds.
 */
bool account_enter(struct account *user, struct account *process, struct source *s, bool quick);
bool account_is_full(const struct account *user, const struct account *process);
void account_leave(struct account *user, struct account *process);
/* Sessions: 0, -EMFILE: the process has too many, or -ENFILE: the user. process may be NULL. */
int account_session(struct account *user, unsigned of_process);
void account_session_end(struct account *user);
void account_fini(struct account *process);

/* Closes a descriptor that came from a client, which can make that last, in a thread that nobody needs. */
void close_later(int fd);

#endif
