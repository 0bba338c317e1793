/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What must outlive an engine. The supervisor keeps a copy of every client's userfaultfd and
 * windows: so when an engine dies its clients block, and never read zeros, until the supervisor has
 * decided what becomes of them. This is the line between the two: parcels on a SOCK_SEQPACKET pair,
 * engine to supervisor only.
 */
#ifndef DEVMAP_ENGINE_USER_KEEPER_H
#define DEVMAP_ENGINE_USER_KEEPER_H

#include <stddef.h>
#include <stdint.h>

struct session;
struct backing;

enum parcel_op {
	PARCEL_READY = 1,  /* text: the names served, separated by blanks */
	PARCEL_FAILED,	   /* the engine could not start; it has said why */
	PARCEL_SESSION,	   /* fds: userfaultfd, pidfd */
	PARCEL_WINDOW,	   /* addr: names it; fd: its memfd */
	PARCEL_WINDOW_END, /* addr: the window is no more */
	PARCEL_RANGE,	   /* addr, len: registered with the userfaultfd */
	PARCEL_UNRANGE,	   /* addr, len: not any more */
	PARCEL_END,	   /* the session is over */
	PARCEL_STOPPING,   /* the engine stops by itself: fail its clients when it is gone */
	PARCEL_WATCH,	   /* fds: the memory of watch.h, its deadline, and the timer for calls */
	PARCEL_CONNECTION, /* addr: names it; fd: a mounted node's connection */
	PARCEL_CONNECTION_END,
};

#define KEEPER_FDS_MAX 3 /* with a parcel */

struct parcel {
	uint32_t op;
	uint32_t poison;	/* UFFDIO_POISON is there */
	uint32_t kernel_faults; /* the userfaultfd reports these too */
	int32_t pid;		/* of the client, in our namespace; 0: it is in another one */
	uint64_t session;
	uint64_t addr, len;
	char text[512];
};

/* The engine's side. Without a supervisor (fd -1, or one that died) nothing is sent. */
void keeper_init(int fd);
void keeper_fini(
	void); /* the engine is about to exit, whether or not the kernel lets all its threads */
void keeper_session(struct session *s);
void keeper_window(struct session *s, const struct backing *b, int window_fd);
void keeper_window_end(struct session *s, const struct backing *b);
void keeper_range(struct session *s, uintptr_t addr, size_t len);
void keeper_unrange(struct session *s, uintptr_t addr, size_t len);
void keeper_end(struct session *s);
void keeper_say(enum parcel_op op, const char *text);
void keeper_watch(int area, int deadline, int check);
void keeper_connection(uint32_t number, int fd);
void keeper_connection_end(uint32_t number);

#endif
