/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What must outlive an engine. The supervisor keeps a copy of every client's userfaultfd and
 * windows: so when an engine dies its clients block, and never read zeros, until the supervisor has
 * decided what becomes of them. This is the line between the two: parcels on a SOCK_SEQPACKET pair,
 * engine to supervisor only.
 *
 * With --on-crash=resume it keeps all that another engine needs to go on (journal.h). What a client may rely on
 * is told before the client is; what it may not rely on any more, before it ends.
 */
#ifndef DEVMAP_ENGINE_USER_KEEPER_H
#define DEVMAP_ENGINE_USER_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct backing;
struct file;
struct fuse_open;

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

	/* Where an engine may be resumed. Of an engine: */
	PARCEL_ENGINE, /* addr: its id; fds: side door, and what its runner of errands holds until it ends */
	PARCEL_REGION, /* addr: names it; len: pages; text; fds: home, board, the pipe's ends */
	PARCEL_REGION_END,
	PARCEL_EXTENT, /* session: the region; addr: names it; len: pages, from window.first on; fd */
	PARCEL_MEMORY, /* addr: names it; len: bytes; text; fd: devmap_keep_alloc()'s */
	PARCEL_MEMORY_END,
	PARCEL_NODE, /* addr: names it; text: the node; fds: the front door, the connection if there is one */
	PARCEL_NODE_END,
	PARCEL_OPEN, /* addr: fh; open; text: the node */
	PARCEL_OPEN_END,
	PARCEL_CALL, /* none is sent: addr: a thread whose call has been answered for a dead engine */
	PARCEL_RESUMED, /* all that it could take over, it has said again */
	/* ... and of a session: */
	PARCEL_SOCKET,	/* client; fd: the engine's end of its socket */
	PARCEL_FORK,	/* addr: the session whose mappings it begins with */
	PARCEL_MAPPING, /* addr, len, mapping; text: the node */
	PARCEL_CUT,	/* addr, len: nothing is mapped there any more */
	PARCEL_MOVED,	/* addr, len: is at mapping.off now */
	PARCEL_POISON,	/* addr, len: accesses fail there, for a while */
	PARCEL_CURED,	/* addr, len: not any more */
	PARCEL_REQUEST, /* addr: the id of the last request that was begun */
};

#define KEEPER_FDS_MAX 4 /* with a parcel */

/* An open file, as the kernel and clients know it. */
struct kept_open {
	uint64_t key, dev, poll_kh;
	int32_t flags;
	uint32_t uid, gid;
};

struct kept_client {
	uint64_t key; /* of its address space */
	uint32_t uid, gid;
	int32_t pid; /* 0 too where it is in a namespace that is not seen */
	bool born, user_mode_only, foreign_pids, distrusted;
	char comm[32];
};

struct kept_mapping {
	uint64_t off;
	uint32_t prot, flags;  /* of mmap(2) */
	struct kept_open open; /* through which it was made, and which may be closed since */
};

struct kept_window {
	uint64_t region; /* 0: of one that is not kept */
	uint64_t first, npages;
	uint32_t serial;
	bool writable;
};

struct parcel {
	uint32_t op;
	uint32_t poison;	/* UFFDIO_POISON is there */
	uint32_t kernel_faults; /* the userfaultfd reports these too */
	int32_t pid;		/* of the client, in our namespace; 0: it is in another one */
	uint64_t session;
	uint64_t addr, len;
	union {
		struct kept_open open;
		struct kept_client client;
		struct kept_mapping mapping;
		struct kept_window window;
	};
	char text[512];
};

/* The engine's side. Without a supervisor (fd -1, or one that died) nothing is sent. */
void keeper_init(int fd, bool resumable);
bool keeper_resumes(void); /* the supervisor would have another engine go on */
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

/* What only matters where keeper_resumes(). Names are addresses, or what the client knows. */
void keeper_engine(uint64_t id, int side_door, int runner);
void keeper_region(const void *name, const char *text, size_t npages, const int fds[4]);
void keeper_extent(const void *region, size_t page, size_t n, int fd);
void keeper_memory(const void *name, const char *text, size_t len, int fd);
void keeper_node(const void *name, const char *text, int door, int connection);
void keeper_gone(enum parcel_op op, const void *name);
void keeper_open(const struct file *f, const struct fuse_open *o);
void keeper_open_end(uint64_t fh);
void keeper_socket(struct session *s, int fd);
void keeper_fork(struct session *child, struct session *parent);
void keeper_mapping(struct session *s, uintptr_t addr, size_t len, const struct kept_mapping *m,
		    const struct file *f);
void keeper_cut(struct session *s, uintptr_t addr, size_t len);
void keeper_moved(struct session *s, uintptr_t addr, size_t len, uintptr_t to);
void keeper_request(struct session *s, uint64_t id);
void keeper_poison(struct session *s, uintptr_t addr, size_t len, bool poisoned);

#endif
