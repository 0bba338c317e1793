/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The threads of an engine. Idle ones all wait in epoll_wait(2) on one set of one-shot sources:
 * whoever is woken reads one message, arms the source again, and only then calls a driver, so that
 * a driver that blocks keeps nobody else's events from being read (leader and followers, with the
 * kernel choosing the leader). There are a few more threads than are busy, up to a bound.
 *
 * What must be heard even when all of them are inside drivers is urgent: signals, the end of a
 * process or of a request. One thread more serves it, and does nothing that could block.
 */
#ifndef DEVMAP_ENGINE_USER_POOL_H
#define DEVMAP_ENGINE_USER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container_of.h"

/*
 * Something with a descriptor to wait for. Embedded in its object (container_of()), whose life it
 * shares: `release` is called once, when the source was removed and the last call of `ready` has
 * returned.
 */
struct source {
	int fd;
	bool urgent;   /* `ready` neither blocks nor calls a driver */
	bool hangup;   /* waits for that alone, not for input */
	uint64_t id;   /* in epoll; 0: not added */
	unsigned refs; /* guarded by the pool's table lock */
	/* Called with the source disarmed. Calls source_arm() when the message has been read. */
	void (*ready)(struct source *s, uint32_t events);
	void (*release)(struct source *s);
};

/* A piece of work for any thread; one is found for it whatever the bound. */
struct work {
	struct work *next;
	void (*run)(struct work *w);
};

int pool_init(unsigned max_threads);
/* Adds a source that waits for input. 0 or -errno; on failure release is not called. */
int source_add(struct source *s);
void source_arm(struct source *s);
void source_arm_id(uint64_t id); /* if it is still there */
/*
 * No more calls of ready begin; release follows, perhaps at once. May be called from ready, once.
 */
void source_remove(struct source *s);
void pool_run(struct work *w);
/*
 * Between these the thread is none of the pool's bound, which has another instead: a client can keep it, and
 * somebody else counts such threads (account.h).
 */
void pool_lend(void);
void pool_return(void);
/* Runs until pool_stop(), in the calling thread. */
void pool_loop(void);
void pool_stop(void);

#endif
