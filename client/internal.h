/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * libdevmap: the client library, which is the preload shim too.
 *
 * FILES
 *   shim_*.c    the functions that programs call, under libc's names: decide in a few instructions
 *               whether a device is concerned, and otherwise call the real one
 *   real.c      the real ones
 *   names.c     which path is which device
 *   fds.c       which descriptor is a device, and which is the library's own
 *   process.c   whose memory this is (fork, vfork, clone); the locks
 *   wire.c      requests to an engine; data.c the program's memory, while one is served
 *   session.c   this process and an engine
 *   maps.c      the table of device mappings; mapping.c how they are made, changed and ended
 *   fork.c      fork
 *   served.c    a device as a file that the kernel serves
 *   device.c    opening one; and a device that is a socket, where there is no FUSE
 *   kernel.c    locks of the kernel engine's mappings
 *   api.c       devmap_lock(3) and friends
 *
 * STATE
 *   client_active  0 until the first device, then 1 for ever: the one branch that a program without
 *                  devices pays
 *   maps_lo, maps_hi  bounds of all device mappings; empty without any
 *
 * LOCKS (outermost first)
 *   ops    one change of mappings or sessions at a time, requests to the engine included; fork
 *          holds it. Signals that have handlers are blocked meanwhile, so a handler may map.
 *   wire   shared: a reply socket is being made and sent. Exclusive: fork; else the child would
 *          keep the engine's end open and nobody would see the engine die.
 * The descriptor table and the table of mappings are read without locks. Nothing here allocates
 * from the heap, and no lock is held while a program's own memory is touched.
 *
 * AFTER FORK the child has one thread and the tables of its parent; fork.c makes them its own. A
 * vfork child shares its parent's memory: it calls the real functions and changes no table
 * (process_ours()). A child made by clone(2) behind our back finds process_page wiped and starts
 * anew.
 */
#ifndef DEVMAP_CLIENT_INTERNAL_H
#define DEVMAP_CLIENT_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <devmap/protocol.h>

#include "raw.h"

#define EXPORT __attribute__((visibility("default")))

extern int client_active;

/* names.c */
struct device_name {
	char name[DM_NAME_MAX]; /* under the device directory */
	unsigned place;		/* the index of that directory */
	char path[512];
	struct sockaddr_un address; /* of the front door, where there are only sockets */
	bool served;		    /* it is a file that the kernel serves */
};
void names_init(void);
bool names_in_use(void);		 /* is there a device directory? */
const char *names_directory(unsigned i); /* the first, the second, then NULL */
bool names_debug(void);
extern bool names_in_dev; /* is /dev the working directory? */
void names_moved(void);	  /* it may be another now */
extern bool names_used;	  /* there was a directory of devices when the program began */
/* Is path a symbolic link that leads to a device? To be asked where the real call finds nothing. */
bool name_linked(int dirfd, const char *path, struct device_name *n);
/* Does path name a device, as /dev/NAME? Then this is what it is there. */
bool name_canonical(const char *path, char out[DM_NAME_MAX + 5]);
/* Is path the name of a device that exists? The cheap part of the answer is inline, in shims. */
bool name_lookup(const char *path, struct device_name *n);
/* The same of a bare NAME. */
bool name_device(const char *name, struct device_name *n);
/* The same of a path that openat(2) and friends take. */
bool name_lookup_at(int dirfd, const char *path, struct device_name *n);
/* The i-th name in the list of aliases; false: it has fewer. */
bool name_alias(unsigned i, char out[DM_NAME_MAX]);
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define debug(...)                             \
	do {                                   \
		if (unlikely(names_debug()))   \
			complain(__VA_ARGS__); \
	} while (0)

/* fds.c */
#define FD_MAX (1 << 20)
enum {
	FD_SERVED = 1, /* a file that the kernel serves */
	FD_SOCKET,     /* a device where there is no FUSE */
	FD_INTERNAL,   /* the library's own */
};

extern _Atomic uint8_t fd_table[FD_MAX];
extern bool fd_sockets; /* there was a device that is a socket */

static inline unsigned fd_kind(int fd)
{
	return likely((unsigned)fd < FD_MAX) ?
		       atomic_load_explicit(&fd_table[fd], memory_order_relaxed) :
		       0;
}

/* Is fd one that a program must not see? */
static inline bool fd_internal(int fd)
{
	return fd_kind(fd) == FD_INTERNAL;
}

/* Is fd noted as a device that the kernel serves? */
static inline bool fd_served(int fd)
{
	return fd_kind(fd) == FD_SERVED;
}

/*
 * Is fd one on which nothing can be read, written, waited for or locked? errno says why. The kernel is
 * asked: a table may be stale, a descriptor is not.
 */
bool fd_refuses_slow(int fd);
static inline bool fd_refuses(int fd)
{
	return unlikely(fd_kind(fd) > FD_SERVED) && fd_refuses_slow(fd);
}

void fd_mark(int fd, unsigned kind);
/* What the engine says of a noted device. 0 or -errno; -EBADF: it is none, and is not noted any more. */
int fd_file(int fd, struct dm_file *f);
/* Has the kernel say whether fd is a device, and notes it. */
bool fd_probe(int fd);
void fd_probe_all(void);
void fd_copy(int from, int to);
void fd_forget(int fd);
/* Calls f for each noted descriptor from first to last until it returns non-zero. */
int fd_each(unsigned first, unsigned last, int (*f)(int fd, unsigned kind, void *arg), void *arg);
/*
 * Makes fd the library's own: out of the program's way, close-on-exec. Takes it, returns the new
 * one.
 */
int fd_hide(int fd);
void fd_close_hidden(int fd);
/* Makes room at fd, which is ours but which the program wants (dup2). 0 or -errno. */
int fd_vacate(int fd);

/* process.c */
struct held {
	sigset_t before;
};
extern pid_t process_pid;
void process_init(void);
/* Do this process's tables describe this process? False in a vfork child. */
bool process_ours(void);
void process_begin_child(void); /* in a child of fork, before anything else */
void ops_lock(struct held *h);
void ops_lock_as(const struct held *h); /* in a child: what h kept out has been kept out since */
void ops_unlock(struct held *h);
/* What ops keeps out is let in, as far as it can only end the program: an answer is long in coming. */
void ops_tire(void);
/* At the head of what needs ops: this thread holds it. Nothing without DEBUG. */
#ifdef DEBUG
void ops_assert(const char *function);
#define ASSERT_OPS_HELD() ops_assert(__func__)
#else
#define ASSERT_OPS_HELD() ((void)0)
#endif
void wire_enter(void);
void wire_leave(void);
void wire_shut(void);
void wire_open(void);

/* wire.c */
struct call {
	struct dm_request rq; /* op, session, a: by the caller */
	int sock;
	int fd; /* sent along, or -1 */
	/* Takes some pieces; fds are closed after it. 0 or -errno, which ends up as the call's. */
	int (*pieces)(void *arg, const struct dm_piece *p, unsigned n, const int *fds,
		      unsigned nfds);
	void *arg;
	/* the answer */
	struct dm_reply re;
	int got[2]; /* descriptors, -1 where none; the caller's to close */
	bool lost;  /* -EIO, because whoever was to answer has gone: it may be asked for again */
};
/* 0, or -errno: the engine's own, -ENXIO if it is gone, -EIO if it went meanwhile. */
int call(struct call *c);
/* ops held: the same on a session's socket, where the answer comes too. */
int call_here(struct call *c);
/* The same at a front door, which answers on the connection itself. */
int call_door(struct call *c);
void call_drop(struct call *c); /* closes what came along */
/*
 * A program that has no descriptor left unmaps and forks all the same, and its driver has to hear of it:
 * the soft limit is lifted meanwhile. False: it cannot be.
 */
bool limit_lift(struct rlimit *before);
void limit_restore(const struct rlimit *before);
#define CALL(s, o)                                                            \
	{                                                                     \
		.rq = { .op = (o) }, .sock = (s), .fd = -1, .got = { -1, -1 } \
	}

/* data.c */
int data_in(int reply, uint64_t addr, uint64_t len);
int data_out(int reply, uint64_t addr, uint64_t len);
void *bounce_get(size_t len); /* NULL: no memory */
void bounce_put(void *p, size_t len);
/* Copies to or from the program's memory. 0 or -EFAULT. */
int data_fetch(void *to, const void *program, size_t len);
int data_store(void *program, const void *from, size_t len);

/* session.c */
#define SESSIONS_MAX 32
struct session {
	bool used;
	bool kernel_faults;
	bool huge; /* DM_F_HUGE */
	uint64_t engine;
	int sock, uffd;
	int uffd_dev; /* /dev/userfaultfd as the engine lent it, or -1 */
	int unborn;   /* the child's socket, between DM_FORK and the end of fork */
};
extern struct session sessions[SESSIONS_MAX];
/* ops held. The session with the engine of an open device, made if need be. 0 or -errno. */
int session_of(const struct dm_file *f, unsigned *index);
int session_userfaultfd(struct session *s); /* makes one: s->uffd. 0 or -errno */
void session_drop(struct session *s);
bool session_goes_on(unsigned index, const struct call *c);
int session_call(unsigned index, uint16_t op, uint64_t a0, uint64_t a1);
/* ops held: the same, of what changes mappings. */
int session_change(unsigned index, uint16_t op, uint64_t a0, uint64_t a1);

/* maps.c */
struct map {
	uintptr_t start, end;
	uint16_t session;
	uint8_t prot, maxprot;
	bool shared; /* all processes' memory: never intercepted */
	bool locked;
	bool absent; /* in a child that is not done yet: nothing is mapped there */
};
extern _Atomic uintptr_t maps_lo, maps_hi;

/* May [addr, addr + len) touch a device mapping? */
static inline bool maps_near(const void *addr, size_t len)
{
	uintptr_t a = (uintptr_t)addr;

	return unlikely(a < atomic_load_explicit(&maps_hi, memory_order_relaxed) &&
			(len > UINTPTR_MAX - a ||
			 a + len > atomic_load_explicit(&maps_lo, memory_order_relaxed)));
}

/* The first device mapping that touches [start, end), clipped to it. */
bool maps_first(uintptr_t start, uintptr_t end, struct map *m);
/* Must the kernel be kept from touching this? */
bool maps_bounce(const void *addr, size_t len);
/* ops held: */
int maps_reserve(unsigned n); /* room for n more: 0 or -ENOMEM */
void maps_insert(const struct map *m);
void maps_remove(uintptr_t start, uintptr_t end);
void maps_change(uintptr_t start, uintptr_t end, void (*f)(struct map *m, int arg), int arg);
/* Without ops: the caller promises that its thread is the only one, in a child just made. */
void maps_clear(void);

/* mapping.c; results as the system calls', -errno for an error */
void *mapping_make(const struct dm_file *f, void *addr, size_t len, int prot, int flags, off_t off);
int mapping_end(uintptr_t addr, size_t len);
int mapping_protect(uintptr_t addr, size_t len, int prot);
int mapping_advise(uintptr_t addr, size_t len, int advice);
void *mapping_move(uintptr_t old, size_t old_len, size_t new_len, int flags, void *new_addr);
/* ops held. Tells the engines that the device parts of a range are to go, and forgets them. */
void mapping_forget(uintptr_t start, uintptr_t end);
/* Maps pieces within [start, end), with no access yet; flags: MAP_FIXED or MAP_FIXED_NOREPLACE. */
struct placing {
	uintptr_t start, end;
	uint16_t session;
	int flags;
};
/* ops held. */
int mapping_place(void *arg, const struct dm_piece *p, unsigned n, const int *fds, unsigned nfds);
extern bool mapping_lock_future; /* the program has asked for MCL_FUTURE */
size_t page_size(void);

/* lock.c */
/* DM_LOCK or DM_UNLOCK of the device parts of a range. 0 or -errno. */
int lock_range(uint16_t op, uintptr_t start, uintptr_t end);

/* kernel.c */
/*
 * DM_LOCK or DM_UNLOCK of kernel engine mappings in a range of whole pages; parts: of those that
 * there are, else all of it has to be. 0 or -errno.
 */
int kernel_lock(uint16_t op, uintptr_t start, uintptr_t end, bool parts);
bool kernel_device(int fd);

/* served.c */
bool served_probe(int fd);				 /* is it one? Asks the kernel */
int served_open(const struct device_name *n, int flags); /* the descriptor, or -errno */
int served_file(int fd, struct dm_file *f);		 /* 0 or -errno */
/* False: it is not for the driver, or fd is none after all. *result: as the system call's. */
bool served_ioctl(int fd, unsigned long cmd, unsigned long arg, long *result);
/* After an EINTR on fd: did only handlers run that restart it, if any? */
bool served_restart(int fd);
ssize_t served_error(int fd, ssize_t n); /* sets errno as for a device whose engine is gone */
void served_stat(struct stat *st);
int64_t served_seek_end(int fd, int64_t off); /* the offset, or -errno */
extern bool served_flags_change;	      /* the program sets O_NONBLOCK on open files */

/* fork.c */
void fork_init(void);
int fork_begin(void);	   /* 0 or -errno: then no fork may happen */
void fork_end(bool child); /* harmless when the handlers have done it */
bool fork_pending(void);   /* is this thread between the two? */

/* shim_exec.c */
void exec_init(void);

/* device.c; results or -errno */
int device_open(const struct device_name *n, int flags);
int device_door(const char *path); /* connects to a front door */
/* A request about an open file, at whatever door of its engine is within reach. */
int device_call(uint64_t engine, const char *door, struct call *c);
bool socket_probe(int fd); /* is it a device that is a socket? Asks the kernel */
int socket_file(int fd, struct dm_file *f);
/* False: it is not for the driver, or fd is none after all. */
bool socket_ioctl(int fd, unsigned long cmd, unsigned long arg, long *result);
void device_stat(const struct dm_info *info, struct stat *st);

#endif
