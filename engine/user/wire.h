/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Messages with clients: the engine's side of protocol.h. */
#ifndef DEVMAP_ENGINE_USER_WIRE_H
#define DEVMAP_ENGINE_USER_WIRE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <devmap/protocol.h>

#include "caller.h"
#include "pool.h"

#define WIRE_FDS_MAX 4

struct request {
	struct dm_request msg;
	struct ucred
		cred; /* who sent it, as the kernel says; pid 0: in a pid namespace unseen here */
	int pidfd;    /* his, where the socket asks for it (wire_want_pidfd()); -1: none or taken */
	int fds[WIRE_FDS_MAX]; /* fds[0] is the reply socket; -1: none or taken */
	unsigned nfds;
	bool here; /* fds[0] is the session's own socket */

	/* While a driver works on it (request_watch). */
	struct client_memory memory;
	struct caller *caller;
	struct source watch;
	struct request *next_watched; /* under watched_lock, like the list */
	pthread_mutex_t lock;	      /* guards busy: who may read the reply socket */
	pthread_cond_t gone;	      /* the watch has been released */
	bool busy, released;
};

/*
 * Takes one message from the socket without waiting. Returns 0, -EAGAIN, -ECONNRESET at its end, -EMFILE:
 * we have no descriptor for its reply socket, or -EPROTO: it is none of ours, too long, could not be
 * answered, or brings descriptors that it has no use for. They are closed, except after 0.
 */
int request_receive(int sock, struct request *rq);
/* Takes descriptor i over from the request. */
int request_take_fd(struct request *rq, unsigned i);
/* The same of the sender's pidfd. */
int request_take_pidfd(struct request *rq);
/* Requests on this socket bring pidfds, from Linux 6.5 on. */
void wire_want_pidfd(int sock);
/* Of the process that has connected to us, in whatever pid namespace; from Linux 6.5 on. -1: none. */
int wire_peer_pidfd(int sock);
/* Closes what is left of its descriptors. */
void request_end(struct request *rq);

/* error: 0 or -errno, here and below. Messages carry errno: it changes its sign here. */
void reply_init(struct dm_reply *r, int error);
void reply_set_error(struct dm_reply *r, int error);
/*
 * Sends r, npieces of p (may be NULL), and descriptors; failures are the client's business only.
 * One that reads none of its answers is waited for a while, since it holds a thread of ours.
 */
void reply_send(struct request *rq, struct dm_reply *r, const struct dm_piece *p, const int *fds,
		unsigned nfds);
void reply_error(struct request *rq, int error);
void reply_value(struct request *rq, int error, uint64_t value);

/*
 * Between these the request's caller has access to the client's memory, and a signal of the
 * client's thread interrupts cv_wait_sig(9F).
 */
void request_watch(struct request *rq, struct caller *caller);
void request_unwatch(struct request *rq);
/* At stop: every watched request, and each that comes yet, is interrupted, and copies no more. */
void requests_interrupt(void);

/* Low level: one message with descriptors, waiting if it must. 0 or -errno. */
int wire_send(int sock, const struct iovec *iov, int iovcnt, const int *fds, unsigned nfds);
/* Receives one message and up to max descriptors. Returns its length, 0 at the end, or -errno. */
ssize_t wire_receive(int sock, void *buf, size_t len, int *fds, unsigned max, unsigned *nfds,
		     struct ucred *cred, int flags);

#endif
