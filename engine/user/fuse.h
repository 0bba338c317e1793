/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Nodes as files that the kernel serves: open, read, write, poll, locks, dup, exec and close are the
 * kernel's then, for every program, with or without the library.
 *
 *   fuse.c       a mounted node: its messages, and what needs no driver
 *   fuse_call.c  the calls that wait for a driver, and what interrupts them
 *   fuse_file.c  open, read, write, poll and ioctl as a driver's entry points
 *   fuse_round.c ioctl as the library makes it
 *
 * A thread of the pool takes a message and sees it through. Answers may be given in any order, so
 * that a driver that blocks delays only its caller.
 */
#ifndef DEVMAP_ENGINE_USER_FUSE_H
#define DEVMAP_ENGINE_USER_FUSE_H

#include <linux/fuse.h>
#include <sys/queue.h>

#include "file.h"
#include "watch.h"

#define FUSE_DATA_MAX (1u << 20) /* of one read or write */

/* What one open file is to the kernel. It lasts until the kernel releases it, or the node is gone. */
struct fuse_open {
	LIST_ENTRY(fuse_open) link; /* fuse_open.c's lock */
	struct fuse *fuse;
	struct file *file;	  /* NULL: hung up. file.c's files_lock */
	uint64_t fh;		  /* how the kernel knows it */
	_Atomic uint64_t poll_kh; /* how the kernel knows those who poll it */
	atomic_bool poll_wanted;  /* they want to be told, once */
};

/* A mounted node. */
struct fuse {
	struct source source; /* the connection: until the last file is closed, mounted or not */
	struct door *door;
	uint32_t number; /* to the supervisor */
	LIST_HEAD(, fuse_open) opens;
	atomic_uint refs; /* the source's, and one for each message that is kept */
};

/* One message, while it is served. */
struct fuse_call {
	struct fuse *fuse;
	const struct fuse_in_header *in;
	struct watch_slot *slot; /* where the supervisor sees it */
	uint64_t unique;	 /* what it is to be answered by */
	const void *arg;	 /* the rest of it */
	size_t len;		 /* of arg */

	/* While a driver works on it (fuse_call.c). */
	struct fuse_call *next;
	struct caller caller;
	struct session *session; /* entered, once somebody has asked who calls */
	bool interrupted, answered;
	bool held;	/* fuse_call_hold() */
	unsigned looks; /* at whether it is to be given up */
};

/*
 * fuse.c. Both return 0 or -errno. Once it is mounted a node can be opened, but nobody is answered before
 * it has been started; that ends by itself when it is unmounted (node_remove()).
 */
int fuse_mount(struct door *d);
int fuse_start(struct door *d);			/* nothing to do where it was not mounted */
void fuse_abandon(struct door *d);		/* instead of it; it has been unmounted */
int fuse_adopt(struct door *d, int connection); /* for fuse_mount(): it is mounted already */
int fuse_connection(const struct door *d); /* of what is not started yet; -1: it is not mounted */
void fuse_put(struct fuse *f);
/*
 * An answer. error: 0 or -errno. False: the client has another one, since it is dead, or what was to be
 * told could not be.
 */
bool fuse_answer(const struct fuse_call *c, int error, const void *data, size_t len);
bool fuse_answerv(const struct fuse_call *c, int error, const struct iovec *data, int n);
void fuse_serve(struct fuse_call *c);
/* Those who poll the file are to ask again. */
void fuse_notify_poll(struct fuse_open *o);

/* fuse_call.c */
int fuse_calls_init(unsigned max);
/* May this thread serve one more call of a driver? If not, the message is kept for later. */
bool fuse_call_enter(const struct fuse_call *c);
/* Somebody else may have its place. */
void fuse_call_leave(const struct fuse_call *c);
/* Around the driver's work: makes c->caller this thread's. */
void fuse_call_begin(struct fuse_call *c, struct file *f, const struct client_memory *memory,
		     struct caller **before);
void fuse_call_end(struct fuse_call *c, struct caller *before);
/*
 * Does the client still wait for its answer? Then the id of its thread was its own until now, and what was
 * found out by it is true.
 */
bool fuse_call_waits(struct fuse_call *c);
/*
 * Between these it does, whatever happens to it: it may be written to. False: it is answered. Short, since
 * an engine that hangs between them is killed for a client that is to end.
 */
bool fuse_call_hold(struct fuse_call *c);
void fuse_call_drop(struct fuse_call *c);
/* The answer of a call that was begun, unless it has been given up. */
void fuse_call_answer(struct fuse_call *c, int error, const void *data, size_t len);
bool fuse_call_answerv(struct fuse_call *c, int error, const struct iovec *data, int n);
/* A call that has been answered goes on as another message of the same client's. */
void fuse_call_resume(struct fuse_call *c, const struct fuse_call *as);
/*
 * The signals that had handlers when the thread's last call ended with EINTR, bit 0 being signal 1; all,
 * if it cannot be known. False: it was the driver's own idea.
 */
bool fuse_call_signals(pid_t thread, uint64_t *signals);
/* It was none of the thread's signals that has ended its last call, but the end of an engine. */
void fuse_call_lost(pid_t thread);
bool fuse_thread_dying(pid_t thread);	 /* or gone; false if it is none of our namespace */
pid_t fuse_thread_process(pid_t thread); /* whose it is; its own id if that cannot be seen */
/* 0, or -EAGAIN: there is no such call (yet). */
int fuse_call_interrupt(uint64_t unique);
void fuse_calls_interrupt_all(void); /* at stop: these, and each that comes yet */

/* fuse_open.c. fh: how the kernel knows an open file. Files have a reference; NULL: it is closed. */
struct fuse_open *fuse_open_new(struct fuse *f); /* NULL: no memory */
/* Those of an engine before us are none of ours: the life-th of its kind. Before any other. */
void fuse_opens_begin(unsigned life);
/* One that the kernel has from an engine before us. NULL: no memory. */
struct fuse_open *fuse_open_again(struct fuse *f, uint64_t fh);
struct file *fuse_open_file(uint64_t fh);
/* The same; kh is to be told of. wanted: once, when something has changed. */
struct file *fuse_open_polled(uint64_t fh, uint64_t kh, bool wanted);
void fuse_open_end(uint64_t fh);  /* its file hangs up */
void fuse_open_wake(uint64_t fh); /* who polls it is to ask again */
void fuse_opens_hang_up(struct fuse *f);
void fuse_opens_free(struct fuse *f); /* when nothing can be asked for them any more */

/* fuse_file.c */
void fuse_serve_open(struct fuse_call *c);
void fuse_serve_release(struct fuse_call *c);
void fuse_serve_transfer(struct fuse_call *c, bool write);
void fuse_serve_poll(struct fuse_call *c);
void fuse_serve_ioctl(struct fuse_call *c);

/* fuse_round.c. Is it one? */
bool fuse_round_is(const struct fuse_call *c);
bool fuse_round_is_quick(const struct fuse_call *c);	    /* one that calls no driver */
void fuse_round_serve(struct fuse_call *c, struct file *f); /* drops f */
void fuse_rounds_end(const struct file *f); /* nobody comes back to those of this file */
void fuse_rounds_stop(void);

#endif
