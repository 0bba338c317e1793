/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the supervisor sees of an engine's calls through the kernel, in case the engine does not answer.
 *
 * A client that is killed in a call cannot end before the call is answered, and an engine that hangs, or
 * has been stopped, answers nothing. So each message of the kernel's that the engine has read lies, with
 * its header, in a slot of memory that it shares with its supervisor, and the supervisor has a copy of
 * each connection: it answers for the engine, and only the calls of those who are being killed. What
 * others see is an engine that was slow. Which of the two was first is the kernel's to say: it takes one
 * answer. A header is in its slot when the kernel has moved it there, which is before the engine's thread
 * can be stopped.
 *
 *   watch.c     the engine's side
 *   watchdog.c  the supervisor's
 */
#ifndef DEVMAP_ENGINE_USER_WATCH_H
#define DEVMAP_ENGINE_USER_WATCH_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Of a slot's state, beside the call's id: WATCH_HELD while the client must not end (fuse_call_hold()),
 * WATCH_GIVEN once the supervisor has answered. 0: the engine has not looked at the message yet.
 */
#define WATCH_ID(unique) ((unique) << 1) /* an id is even */
#define WATCH_HELD	 1u
#define WATCH_GIVEN	 2u

struct watch_slot {
	struct fuse_in_header in; /* unique 0: nothing */
	uint64_t first;		  /* of what follows it: of a release, the file's number */
	_Atomic uint64_t state;
	_Atomic uint32_t connection; /* its number in parcels */
	uint32_t next_free;	     /* index + 1; watch.c's lock */
};

struct watch_area {
	_Atomic uint32_t messages; /* read so far */
	_Atomic uint32_t checks;   /* how often the engine has looked at its interrupted calls */
	_Atomic uint32_t used;	   /* slots from here on were never used */
	struct watch_slot slots[];
};

/* 0 or -errno. check: the timer by which the engine looks at its interrupted calls. */
int watch_init(unsigned max_threads, int check);
/*
 * Something is interrupted, so we are going to look at it: the supervisor does, if we do not say by
 * watch_checked(), within a second, that we have. more: there is something left to look at.
 */
void watch_expect(void);
void watch_checked(bool more);

/* A copy goes to the supervisor, until watch_disconnect(). Returns its number. */
uint32_t watch_connect(int fd);
void watch_disconnect(uint32_t number);

/* What finds no room there is not watched. NULL: no memory. */
struct watch_slot *watch_slot_get(void);
void watch_slot_put(struct watch_slot *s);
/* Before a message of this connection is read into s->in. */
void watch_slot_ready(struct watch_slot *s, uint32_t connection);
void watch_slot_read(struct watch_slot *s); /* it has been read */
void watch_slot_done(struct watch_slot *s); /* it is over */
/* The message goes on in another slot. */
void watch_slot_move(struct watch_slot *to, struct watch_slot *from);
bool watch_slot_hold(struct watch_slot *s); /* false: the supervisor has answered */
void watch_slot_drop(struct watch_slot *s);
bool watch_slot_given(const struct watch_slot *s);

#endif
