/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The engine process: doors, device files, sessions, faults.
 *
 * OBJECTS
 *   door      a minor node under the device directory; accepts clients              door.c
 *   file      one open(2): what a descriptor of a program stands for               file.c, file_io.c
 *   session   one process (address space) with mappings of this engine's devices    session.c, session_map.c
 *   backing   what stands behind handles of a session: its window on one region,
 *             or the region's own memory                                            glue.c
 *   common    the window that sessions with one context share, on one region         common.c
 *   job       one page that threads of a session wait for                           fault.c
 *
 * LOCKS (outermost first; the core's come before all of these, and none of these is held across a
 * driver call, except minor->open_lock across open(9E) and close(9E), which it exists to order)
 *   open_lock      a minor's open count
 *   numbers_lock   who is known by what number (number.c)
 *   files_lock     the list of files
 *   sessions_lock  the list of sessions
 *   s->lock        a session's jobs, backings, pending mappings
 *   commons_lock   the list of common windows
 *   f->lock        a file's offset
 *   the pool's and the pages' locks
 */
#ifndef DEVMAP_ENGINE_USER_SERVER_H
#define DEVMAP_ENGINE_USER_SERVER_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "../../core/core.h"
#include "account.h"
#include "caller.h"
#include "cred.h"
#include "driver.h"
#include "held.h"
#include "log.h"
#include "pages.h"
#include "pool.h"
#include "wire.h"

/*
 * Where signs change: ours are 0 or -errno, the core and drivers return 0 or errno. (So do messages:
 * reply_init().) A driver may return anything else, such as DDI_FAILURE.
 */
static inline int from_ddi(int error)
{
	return error >= 0 ? -error : -EIO;
}

static inline int to_ddi(int error)
{
	return -error;
}

/* What the operator asked for. */
struct server_options {
	const char *dir;
	bool at_dev; /* nodes lie in /dev, too */
	uid_t owner; /* (uid_t)-1: the server's own */
	gid_t group;
	mode_t mode; /* used where the driver names none */
	enum { KFAULTS_NONE, KFAULTS_OWN, KFAULTS_ALL } kernel_faults;
	unsigned max_threads;
	hrtime_t lock_ns;
	uint64_t lock_pages;
};
extern struct server_options server_options;
extern uint64_t server_id; /* identity of this engine process */

/* door.c */
struct door;
int door_open(struct minor_node *m); /* 0 or -errno with a message */
void door_close(struct minor_node *m);
void doors_close(void);
int side_door_open(int *fd);		     /* 0 or -errno; it serves nobody before */
int side_door_start(void);		     /* the same */
struct door *door_by_name(const char *name); /* with a reference; NULL: there is none */
/* Between these doors that are made serve nobody. */
void doors_hold(void);
int doors_start(void); /* 0 or -errno */

/* file.c, file_io.c, file_poll.c */
struct file {
	struct source source;
	atomic_uint refs; /* the source's one and one for each handle */
	struct door *door;
	dev_t dev; /* after open(9E), which may have chosen another */
	int flags; /* of open(2) */
	struct cred *cred;
	pthread_mutex_t lock;
	int64_t offset;
	uint64_t key;		/* names it in a request: dm_file.token. 0: none */
	ino_t socket;		/* of the client's end; 0: it is no socket */
	struct fuse_open *open; /* NULL: it was opened through a door, and has a source */
	bool to_forget;		/* file_forget_later() */
	struct file *next;
};
/* Runs open(9E). *fd is the client's end. 0 or -errno. */
int file_open(struct door *d, int flags, struct cred *cred, struct request *rq, int *fd,
	      struct dm_info *info);
void file_get(struct file *f);
void file_put(struct file *f);
void files_init(void);
void files_close(void);
bool files_wait(int ms); /* until the last is closed; false: some are still open */
/* Around what a visitor of a door asks for: files_wait() waits for it too. False: we stop. */
bool files_enter(void);
void files_leave(void);

/* session.c */
struct session {
	struct as as;
	atomic_uint refs;
	struct session *next;
	uint64_t id;
	_Atomic pid_t pid;    /* 0: unknown yet, or in a pid namespace that we do not see */
	_Atomic bool known;   /* who it is: it may make requests */
	_Atomic pid_t number; /* what drivers know it by: number.h */
	bool unborn;	      /* a child that has not said anything yet; s->lock */
	_Atomic int pidfd;
	_Atomic uid_t uid; /* to whom it is counted: log.h, account.h */
	struct account account;
	struct account *counted; /* the user, who has one session more; NULL: it is not counted */
	struct cred *cred;
	struct source sock, fault, exit; /* requests, userfaultfd, pidfd */
	struct work exited;
	struct client_uffd uffd;
	bool user_mode_only; /* its userfaultfd reports no kernel-mode faults */
	bool foreign_pids;   /* another pid namespace: its thread ids mean nothing here */
	bool ending;	     /* given out by sessions_end(); sessions_lock */
	pthread_mutex_t lock;
	pthread_cond_t unused; /* ended, and the last user has left */
	bool ended;
	bool resuming;	/* being taken over from an engine that has died */
	unsigned users; /* threads that work on it */
	_Atomic hrtime_t
		stray_since; /* the first event without a mapping since one was served; 0: none */
	struct job *jobs[64];
	struct backing *backings;
	struct pending *pending;
};
/* *out has a reference for the caller. 0 or -errno. */
int session_attach(struct request *rq, struct session **out, int *client_end);
/* A process's, entered and with a reference, or NULL; session_done() gives both back. */
struct session *session_of_process(pid_t pid);
void session_done(struct session *s);
/* Whoever calls the core for a session is inside it meanwhile. False: it has ended. */
bool session_enter(struct session *s);
void session_leave(struct session *s);
void session_get(struct session *s);
void session_put(struct session *s);
void sessions_end(void); /* at stop: every client is told */
/*
 * Ends one session of a process that has died, if nobody does that yet. False: there is none any more,
 * whoever has ended it.
 */
bool sessions_end_dead(void);
/* Calls fn with sessions_lock held. */
void sessions_each(void (*fn)(struct session *s, void *arg), void *arg);
struct session *session_of(struct as *as);

/* Sessions that are taken over from an engine that has died: resume.c. */
struct escrow;
struct session *session_adopt(const struct escrow *c); /* NULL: no memory */
int session_adopt_begin(struct session *s);	       /* 0 or -errno */
void session_adopted(struct session *s);
void session_adopt_end(struct session *s, uint64_t last_request);
void session_adopt_fail(struct session *s); /* instead of the two before: it is gone */

/* session_map.c: DM_MMAP, and the requests about mappings on a session's socket. */
void session_mmap(struct session *s, struct request *rq);
void session_commit(struct session *s, struct request *rq);
void session_abort(struct session *s, struct request *rq);
void session_munmap(struct session *s, struct request *rq);
void session_move(struct session *s, struct request *rq);
/* At the end of a session, when nobody works on it any more. */
void session_drop_pending(struct session *s);

/* fault.c */
void fault_ready(struct source *s, uint32_t events);
/* An access on behalf of a client's system call. 0, -EFAULT or -ENOMEM. */
int fault_touch(struct session *s, uintptr_t addr, uint_t rw);

/* glue.c: engine_*() of core/engine.h, and: */
struct backing {
	struct backing *next;
	struct session *session;
	struct region *region;	 /* NULL: nothing is behind it now */
	struct window *window;	 /* NULL: shared, or the region is gone */
	struct common *common;	 /* whose window it has joined, or NULL */
	struct account *counted; /* who has one window more */
	uint64_t share;		 /* of its handles' contexts; 0: the process's own */
	unsigned handles;
	bool writable;
	bool shared; /* without a window: the process has the region's memory itself */
	bool own;    /* a handle's that allows remapping (and of parts split off it) */
};
/* The piece that begins done bytes into the handle; *fd is the caller's to close. 0 or -errno. */
int handle_piece(struct devmap_handle *dh, size_t done, struct dm_piece *p, int *fd);
/* The handle's pieces stand at addr in the client now. 0 or -errno. */
int handle_register(struct devmap_handle *dh, uintptr_t addr);
/* The same for one that the client has had from an engine before us, at its address. */
void handle_placed(struct devmap_handle *dh);
/* No handle is at these addresses of the client any more. */
void handles_unplace(struct session *s, uintptr_t addr, size_t len);
void handle_unpoison(struct session *s, uintptr_t page);
void glue_init(void);

/* common.c */
struct common;
/*
 * The session's window on r, which it shares with all who ask for that share (devmap_share_of()).
 * s->lock is held. 0 or -errno.
 */
int common_join(uint64_t share, struct region *r, struct session *s, struct window **w,
		struct common **out);
void common_leave(struct common *c, struct window *w); /* closes w; not with a region's lock */

/* status.c */
char *status_json(struct minor_node *m); /* malloc'ed, or NULL */

#endif
