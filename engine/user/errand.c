/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * See errand.h. The two processes share an area: a slot for each thread of the runner, and where the
 * windows are in the runner's table of descriptors. A socket carries what is rare: windows, and the wish
 * for a thread more. The runner ends when the socket does, which is when the engine ends.
 *
 * A slot is FREE or has no thread yet (NONE); who wants an errand run TAKES it and POSTS it; the
 * runner's thread says DONE. An errand that is given up is ABANDONED, and its slot FREE when it is done
 * after all.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "errand.h"
#include "held.h"
#include "wire.h"

#define SLOTS	  128
#define NAMES	  65536 /* windows at a time */
#define TICK_MS	  5	/* how often the one who waits looks */
#define NAMING_MS 1000	/* for the runner to take in a window */
#define TICK_NS	  (TICK_MS * 1000000L)
#define TRIES_MAX 200 /* of a tick, for a thread that the system does not have */

enum slot_state { SLOT_NONE, SLOT_FREE, SLOT_TAKEN, SLOT_POSTED, SLOT_DONE, SLOT_ABANDONED };

struct slot {
	_Alignas(64) _Atomic uint32_t state; /* a futex */
	_Atomic int32_t tid; /* of the runner's thread; 0: not known yet, -1: none */
	int32_t fd;	     /* the runner's */
	int32_t error;
	int64_t off, len;
};

enum message_op { ERRAND_HOLD, ERRAND_RELEASE, ERRAND_THREAD };

struct message {
	uint32_t op, arg;
};

static struct area {
	struct slot slots[SLOTS];
	_Atomic uint32_t held[NAMES]; /* the runner's descriptor and 1; a futex */
} * area;

static struct {
	pthread_mutex_t lock; /* guards used and next; one message at a time */
	int sock;	      /* -1: there is no runner */
	int gone;	      /* a pipe whose other end the runner has, and nobody else */
	pid_t pid;
	unsigned cpus, next;
	bool used[NAMES];
} errands = { .lock = PTHREAD_MUTEX_INITIALIZER, .sock = -1 };

/* ms: -1 for ever. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, int ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, ms < 0 ? NULL : &t, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool step(struct slot *s, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&s->state, &from, to);
}

/*
 * The runner
 */

static int punch(const struct slot *s)
{
	const int how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	int rc;

	do
		rc = fallocate(s->fd, how, s->off, s->len);
	while (rc != 0 && errno == EINTR);
	return rc == 0 ? 0 : -errno;
}

static void *run_errands(void *arg)
{
	struct slot *s = arg;

	atomic_store(&s->tid, gettid());
	for (;;) {
		uint32_t state = atomic_load(&s->state);

		if (state != SLOT_POSTED) {
			futex_wait(&s->state, state, -1);
			continue;
		}
		s->error = punch(s);
		if (step(s, SLOT_POSTED, SLOT_DONE))
			futex_wake(&s->state);
		else
			(void)step(s, SLOT_ABANDONED, SLOT_FREE);
	}
	return NULL;
}

/* The first ones have a processor each: the one that asks is not moved, nor does it wait for another. */
static void start_thread(unsigned i)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	pthread_t t;

	if (i >= SLOTS || pthread_attr_init(&attr) != 0)
		return;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, 65536);
	if (pthread_create(&t, &attr, run_errands, &area->slots[i]) != 0) {
		atomic_store(&area->slots[i].tid, -1);
	} else if (i < errands.cpus) {
		CPU_ZERO(&cpus);
		CPU_SET(i, &cpus);
		(void)pthread_setaffinity_np(t, sizeof(cpus), &cpus);
	}
	(void)pthread_attr_destroy(&attr);
}

static void take_message(const struct message *m, const int *fds, unsigned nfds)
{
	uint32_t fd = nfds > 0 ? (uint32_t)fds[0] + 1 : 0;

	if (m->op == ERRAND_THREAD) {
		start_thread(m->arg);
	} else if (m->arg < NAMES) {
		fd = atomic_exchange(&area->held[m->arg], fd);
		futex_wake(&area->held[m->arg]);
		if (fd != 0)
			close((int)fd - 1);
	}
}

static void run(int sock)
{
	struct message m;
	unsigned nfds;
	ssize_t n;
	int fd;

	while ((n = wire_receive(sock, &m, sizeof(m), &fd, 1, &nfds, NULL, 0)) > 0)
		if (n == sizeof(m))
			take_message(&m, &fd, nfds);
}

/* Nobody's signals are for it: it ends with its engine. */
static void become_runner(int sock, int alive)
{
	sigset_t all;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "devmap-errands");
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
	/* The numbers of the two are not in each other's way. */
	alive = fcntl(alive, F_DUPFD_CLOEXEC, STDERR_FILENO + 3);
	if (alive >= 0 && dup2(sock, STDERR_FILENO + 1) >= 0 &&
	    dup2(alive, STDERR_FILENO + 2) >= 0 && close_range(STDERR_FILENO + 3, ~0U, 0) == 0)
		run(STDERR_FILENO + 1);
	_exit(0);
}

/*
 * The engine
 */

int errands_init(void)
{
	int ends[2], alive[2], error;

	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	if (pipe2(alive, O_CLOEXEC) != 0) {
		error = -errno;
		close(ends[0]);
		close(ends[1]);
		return error;
	}
	errands.cpus = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	if (errands.cpus > SLOTS / 2)
		errands.cpus = SLOTS / 2;
	errands.pid = fork();
	if (errands.pid == 0)
		become_runner(ends[1], alive[1]);
	error = errands.pid < 0 ? -errno : 0;
	errands.gone = alive[0];
	close(alive[1]);
	close(ends[1]);
	if (error == 0)
		errands.sock = ends[0];
	else
		close(ends[0]);
	return error;
}

int errands_gone(void)
{
	return errands.gone;
}

void errands_fini(void)
{
	if (errands.sock < 0)
		return;
	(void)shutdown(errands.sock, SHUT_RDWR);
	for (int i = 0; i < TRIES_MAX && waitpid(errands.pid, NULL, WNOHANG) == 0; i++)
		(void)usleep(1000);
}

/* errands.lock held, but for a wish that several may have. 0 or -errno. */
static int send_message(uint32_t op, uint32_t arg, const int *fd)
{
	struct message m = { .op = op, .arg = arg };
	struct iovec iov = { .iov_base = &m, .iov_len = sizeof(m) };

	return wire_send(errands.sock, &iov, 1, fd, fd != NULL ? 1 : 0);
}

/* errands.lock held. A name that nobody has; -EAGAIN: there is none. */
static int name_find(void)
{
	ASSERT_HELD(&errands.lock);
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned name = (errands.next + i) % NAMES;

		if (!errands.used[name] && atomic_load(&area->held[name]) == 0) {
			errands.next = name + 1;
			return (int)name;
		}
	}
	return -EAGAIN;
}

int errand_hold(int fd)
{
	int name, error;

	if (errands.sock < 0)
		return -ENOSYS;
	pthread_mutex_lock(&errands.lock);
	error = name = name_find();
	if (name >= 0)
		error = send_message(ERRAND_HOLD, (uint32_t)name, &fd);
	if (error == 0)
		errands.used[name] = true;
	pthread_mutex_unlock(&errands.lock);
	if (error < 0)
		return error;
	for (int ms = 0; atomic_load(&area->held[name]) == 0; ms += TICK_MS) {
		if (ms >= NAMING_MS) {
			errand_release(name);
			return -EAGAIN;
		}
		futex_wait(&area->held[name], 0, TICK_MS);
	}
	return name;
}

void errand_release(int name)
{
	pthread_mutex_lock(&errands.lock);
	(void)send_message(ERRAND_RELEASE, (uint32_t)name, NULL);
	errands.used[name] = false;
	pthread_mutex_unlock(&errands.lock);
}

/* A slot with a thread, this processor's if it can be, or one that is about to have one; NULL: none. */
static struct slot *slot_take(void)
{
	int cpu = sched_getcpu();
	unsigned first = cpu >= 0 ? (unsigned)cpu % errands.cpus : 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		unsigned k = i < errands.cpus ? (first + i) % errands.cpus : i;
		struct slot *s = &area->slots[k];

		if (step(s, SLOT_FREE, SLOT_TAKEN))
			return s;
		if (!step(s, SLOT_NONE, SLOT_TAKEN))
			continue;
		if (send_message(ERRAND_THREAD, k, NULL) == 0)
			return s;
		atomic_store(&s->state, SLOT_NONE);
	}
	return NULL;
}

/* What the thread that runs it does: 'D' asleep, 'R' at work, and how long it has worked, in ticks. */
static char runner_state(const struct slot *s, unsigned long *worked)
{
	char path[64], text[512], *at;
	char state = '?';
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)errands.pid,
		 (int)atomic_load(&s->tid));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	if (at == NULL ||
	    sscanf(at, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lu", &state, worked) != 2)
		return '?';
	return state;
}

static int64_t nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Is there nobody who could run it any more? */
static bool runner_is_gone(void)
{
	char byte;

	return recv(errands.sock, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/*
 * Waits for it. Where the machine is short of processors, time is not the client's fault: what counts is
 * the time that its thread slept in the kernel while we were woken when we wanted to, and the time that
 * it worked. 0: it is done; -ETIMEDOUT; -EAGAIN: there is no thread; -ENXIO: no runner.
 */
static int slot_wait(struct slot *s)
{
	const unsigned long ticks = (unsigned long)sysconf(_SC_CLK_TCK);
	unsigned long worked, before = ULONG_MAX, asleep = 0;

	while (atomic_load(&s->state) == SLOT_POSTED) {
		int64_t since = nanoseconds();
		char state;

		futex_wait(&s->state, SLOT_POSTED, TICK_MS);
		state = atomic_load(&s->state) == SLOT_POSTED ? runner_state(s, &worked) : 'S';
		if (atomic_load(&s->tid) == -1)
			return -EAGAIN;
		if (state == '?' && runner_is_gone())
			return -ENXIO;
		if (state != 'D' && state != 'R')
			continue;
		if (before == ULONG_MAX)
			before = worked;
		if (state == 'D' && nanoseconds() - since < 2 * TICK_NS)
			asleep++;
		if (asleep * TICK_MS >= ERRAND_SLEEP_MS ||
		    (worked - before) * 1000 > ERRAND_WORK_MS * ticks)
			return -ETIMEDOUT;
	}
	return 0;
}

static int try_punch(int name, off_t off, off_t len)
{
	struct slot *s = slot_take();
	int error;

	if (s == NULL)
		return -ETIMEDOUT; /* so many are stuck */
	s->fd = (int)atomic_load(&area->held[name]) - 1;
	s->off = off;
	s->len = len;
	atomic_store(&s->state, SLOT_POSTED);
	futex_wake(&s->state);
	error = slot_wait(s);
	if (error == -EAGAIN) {
		atomic_store(&s->tid, 0);
		atomic_store(&s->state, SLOT_NONE);
	}
	if (error == -EAGAIN || error == -ENXIO ||
	    (error == -ETIMEDOUT && step(s, SLOT_POSTED, SLOT_ABANDONED)))
		return error;
	error = s->error;
	atomic_store(&s->state, SLOT_FREE);
	return error;
}

int errand_punch(int name, off_t off, off_t len)
{
	const struct timespec nap = { .tv_nsec = TICK_NS };
	int error = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && error == -EAGAIN; i++) {
		if (i > 0)
			(void)nanosleep(&nap, NULL);
		error = try_punch(name, off, len);
	}
	return error;
}
