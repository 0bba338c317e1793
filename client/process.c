/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Whose memory this is, and the two locks: see internal.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "real.h"

pid_t process_pid;
static volatile _Atomic int *process_page; /* 1; a child of clone(2) finds 0 */
static _Atomic int ops_word;		   /* 0 free, 1 held, 2 held and waited for */
static _Atomic int wire_word;		   /* users, or -1: shut */
static _Atomic int wire_waiting;

static void __attribute__((constructor(101))) client_start(void)
{
	int before = errno;

	names_init();
	exec_init();
	real_find_early();
	process_init();
	fork_init();
	names_used = names_in_use();
	if (names_used)
		fd_probe_all();
	errno = before;
}

void process_init(void)
{
	process_pid = raw_getpid();
}

/* The page is made with the first thing that a forgotten child could get wrong. */
static void page_make(void)
{
	void *p;

	if (process_page != NULL)
		return;
	p = raw_mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (raw_bad(p))
		return;
	*(_Atomic int *)p = 1;
	if (raw_madvise((uintptr_t)p, page_size(), MADV_WIPEONFORK) == 0)
		process_page = p;
	else
		(void)raw_munmap((uintptr_t)p, page_size());
}

static int forget_one(int fd, unsigned kind, void *arg)
{
	(void)arg;
	if (kind == FD_INTERNAL)
		fd_close_hidden(fd);
	else
		atomic_store(&fd_table[fd], 0);
	return 0;
}

/*
 * A child of clone(2): it has no device mappings, its sessions are its parent's, its tables a copy.
 */
static void process_adopt(void)
{
	int zero = 0;

	if (!atomic_compare_exchange_strong(process_page, &zero, 1))
		return;
	process_begin_child();
	maps_clear();
	memset(sessions, 0, sizeof(sessions));
	(void)fd_each(0, FD_MAX - 1, forget_one, NULL);
	fd_probe_all();
}

bool process_ours(void)
{
	if (unlikely(process_pid == 0))
		process_init();
	if (unlikely(process_page != NULL && *process_page == 0 && !fork_pending()))
		process_adopt();
	if (raw_getpid() != process_pid)
		return false;
	if (unlikely(process_page == NULL))
		page_make();
	return true;
}

void process_begin_child(void)
{
	process_pid = raw_getpid();
	if (process_page != NULL)
		*process_page = 1;
	atomic_store(&ops_word, 0);
	atomic_store(&wire_word, 0);
	atomic_store(&wire_waiting, 0);
}

/*
 * Kept out while a lock is held: whatever has a handler, which might come back here. What a fault raises must
 * not be blocked; and to ask which of the others have none takes too long for what seldom matters, so
 * all are.
 */
static void handlers_block(sigset_t *before)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&set, faults[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, before);
}

static sigset_t ops_before; /* what was blocked before ops was taken; guarded by ops */

void ops_tire(void)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM };
	struct sigaction sa;
	sigset_t set;

	ASSERT_OPS_HELD();
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (!sigismember(&ops_before, fatal[i]) && sigaction(fatal[i], NULL, &sa) == 0 &&
		    sa.sa_handler == SIG_DFL)
			sigaddset(&set, fatal[i]);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

#ifdef DEBUG

static _Atomic pid_t ops_owner; /* a thread's id; 0: nobody's, or about to be somebody's */

static void ops_note(bool mine)
{
	atomic_store(&ops_owner, mine ? (pid_t)raw(SYS_gettid) : 0);
}

void ops_assert(const char *function)
{
	if (atomic_load(&ops_owner) == (pid_t)raw(SYS_gettid))
		return;
	complain("%s: this thread does not hold ops", function);
	abort();
}

#else

static void ops_note(bool mine)
{
	(void)mine;
}

#endif

void ops_lock(struct held *h)
{
	int before = errno, was = 0;

	handlers_block(&h->before);
	if (!atomic_compare_exchange_strong(&ops_word, &was, 1))
		while (atomic_exchange(&ops_word, 2) != 0)
			raw_futex_wait(&ops_word, 2);
	ops_before = h->before;
	ops_note(true);
	errno = before;
}

void ops_lock_as(const struct held *h)
{
	struct held mine;

	ops_lock(&mine);
	ops_before = h->before;
}

void ops_unlock(struct held *h)
{
	int before = errno;

	ASSERT_OPS_HELD();
	ops_note(false);
	if (atomic_exchange(&ops_word, 0) == 2)
		raw_futex_wake(&ops_word, 1);
	(void)pthread_sigmask(SIG_SETMASK, &h->before, NULL);
	errno = before;
}

void wire_enter(void)
{
	for (;;) {
		int n = atomic_load(&wire_word);

		if (n < 0)
			raw_futex_wait(&wire_word, n);
		else if (atomic_compare_exchange_weak(&wire_word, &n, n + 1))
			return;
	}
}

void wire_leave(void)
{
	if (atomic_fetch_sub(&wire_word, 1) == 1 && atomic_load(&wire_waiting) > 0)
		raw_futex_wake(&wire_word, INT_MAX);
}

void wire_shut(void)
{
	atomic_fetch_add(&wire_waiting, 1);
	for (;;) {
		int n = 0;

		if (atomic_compare_exchange_strong(&wire_word, &n, -1))
			break;
		raw_futex_wait(&wire_word, n);
	}
	atomic_fetch_sub(&wire_waiting, 1);
}

void wire_open(void)
{
	atomic_store(&wire_word, 0);
	raw_futex_wake(&wire_word, INT_MAX);
}
