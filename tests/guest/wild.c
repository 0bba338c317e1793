/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * usage: wild [SEED [SECONDS]]
 *
 * Processes do to mappings of a ctest device all that Linux lets them do: mremap, mprotect,
 * madvise, mappings over mappings, private ones, forks of several threads. Others look at and change
 * their memory as debuggers do, and they are stopped, continued and killed meanwhile. Each of them
 * knows at any time what it must find in each page: its own value, and the last one.
 *
 * A worker's pages of the device, in its anchor, a mapping that stays where it is:
 *   0 to 3	written by the main thread, through the anchor and through other views
 *   MAILBOX	written by debuggers only
 *   PUBLIC	counts, so that debuggers can tell what they must find
 *   RUNNER	counted in by a second thread
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../drivers/ctest.h"

#define PAGE	  4096UL
#define WORKERS	  5
#define DEBUGGERS 2
#define OWN	  4 /* pages that views show */
#define MAILBOX	  4
#define PUBLIC	  5
#define RUNNER	  6
#define PAGES	  7
#define VIEWS	  48
#define CONTEXTS  8   /* 0: the process's own; others: of a private mapping */
#define PATIENCE  600 /* seconds, for what must happen at once: a limit for what hangs */

struct slot { /* of a worker, for debuggers; in memory that all share */
	volatile pid_t pid;
	volatile uint64_t generation, begun, done;
	char *volatile anchor;
};

static struct board {
	volatile bool stop;
	struct slot slots[WORKERS];
	volatile uint64_t actions, moves, refused, forks, peeks, pokes, missed, kills;
} * board;

struct view {	  /* one page that the worker sees besides the anchor */
	char *at; /* NULL: no view */
	unsigned page, context;
	int prot;
};

static struct {
	unsigned slot, seed;
	int fd, pipe[2];
	char *anchor;
	uint64_t serial;
	struct view views[VIEWS];
	uint64_t must[CONTEXTS][OWN];
	bool used[CONTEXTS];
} w;

/* Held while addresses are free, or the second thread's, that the main thread might use. */
static pthread_mutex_t layout = PTHREAD_MUTEX_INITIALIZER;

static sigjmp_buf escape;
static volatile sig_atomic_t escaping;

static unsigned pick(unsigned n)
{
	return rand_r(&w.seed) % n;
}

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
	char text[256];
	va_list ap;
	int n = snprintf(text, sizeof(text), "# worker %u, process %d: ", w.slot, getpid());

	va_start(ap, format);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n - 1, format, ap);
	va_end(ap);
	n = n < (int)sizeof(text) - 1 ? n : (int)sizeof(text) - 2;
	text[n++] = '\n';
	n = (int)write(1, text, (size_t)n);
	_exit(1);
}

static uint64_t new_value(void)
{
	return (uint64_t)(w.slot + 1) << 56 | board->slots[w.slot].generation << 40 | ++w.serial;
}

static volatile uint64_t *word_at(char *at)
{
	return (volatile uint64_t *)(void *)at;
}

static volatile uint64_t *word_of(unsigned page)
{
	return word_at(w.anchor + page * PAGE);
}

static void expect(const char *what, unsigned page, uint64_t is, uint64_t must)
{
	if (is != must)
		fail("%s: page %u has %#llx, not %#llx", what, page, (unsigned long long)is,
		     (unsigned long long)must);
}

static void on_segv(int sig)
{
	if (escaping)
		siglongjmp(escape, 1);
	signal(sig, SIG_DFL);
}

/* Whatever the thread is at, its process's memory is its own. */
static void on_alarm(int sig)
{
	const uint64_t mail = *word_of(MAILBOX);

	(void)sig;
	if (mail != 0 && mail >> 56 != w.slot + 1)
		fail("somebody else's mail, %#llx", (unsigned long long)mail);
}

/*
 * Views
 */

static void forget_view(struct view *v)
{
	struct view *other;

	v->at = NULL;
	for (other = w.views; other < w.views + VIEWS; other++)
		if (other->at != NULL && other->context == v->context)
			return;
	if (v->context != 0)
		w.used[v->context] = false;
}

static void forget_range(const char *at, size_t len)
{
	struct view *v;

	for (v = w.views; v < w.views + VIEWS; v++)
		if (v->at != NULL && v->at >= at && v->at < at + len)
			forget_view(v);
}

static struct view *any_view(void)
{
	unsigned first = pick(VIEWS), i;

	for (i = 0; i < VIEWS; i++)
		if (w.views[(first + i) % VIEWS].at != NULL)
			return &w.views[(first + i) % VIEWS];
	return NULL;
}

static struct view *view_at(const char *at)
{
	struct view *v;

	for (v = w.views; v < w.views + VIEWS; v++)
		if (v->at == at)
			return v;
	return NULL;
}

static unsigned free_views(void)
{
	unsigned n = 0;
	struct view *v;

	for (v = w.views; v < w.views + VIEWS; v++)
		n += v->at == NULL;
	return n;
}

/* Bytes of views that follow each other in memory from here on, some of them. */
static size_t some_length(const struct view *v)
{
	size_t n = 1;

	while (n < OWN && pick(4) != 0 && view_at(v->at + n * PAGE) != NULL)
		n++;
	return n * PAGE;
}

static unsigned new_context(void)
{
	unsigned i;

	for (i = 1; i < CONTEXTS; i++) {
		if (!w.used[i]) {
			w.used[i] = true;
			memset(w.must[i], 0, sizeof(w.must[i]));
			return i;
		}
	}
	return 0;
}

/* The device's pages from `first` on, at an address (NULL: anywhere), in place of what is there. */
static void map_views(char *where, unsigned first, unsigned n)
{
	const unsigned context = pick(3) == 0 ? new_context() : 0;
	const int flags = (context != 0 ? MAP_PRIVATE : MAP_SHARED) |
			  (where != NULL ? MAP_FIXED : 0) | (pick(4) == 0 ? MAP_POPULATE : 0) |
			  (pick(8) == 0 ? MAP_LOCKED : 0);
	char *at =
		mmap(where, n * PAGE, PROT_READ | PROT_WRITE, flags, w.fd, (off_t)(first * PAGE));
	struct view *v;
	unsigned i;

	if (at == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	if (where != NULL)
		forget_range(where, n * PAGE);
	if (context != 0)
		w.used[context] = true;
	for (i = 0, v = w.views; i < n; v++) {
		if (v->at != NULL)
			continue;
		*v = (struct view){ at + i * PAGE, first + i, context, PROT_READ | PROT_WRITE };
		i++;
	}
}

static void map_some(void)
{
	const unsigned first = pick(OWN), n = 1 + pick(OWN - first);

	if (free_views() >= n)
		map_views(NULL, first, n);
}

static void replace_some(void)
{
	const struct view *v = any_view();
	const unsigned first = pick(OWN);
	size_t len;
	char *at;

	if (v == NULL)
		return;
	len = some_length(v);
	if (first + len / PAGE > OWN)
		len = (OWN - first) * PAGE;
	if (pick(3) != 0) {
		map_views(v->at, first, (unsigned)(len / PAGE));
		return;
	}
	/* By memory of another kind. */
	at = v->at;
	if (mmap(at, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
		fail("mmap of anonymous memory: %s", strerror(errno));
	munmap(at, len);
	forget_range(at, len);
}

static void unmap_some(void)
{
	const struct view *v = any_view();
	char *at = v != NULL ? v->at : NULL;
	size_t len;

	if (at == NULL)
		return;
	len = some_length(v);
	if (munmap(at, len) != 0)
		fail("munmap: %s", strerror(errno));
	forget_range(at, len);
}

static bool is_mapped(char *at)
{
	return msync(at, PAGE, MS_ASYNC) == 0;
}

/* Views that stood at `from` stand at `to`. */
static void views_moved(const char *from, size_t len, char *to)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		view_at(from + i)->at = to + i;
}

/* Where to move *len bytes to: over other views, perhaps fewer, or to where nothing is. */
static char *new_place(const char *from, size_t *len)
{
	const struct view *over = any_view();
	size_t room = some_length(over);
	char *to;

	room = room < *len ? room : *len;
	if (pick(3) == 0 && (over->at + room <= from || from + room <= over->at)) {
		*len = room;
		return over->at;
	}
	to = mmap(NULL, *len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (to == MAP_FAILED)
		fail("mmap of room: %s", strerror(errno));
	return to;
}

/* With `layout` held: what fails may leave a hole, which is to stay one. */
static void move_view(const struct view *v)
{
	size_t len = some_length(v), i;
	char *from = v->at, *to = new_place(from, &len), *now;

	now = mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (now == to) {
		forget_range(to, len);
		views_moved(from, len, to);
		board->moves++;
		return;
	}
	/* Only whole mappings move. What stood at the new place may be gone all the same. */
	board->refused++;
	for (i = 0; i < len; i += PAGE) {
		if (view_at(to + i) == NULL)
			munmap(to + i, PAGE);
		else if (!is_mapped(to + i))
			forget_range(to + i, PAGE);
		if (!is_mapped(from + i))
			fail("a move that failed took the mapping away");
	}
}

static void move_some(void)
{
	const struct view *v = any_view();

	pthread_mutex_lock(&layout);
	if (v != NULL)
		move_view(v);
	pthread_mutex_unlock(&layout);
}

/* What mremap must refuse, or what makes a mapping shorter. */
static void resize_some(void)
{
	struct view *v = any_view();
	size_t len;
	char *at = v != NULL ? v->at : NULL;

	if (at == NULL)
		return;
	len = some_length(v);
	switch (pick(4)) {
	case 0: /* longer */
		if (mremap(at, len, len + PAGE, MREMAP_MAYMOVE) != MAP_FAILED)
			fail("mremap made a mapping longer");
		break;
	case 1: /* a copy */
		if (mremap(at, 0, PAGE, MREMAP_MAYMOVE) != MAP_FAILED)
			fail("mremap copied a mapping");
		break;
	case 2:
		if (mremap(at, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) != MAP_FAILED)
			fail("mremap moved the pages out of a mapping");
		break;
	default:
		if (len > PAGE && mremap(at, len, PAGE, 0) == at)
			forget_range(at + PAGE, len - PAGE);
	}
}

static void protect_some(void)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE };
	const int prot = prots[pick(4)];
	const struct view *first = any_view();
	struct view *v;
	size_t len;

	if (first == NULL)
		return;
	len = some_length(first);
	if (mprotect(first->at, len, prot) != 0)
		fail("mprotect: %s", strerror(errno));
	for (v = w.views; v < w.views + VIEWS; v++)
		if (v->at != NULL && v->at >= first->at && v->at < first->at + len)
			v->prot = prot;
}

static void advise_some(void)
{
	const struct view *v = any_view();
	const unsigned advice = pick(30);

	if (v != NULL)
		(void)madvise(v->at, some_length(v), advice < 28 ? (int)advice : 72 + (int)advice);
}

/* Loads and stores, allowed and not. */
static void use_view(struct view *v)
{
	uint64_t *must = &w.must[v->context][v->page], value = new_value();

	if (v->prot & PROT_READ)
		expect("a view", v->page, *word_at(v->at), *must);
	if (v->prot & PROT_WRITE) {
		*word_at(v->at) = value;
		*must = value;
		return;
	}
	escaping = 1;
	if (sigsetjmp(escape, 1) == 0) {
		*word_at(v->at) = value;
		fail("a store to page %u, which is protected, succeeded", v->page);
	}
	escaping = 0;
}

static void use_some(void)
{
	unsigned i, n = 1 + pick(8);
	struct view *v;

	for (i = 0; i < n; i++) {
		const unsigned page = pick(OWN);

		expect("the anchor", page, *word_of(page), w.must[0][page]);
		w.must[0][page] = new_value();
		*word_of(page) = w.must[0][page];
		v = any_view();
		if (v != NULL)
			use_view(v);
	}
}

/* A store that meets two pages at once. */
static void use_border(void)
{
	const unsigned page = pick(OWN - 1);
	volatile uint64_t *p = word_at(w.anchor + (page + 1) * PAGE - 4);
	uint64_t value = new_value();

	*p = value;
	expect("a border", page, *p, value);
	w.must[0][page + 1] = (w.must[0][page + 1] & ~0xffffffffULL) | value >> 32;
}

/* The kernel's own loads and stores. */
static void use_in_calls(void)
{
	const unsigned from = pick(OWN), to = pick(OWN);
	char *source = w.anchor + from * PAGE, *target = w.anchor + to * PAGE;
	ssize_t n;

	n = write(w.pipe[1], source, 8);
	if (n != 8)
		fail("write: %s", strerror(errno));
	n = read(w.pipe[0], target, 8);
	if (n != 8)
		fail("read: %s", strerror(errno));
	w.must[0][to] = w.must[0][from];
}

/*
 * Children
 */

static void await_child(pid_t pid, const char *what)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid: %s", strerror(errno));
	if (status != 0)
		fail("%s ended with status %#x", what, (unsigned)status);
}

static void use_as_child(void)
{
	unsigned page;

	for (page = 0; page < OWN; page++) {
		expect("a child", page, *word_of(page), w.must[0][page]);
		w.must[0][page] = new_value();
		*word_of(page) = w.must[0][page];
	}
}

static void __attribute__((noreturn)) be_child(bool nested)
{
	unsigned round;
	pid_t pid;

	for (round = 0; round < 4; round++) {
		use_as_child();
		if (round != 1 || !nested)
			continue;
		pid = fork();
		if (pid == 0) {
			use_as_child();
			_exit(0);
		}
		if (pid > 0)
			await_child(pid, "a child of a child");
	}
	_exit(0);
}

static void fork_some(void)
{
	pid_t pid;

	if (pick(3) == 0) {
		const uint64_t must = w.must[0][0];

		pid = vfork();
		if (pid == 0)
			_exit(*word_of(0) == must ? 0 : 2);
	} else {
		pid = fork();
		if (pid == 0)
			be_child(pick(3) == 0);
	}
	if (pid > 0)
		await_child(pid, "a child");
	board->forks++;
}

/* The second thread. */
static void *run(void *unused)
{
	uint64_t mine = 0, value;
	unsigned seed = w.seed + 1, i;
	sigset_t none;
	char *other;
	pid_t pid;

	(void)unused;
	sigfillset(&none);
	sigdelset(&none, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	while (!board->stop) {
		for (i = 0; i < 50; i++) {
			value = *word_of(RUNNER);
			expect("the second thread", RUNNER, value, mine);
			mine = (uint64_t)(w.slot + 1) << 56 | ((value & 0xffffff) + 1);
			*word_of(RUNNER) = mine;
		}
		if (rand_r(&seed) % 8 == 0) {
			pid = fork();
			if (pid == 0) {
				expect("a thread's child", RUNNER, *word_of(RUNNER), mine);
				_exit(0);
			}
			if (pid > 0)
				await_child(pid, "a thread's child");
		}
		pthread_mutex_lock(&layout);
		other = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, w.fd, 0);
		if (other == MAP_FAILED)
			fail("mmap in the second thread: %s", strerror(errno));
		expect("a private mapping", 1, *word_at(other + PAGE), 0);
		munmap(other, 2 * PAGE);
		pthread_mutex_unlock(&layout);
	}
	return NULL;
}

/*
 * Workers
 */

static void act(void)
{
	static void (*const actions[])(void) = {
		use_some,     use_some,	 use_some,    use_border,   use_in_calls, map_some,
		map_some,     move_some, move_some,   replace_some, resize_some,  unmap_some,
		protect_some, use_some,	 advise_some, fork_some,
	};
	struct slot *s = &board->slots[w.slot];

	actions[pick(sizeof(actions) / sizeof(actions[0]))]();
	s->begun++;
	*word_of(PUBLIC) = (uint64_t)(w.slot + 1) << 56 | s->begun;
	s->done = s->begun;
	board->actions++;
}

static void be_worker(unsigned slot, unsigned seed)
{
	struct slot *s = &board->slots[slot];
	const struct itimerval every = { { 0, 7000 }, { 0, 7000 } };
	pthread_t runner;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	w.slot = slot;
	w.seed = seed;
	w.fd = open("/dev/ctest0", O_RDWR | O_CLOEXEC);
	if (w.fd < 0 || pipe(w.pipe) != 0)
		fail("/dev/ctest0: %s", strerror(errno));
	w.anchor = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w.fd, 0);
	if (w.anchor == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	s->begun = s->done = 0;
	s->anchor = w.anchor;
	signal(SIGSEGV, on_segv);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm, .sa_flags = SA_RESTART },
		  NULL);
	if (pthread_create(&runner, NULL, run, NULL) != 0)
		fail("no second thread");
	setitimer(ITIMER_REAL, &every, NULL);
	act();
	s->pid = getpid(); /* from here on debuggers may look */
	while (!board->stop)
		act();
	pthread_join(runner, NULL);
	_exit(0);
}

/*
 * Debuggers
 */

static void peek(const struct slot *s, unsigned slot, pid_t pid, int fd)
{
	const uint64_t generation = s->generation, low = s->done;
	uint64_t value;
	ssize_t n;

	n = pread(fd, &value, 8, (off_t)(uintptr_t)(s->anchor + PUBLIC * PAGE));
	if (n != 8) {
		board->missed++;
		return;
	}
	if (s->generation != generation || s->pid != pid)
		return;
	if (value >> 56 != slot + 1 || (value << 8 >> 8) < low || (value << 8 >> 8) > s->begun)
		fail("a debugger reads %#llx of worker %u, whose count is %llu to %llu",
		     (unsigned long long)value, slot, (unsigned long long)low,
		     (unsigned long long)s->begun);
	board->peeks++;
}

static void poke(const struct slot *s, unsigned slot, int fd)
{
	uint64_t value = (uint64_t)(slot + 1) << 56 | pick(1000);

	if (pwrite(fd, &value, 8, (off_t)(uintptr_t)(s->anchor + MAILBOX * PAGE)) == 8)
		board->pokes++;
	else
		board->missed++;
}

/* Looks and writes while it runs, as its debugger, who waits; stops it, does so again; lets it go. */
static void trace(const struct slot *s, unsigned slot, pid_t pid, int fd)
{
	char *mail = s->anchor + MAILBOX * PAGE;
	uint64_t value = (uint64_t)(slot + 1) << 56 | pick(1000);
	const uint64_t generation = s->generation;
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		return;
	peek(s, slot, pid, fd);
	poke(s, slot, fd);
	(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	if (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		if (ptrace(PTRACE_POKEDATA, pid, mail, value) == 0) {
			errno = 0;
			status = (int)((uint64_t)ptrace(PTRACE_PEEKDATA, pid, mail, NULL) >> 56);
			if (errno == 0 && status != (int)slot + 1 && s->generation == generation)
				fail("a debugger finds mail for %d in worker %u", status - 1, slot);
			board->pokes++;
		}
		/* One that was killed cannot be detached, and its parent waits for us. */
		if (ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0)
			(void)waitpid(pid, &status, __WALL);
	}
}

static void read_remote(const struct slot *s, pid_t pid)
{
	uint64_t value = 0;
	struct iovec here = { &value, 8 }, there = { s->anchor + PUBLIC * PAGE, 8 };

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) > 0)
		fail("process_vm_readv has read the device");
}

static void be_debugger(unsigned seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	w.slot = WORKERS;
	w.seed = seed;
	while (!board->stop) {
		const unsigned slot = pick(WORKERS);
		const struct slot *s = &board->slots[slot];
		const pid_t pid = s->pid;
		char path[32];
		int fd;

		usleep(1000);
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		fd = pid != 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
		if (fd < 0)
			continue;
		if (pick(4) == 0) {
			/* Finds what is loaded, and waits for nothing. */
			peek(s, slot, pid, fd);
			poke(s, slot, fd);
			read_remote(s, pid);
		} else {
			trace(s, slot, pid, fd);
		}
		close(fd);
	}
	_exit(0);
}

/*
 * The first process
 */

static pid_t workers[WORKERS], debuggers[DEBUGGERS];
static bool failed;

static void start_worker(unsigned slot)
{
	const unsigned seed = pick(1u << 30);

	board->slots[slot].generation++;
	workers[slot] = fork();
	if (workers[slot] == 0)
		be_worker(slot, seed);
	if (workers[slot] < 0)
		err(1, "fork");
}

/* Its status; fails if it does not end. */
static int await_end(pid_t pid, const char *what)
{
	const time_t end = time(NULL) + PATIENCE;
	int status = -1;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (time(NULL) > end) {
			printf("# %s, process %d, does not end\n", what, pid);
			failed = true;
			kill(pid, SIGKILL);
			return -1;
		}
		usleep(1000);
	}
	return status;
}

static void disturb(unsigned slot)
{
	struct slot *s = &board->slots[slot];

	switch (pick(12)) {
	case 0:
		s->pid = 0;
		kill(workers[slot], SIGKILL);
		(void)await_end(workers[slot], "a killed worker");
		board->kills++;
		start_worker(slot);
		break;
	case 1:
	case 2:
		kill(workers[slot], SIGSTOP);
		usleep(1000 * pick(50));
		kill(workers[slot], SIGCONT);
		break;
	default:
		break;
	}
}

static void look_after(unsigned slot)
{
	int status;

	if (waitpid(workers[slot], &status, WNOHANG) != workers[slot])
		return;
	printf("# worker %u ended with status %#x\n", slot, (unsigned)status);
	failed = true;
	board->slots[slot].pid = 0;
	start_worker(slot);
}

static void wild(unsigned seconds)
{
	const time_t end = time(NULL) + (time_t)seconds;
	unsigned i;

	for (i = 0; i < WORKERS; i++)
		start_worker(i);
	for (i = 0; i < DEBUGGERS; i++) {
		const unsigned seed = pick(1u << 30);

		debuggers[i] = fork();
		if (debuggers[i] == 0)
			be_debugger(seed);
	}
	while (time(NULL) < end && !failed) {
		usleep(40000);
		disturb(pick(WORKERS));
		for (i = 0; i < WORKERS; i++)
			look_after(i);
	}
	board->stop = true;
	for (i = 0; i < DEBUGGERS; i++)
		failed |= await_end(debuggers[i], "a debugger") != 0;
	for (i = 0; i < WORKERS; i++)
		failed |= await_end(workers[i], "a worker") != 0;
}

static void set_knob(int fd, unsigned which, int64_t value)
{
	struct ctest_set set = { .knob = which, .value = value };

	if (ioctl(fd, CTEST_SET, &set) != 0)
		err(1, "CTEST_SET");
}

/* A descriptor that is not open for writing: MAP_SHARED is still the process's one context. */
static bool reader_shares(int fd)
{
	const int reader = open("/dev/ctest0", O_RDONLY | O_CLOEXEC);
	char *mine = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *its = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
	bool same = mine != MAP_FAILED && its != MAP_FAILED;

	if (same) {
		*word_at(mine) = 4711;
		same = *word_at(its) == 4711;
		same &= mprotect(its, PAGE, PROT_READ | PROT_WRITE) != 0;
	}
	munmap(mine, PAGE);
	munmap(its, PAGE);
	set_knob(fd, CT_CALLBACKS, 1 << CT_ACCESS);
	its = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
	same &= its != MAP_FAILED;
	munmap(its, PAGE);
	set_knob(fd, CT_CALLBACKS, 0);
	close(reader);
	return same;
}

/* The driver too is another with each seed: how long its handles are, and its holds. */
static void choose_driver(int fd)
{
	const int64_t piece = pick(3), hold = pick(2) * 2000000, keep = pick(2);

	set_knob(fd, CT_PIECE, piece);
	set_knob(fd, CT_HOLD_NS, hold);
	set_knob(fd, CT_UNMAP_MODE, keep);
	set_knob(fd, CT_LOAD_MODE, pick(2) ? CT_L_RANGE : CT_L_HANDLE);
	printf("# handles of %lld pages (0: any number), holds of %lld ns\n", (long long)piece,
	       (long long)hold);
}

static bool nothing_left(int fd)
{
	struct ctest_counts c;

	if (ioctl(fd, CTEST_COUNTS, &c) != 0)
		err(1, "CTEST_COUNTS");
	printf("# maps %u, contexts %u, overlaps %u, errors %u\n", c.maps, c.contexts, c.overlaps,
	       c.errors);
	return c.maps == 0 && c.contexts == 0 && c.overlaps == 0 && c.errors == 0;
}

int main(int argc, char **argv)
{
	const unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : (unsigned)time(NULL);
	const unsigned seconds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 10;
	const int fd = open("/dev/ctest0", O_RDWR | O_CLOEXEC);

	setvbuf(stdout, NULL, _IONBF, 0);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (fd < 0 || board == MAP_FAILED)
		err(1, "/dev/ctest0");
	w.slot = WORKERS;
	w.seed = seed * 2654435761U; /* so that 1 and 2 are not alike */
	set_knob(fd, CT_NO_LOG, 1);
	printf("1..3\n# seed %u, %u s\n", seed, seconds);
	printf("%s 1 - C24 a reader's shared mapping is a shared one\n",
	       reader_shares(fd) ? "ok" : "not ok");
	choose_driver(fd);
	wild(seconds);
	printf("# %llu actions, %llu moves and %llu refused, %llu forks, %llu peeks, %llu pokes, "
	       "%llu missed, %llu kills\n",
	       (unsigned long long)board->actions, (unsigned long long)board->moves,
	       (unsigned long long)board->refused, (unsigned long long)board->forks,
	       (unsigned long long)board->peeks, (unsigned long long)board->pokes,
	       (unsigned long long)board->missed, (unsigned long long)board->kills);
	printf("%s 2 - C1 all that Linux lets processes do to mappings loses no value\n",
	       failed ? "not ok" : "ok");
	printf("%s 3 - C22 nothing is left of the processes\n", nothing_left(fd) ? "ok" : "not ok");
	return 0;
}
