/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Hostile clients of the user engine: programs that speak its protocol by themselves, without the library,
 * and do with what they are given what they like.
 *
 * A rogue is this program once more, executed without the preload shim, as an ordinary user, in the
 * directory of devices. It and the director say single bytes to each other.
 */
#ifndef DEVMAP_TESTS_ROGUE_H
#define DEVMAP_TESTS_ROGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <devmap/protocol.h>

/* The director's side. */
struct rogue {
	pid_t pid;
	int line; /* a socket */
};

#define ROGUE_LINE 3 /* the rogue's end of the line */

/*
 * Starts the attack of that name. Where we are root it is begun as root, and its first act is to prepare
 * what only root may, as to open the device; then it is nobody.
 */
struct rogue rogue_start(const char *attack);
void rogue_await(const struct rogue *r); /* until it says a byte; fails if it ends before */
int rogue_await_end(struct rogue *r);	 /* its wait status */
/* For a test with an attacker who is nobody, and an engine of root's. */
void rogue_begin(void);
#define ROGUE_DESCRIPTORS 8192 /* that it may want */
/* How long others may make one wait who holds nothing and locks nothing; ns. */
int64_t may_wait(void);
/* Somebody honest comes, does everything, and goes, and has not waited for others. */
void check_newcomer(const char *device);

/* The rogue's side. */
struct attack {
	const char *name;
	void (*prepare)(void); /* as root; may be NULL */
	void (*run)(void);
};

/* In main(), before MAIN()'s: true if this is a rogue; it has run then. */
bool rogue_is(int argc, char **argv, const struct attack *attacks, size_t n);
void become_nobody(void);
void rogue_go(const struct rogue *r); /* director: tells it to go on ... */
void rogue_is_told(void);	      /* ... for which it waits here */
void rogue_says(void);
void rogue_waits(void); /* for ever: what it holds, it holds */

/* What a client is given. */
struct booty {
	int fd; /* the device */
	struct dm_file file;
	int uffd, session;
	int window; /* the first piece's memory */
	char *base;
};

extern struct booty booty;			   /* of most */
void rogue_opens(void);				   /* ... before it is nobody: ctest0 */
int booty_open(struct booty *b, const char *name); /* the file; 0 or errno */
/* A session. 0 or errno. */
int booty_attach(struct booty *b);
/* A mapping of so many pages. 0 or errno. */
int booty_map(struct booty *b, unsigned pages);
void booty_map_new(struct booty *b, unsigned pages); /* both, which must succeed */

/* Low level. */
int rogue_door(uint64_t engine); /* a connection to the side door */
/* Sends; with descriptors. 0 or errno. */
int rogue_send(int sock, const void *message, size_t len, const int *fds, unsigned nfds);
/* The answer, and its first descriptor, or -1. Its error; EPIPE: the connection has ended. */
int rogue_receive(int sock, struct dm_reply *re, struct dm_piece *piece, int *fd);
/* A request on a session's socket, with a reply socket of its own: that. */
int rogue_ask(int session, struct dm_request *rq, int fd);
/* Memory of so many pages that no access to ever gets an answer, in a system call neither; as root. */
char *memory_that_never_comes(unsigned pages, int *uffd);

#endif
