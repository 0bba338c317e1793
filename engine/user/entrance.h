/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A socket at which anybody comes in, says one thing, is answered, and goes. */
#ifndef DEVMAP_ENGINE_USER_ENTRANCE_H
#define DEVMAP_ENGINE_USER_ENTRANCE_H

#include <sys/queue.h>

#include "server.h"

struct visitor;

struct entrance {
	struct source source; /* the listening socket */
	const char *name;     /* for messages */
	/* Answers rq, whose fds[0] is the visitor's connection. */
	void (*serve)(struct entrance *e, struct request *rq);
	/* The references that visitors hold; the source's is dropped last. */
	void (*get)(struct entrance *e);
	void (*put)(struct entrance *e);
	TAILQ_HEAD(, visitor) visitors; /* who have said nothing yet, the oldest first */
};

/* source.fd is -1; the caller binds one. */
void entrance_init(struct entrance *e, const char *name,
		   void (*serve)(struct entrance *e, struct request *rq));
/* A listening socket, whose messages say who sent them. 0 or -errno. */
int entrance_socket(struct entrance *e, const struct sockaddr_un *sa, socklen_t len);

#endif
