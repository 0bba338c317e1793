/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The supervisor: starts an engine process for each driver, and keeps what must outlive one (see
 * keeper.h). It drives nothing and has one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "keeper.h"
#include "escrow.h"
#include "journal.h"
#include "nodes.h"
#include "watchdog.h"

#define RESTARTS_MAX 5 /* within RESTARTS_S seconds; then the driver is left alone */
#define RESTARTS_S   60
#define PARCELS_MAX  256 /* of an engine, before the next one is looked at */
#define KEEPER_FD    3	 /* an engine's end of its socket; the first after stderr */
#define STOP_S	     10	 /* time for an engine to stop in */
#define LEAVE_S	     1	 /* for one to exit that has stopped */
#define DIE_S	     2	 /* for one to end that is killed */

struct engine {
	struct engine *next;
	const char *spec;
	pid_t pid;
	int sock; /* -1: it is dead */
	bool ready, stopping, killed;
	char names[512];
	time_t first_restart;
	unsigned restarts;
	struct journal now; /* what it has told */
	struct journal old; /* ... and the one that died, while this one takes over */
	bool resuming;
	struct watchdog watchdog;
};

static struct engine *engines;
static struct escrow *orphans; /* clients of dead engines, until they end */
static bool stopping, announced;
static bool start_failed; /* an engine ended before all were ready: none is served */
static time_t stop_by;	  /* then engines that have not stopped are killed */

static void announce(void)
{
	struct engine *e;

	for (e = engines; e != NULL; e = e->next)
		if (!e->ready)
			return;
	if (announced || start_failed)
		return;
	announced = true;
	printf("devmap: ready:");
	for (e = engines; e != NULL; e = e->next)
		printf(" %s", e->names);
	printf("\n");
	fflush(stdout);
	(void)sd_notify(0, "READY=1");
}

/* Failed, or left blocked, and held until it ends. Its requests find nobody. */
static void orphan(struct escrow *c, bool fail)
{
	escrow_hang_up(c);
	if (fail)
		escrow_fail(c);
	c->next = orphans;
	orphans = c;
}

/* Another engine has taken over. Whom it has not could not be taken over. */
static void engine_resumed(struct engine *e)
{
	unsigned lost = 0, all = 0;
	struct escrow *c;

	while ((c = e->old.clients) != NULL) {
		e->old.clients = c->next;
		all++;
		if (escrow_has(e->now.clients, c->id)) {
			escrow_free(c);
		} else {
			lost += c->pidfd >= 0;
			orphan(c, true);
		}
	}
	e->ready = true; /* it wakes them one by one, before it says so */
	e->now.life = e->old.life;
	journal_free(&e->old);
	e->resuming = false;
	log_info("%s: engine %d goes on for %u clients; %u could not be taken over", e->spec,
		 (int)e->pid, all - lost, lost);
}

/* A parcel about the engine itself. False: it is about a client. */
static bool parcel_of_engine(struct engine *e, const struct parcel *p)
{
	switch (p->op) {
	case PARCEL_READY:
		snprintf(e->names, sizeof(e->names), "%s", p->text);
		e->ready = true;
		announce();
		return true;
	case PARCEL_FAILED:
		return true;
	case PARCEL_STOPPING:
		e->stopping = true;
		return true;
	case PARCEL_END:
		/* An engine that stops ends all its sessions, but the processes are still there. */
		if (!e->stopping)
			escrow_end(&e->now.clients, p->session);
		return true;
	case PARCEL_FORK:
		escrow_fork(&e->now.clients, p->session, p->addr);
		return true;
	case PARCEL_RESUMED:
		engine_resumed(e);
		return true;
	}
	return false;
}

static void parcel_take(struct engine *e, const struct parcel *p, const int *fds, unsigned nfds)
{
	struct escrow *c;

	if (parcel_of_engine(e, p) || watchdog_take(&e->watchdog, p, fds, nfds) ||
	    journal_take(&e->now, p, fds, nfds))
		return;
	c = escrow_find(&e->now.clients, p->session);
	if (c == NULL)
		fds_close(fds, nfds);
	else
		escrow_take(c, p, fds, nfds);
}

/*
 * Parcels that have come, and no more at a time than others can wait for: clients have a share in how many there
 * are. False when the engine's end is closed.
 */
static bool engine_read(struct engine *e)
{
	for (unsigned i = 0; i < PARCELS_MAX; i++) {
		struct parcel p;
		int fds[KEEPER_FDS_MAX];
		unsigned nfds;
		ssize_t n = wire_receive(e->sock, &p, sizeof(p), fds, KEEPER_FDS_MAX, &nfds, NULL,
					 MSG_DONTWAIT);

		if (n == -EAGAIN)
			return true;
		if (n <= 0)
			return false;
		if (n == sizeof(p))
			parcel_take(e, &p, fds, nfds);
		else
			fds_close(fds, nfds);
	}
	return true;
}

static int engine_start_process(struct engine *e, enum on_crash policy)
{
	const struct journal *before = e->resuming ? &e->old : NULL;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	fflush(stdout);
	e->pid = fork();
	if (e->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (e->pid == 0) {
		(void)prctl(PR_SET_NAME, "devmap-engine");
		/* What is in escrow for other engines' clients is no business of this one. */
		if (dup2(ends[1], KEEPER_FD) < 0 || journal_keep_only(before, KEEPER_FD + 1) != 0)
			exit(1);
		(void)fcntl(KEEPER_FD, F_SETFD, FD_CLOEXEC);
		exit(engine_main(e->spec, KEEPER_FD, policy == CRASH_RESUME, before));
	}
	close(ends[1]);
	e->sock = ends[0];
	e->ready = e->stopping = e->killed = false;
	return 0;
}

/* CLOCK_MONOTONIC, in seconds. */
static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static bool may_restart(struct engine *e)
{
	time_t now = seconds();

	if (e->restarts == 0 || now - e->first_restart > RESTARTS_S) {
		e->first_restart = now;
		e->restarts = 0;
	}
	return e->restarts++ < RESTARTS_MAX;
}

static void describe_death(struct engine *e, int status)
{
	if (WIFSIGNALED(status))
		log_warn("%s: engine %d died of signal %d (%s)", e->spec, (int)e->pid,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (e->ready && !e->stopping)
		log_warn("%s: engine %d exited with status %d", e->spec, (int)e->pid,
			 WEXITSTATUS(status));
}

/* What an engine has said that has died before it had taken over. */
static void discard_now(struct engine *e)
{
	struct escrow *c;

	while ((c = e->now.clients) != NULL) {
		e->now.clients = c->next;
		escrow_free(c);
	}
	journal_free(&e->now);
	e->now = (struct journal){ .clients = NULL };
}

/* Its clients: failed or left blocked; held in either case until they end. */
static void engine_bereave(struct engine *e, enum on_crash policy)
{
	struct escrow *c;

	if (e->resuming) {
		discard_now(e);
		e->now = e->old;
		e->old = (struct journal){ .clients = NULL };
		e->resuming = false;
	}
	while ((c = e->now.clients) != NULL) {
		e->now.clients = c->next;
		orphan(c, policy != CRASH_BLOCK || e->stopping);
	}
	journal_free(&e->now);
	e->now = (struct journal){ .clients = NULL };
}

/* Waits for it. False: it is still there after so many seconds. */
static bool engine_ended(struct engine *e, int within, int *status)
{
	const struct timespec tick = { .tv_nsec = 1000000 };

	for (time_t by = seconds() + within; seconds() <= by;) {
		if (waitpid(e->pid, status, WNOHANG) != 0)
			return true;
		(void)nanosleep(&tick, NULL);
	}
	return false;
}

/*
 * It is dying, or stops and has said its last, or has closed our line by mistake: then it must die too. A
 * thread that sleeps in the kernel keeps it from ending: then it is left.
 */
static bool engine_reap(struct engine *e, int *status)
{
	if (e->stopping && !e->killed && engine_ended(e, stopping ? STOP_S : LEAVE_S, status))
		return true;
	(void)kill(e->pid, SIGKILL);
	if (engine_ended(e, DIE_S, status))
		return true;
	log_warn("%s: engine %d is stuck in the kernel, and is left behind", e->spec, (int)e->pid);
	*status = SIGKILL;
	return false;
}

static void call_answered(void *arg, const struct fuse_in_header *in, uint64_t fh)
{
	struct engine *e = arg;
	struct journal *j = e->resuming ? &e->old : &e->now;

	/* What the kernel has told only once: nobody uses that file any more. */
	if (in->opcode == FUSE_RELEASE)
		journal_forget(j, PARCEL_OPEN, fh);
	else
		journal_note_call(j, in->pid);
}

/*
 * May another engine take over? A driver that has no memory of its own that outlives an engine has nothing to
 * go on from. One that has exited before it had taken over has said why it cannot.
 */
static bool can_resume(const struct engine *e, int status)
{
	if (e->resuming)
		return !WIFEXITED(status);
	return e->ready && journal_has(&e->now, PARCEL_MEMORY);
}

/* Another engine, which takes over. Its clients wait meanwhile. False: there is none. */
static bool engine_resume(struct engine *e)
{
	/* Who waits for an answer of the one that died asks once more. */
	watchdog_answer(&e->watchdog, call_answered, e);
	watchdog_end(&e->watchdog);
	if (e->resuming) {
		discard_now(e);
	} else {
		e->old = e->now;
		e->now = (struct journal){ .clients = NULL };
		e->resuming = true;
	}
	e->old.life++;
	return engine_start_process(e, CRASH_RESUME) == 0;
}

/* Another engine in its place, if the policy has it. False: none. */
static bool engine_replace(struct engine *e, enum on_crash policy, bool resume)
{
	if (!may_restart(e)) {
		log_warn("%s: died %d times within %d s; not started again", e->spec, RESTARTS_MAX,
			 RESTARTS_S);
		return false;
	}
	return resume ? engine_resume(e) : engine_start_process(e, policy) == 0;
}

/* Returns whether the engine is to be taken off the list. */
static bool engine_died(struct engine *e, enum on_crash policy, int *status_out)
{
	bool goes_on = !e->stopping && !stopping, ended, resume;
	int status = 0;

	close(e->sock);
	e->sock = -1;
	ended = engine_reap(e, &status);
	describe_death(e, status);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		*status_out = 1;
	if (!announced && *status_out != 0)
		start_failed = true;
	/* What is stuck might still move pages. */
	resume = policy == CRASH_RESUME && goes_on && ended && can_resume(e, status);
	if (resume && engine_replace(e, policy, true))
		return false;
	engine_bereave(e, policy);
	/* Its nodes answer nobody until the last copy of a connection is closed. */
	watchdog_end(&e->watchdog);
	nodes_sweep();
	if (policy != CRASH_RESTART && policy != CRASH_RESUME)
		return true;
	return resume || !e->ready || !goes_on || !engine_replace(e, policy, false);
}

static void stop_all(void)
{
	if (stopping)
		return;
	stopping = true;
	stop_by = seconds() + STOP_S;
	(void)sd_notify(0, "STOPPING=1");
	for (struct engine *e = engines; e != NULL; e = e->next)
		if (e->sock >= 0)
			(void)kill(e->pid, SIGTERM);
}

/* How long to wait for engines that are to stop, in ms. Those that do not in time are killed. */
static int patience_to_stop(void)
{
	time_t now = seconds();

	if (!stopping)
		return -1;
	if (now < stop_by)
		return (int)(stop_by - now) * 1000;
	for (struct engine *e = engines; e != NULL; e = e->next) {
		if (e->sock < 0 || e->killed)
			continue;
		log_warn(
			"%s: engine %d has not stopped within %d s (a call of the driver does not return, or "
			"the driver does not detach): killed",
			e->spec, (int)e->pid, STOP_S);
		e->killed = true;
		(void)kill(e->pid, SIGKILL);
	}
	return now < stop_by + DIE_S ? (int)(stop_by + DIE_S - now) * 1000 : 0;
}

/* We are to end, and this one has been killed, and is still there. */
static bool is_beyond_help(const struct engine *e)
{
	return stopping && e->killed && seconds() >= stop_by + DIE_S;
}

/* How long to wait for the next event, in ms. */
static int patience(void)
{
	int least = patience_to_stop();

	for (const struct engine *e = engines; e != NULL; e = e->next) {
		const int p = watchdog_patience(&e->watchdog);

		if (p >= 0 && (least < 0 || p < least))
			least = p;
	}
	return least;
}

static int make_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * What to wait for: signals, engines, the ends of orphans, and accesses that we are to fail. Each of these has
 * its place, and what the watchdogs wait for follows.
 */
static struct pollfd *make_poll(int sigfd, nfds_t *n)
{
	nfds_t count = 1, i = 1;
	struct pollfd *fds;

	for (struct engine *e = engines; e != NULL; e = e->next)
		count += 1 + watchdog_poll(&e->watchdog, NULL);
	for (struct escrow *c = orphans; c != NULL; c = c->next)
		count += 2;
	fds = calloc(count, sizeof(*fds));
	if (fds == NULL)
		return NULL;
	fds[0] = (struct pollfd){ .fd = sigfd, .events = POLLIN };
	for (struct engine *e = engines; e != NULL; e = e->next)
		fds[i++] = (struct pollfd){ .fd = e->sock, .events = POLLIN };
	for (struct escrow *c = orphans; c != NULL; c = c->next) {
		fds[i++] = (struct pollfd){ .fd = c->pidfd, .events = POLLIN };
		fds[i++] = (struct pollfd){ .fd = c->answers ? c->uffd : -1, .events = POLLIN };
	}
	for (struct engine *e = engines; e != NULL; e = e->next)
		i += watchdog_poll(&e->watchdog, fds + i);
	*n = i;
	return fds;
}

/* Those that have ended are forgotten, and those that wait for something are given a signal. */
static void serve_orphans(const struct pollfd *fds)
{
	struct escrow **p = &orphans, *c;

	while ((c = *p) != NULL) {
		bool ended = fds[0].revents != 0 || c->pidfd < 0;

		escrow_reap(c);
		if (!ended && fds[1].revents == POLLIN) {
			escrow_answer(c);
		} else if (!ended && fds[1].revents != 0) {
			/* It has made its userfaultfd a blocking one, which cannot be watched. */
			escrow_abandon(c);
			c->answers = false;
		}
		fds += 2;
		if (ended) {
			*p = c->next;
			escrow_free(c);
		} else {
			p = &c->next;
		}
	}
}

/* Before anything of what was waited for is served: then the entries are found by the lists. */
static void serve_watchdogs(const struct pollfd *fds)
{
	fds++;
	for (struct engine *e = engines; e != NULL; e = e->next)
		fds++;
	for (struct escrow *c = orphans; c != NULL; c = c->next)
		fds += 2;
	for (struct engine *e = engines; e != NULL; e = e->next) {
		if (watchdog_serve(&e->watchdog, &fds, e->spec) || e->killed)
			continue;
		log_warn(
			"%s: engine %d does not answer, and is at work in the memory of a process that is "
			"being killed: killed",
			e->spec, (int)e->pid);
		e->killed = true;
		(void)kill(e->pid, SIGKILL);
	}
}

static void serve_events(const struct pollfd *fds, enum on_crash policy, int *status)
{
	struct engine **p = &engines, *e;
	nfds_t i = 1, engines_end = 1;

	for (e = engines; e != NULL; e = e->next)
		engines_end++;
	serve_watchdogs(fds);
	serve_orphans(fds + engines_end);
	while ((e = *p) != NULL) {
		bool dead = (fds[i++].revents != 0 && !engine_read(e)) || is_beyond_help(e);

		if (dead && engine_died(e, policy, status)) {
			*p = e->next;
			free(e);
		} else {
			p = &e->next;
		}
	}
}

static int supervise(int sigfd, enum on_crash policy)
{
	int status = 0;

	/* Orphans are kept as long as they live, unless we are told to stop. */
	while (engines != NULL || (orphans != NULL && !stopping)) {
		struct signalfd_siginfo si;
		struct pollfd *fds;
		nfds_t n;

		fds = make_poll(sigfd, &n);
		if (fds == NULL || (poll(fds, n, patience()) < 0 && errno != EINTR)) {
			free(fds);
			return 1;
		}
		if (fds[0].revents != 0 && read(sigfd, &si, sizeof(si)) == sizeof(si))
			stop_all();
		serve_events(fds, policy, &status);
		free(fds);
		/* One driver that cannot be served at the start is reason enough to serve none. */
		if (start_failed)
			stop_all();
	}
	return status;
}

static void abandon_orphans(void)
{
	struct escrow *c;

	while ((c = orphans) != NULL) {
		orphans = c->next;
		escrow_abandon(c);
		escrow_free(c);
	}
}

/*
 * We are to end, and there are clients whose accesses would block for ever then, since the kernel
 * cannot fail them (before Linux 6.6). A process that does nothing else stays until the last of them
 * has ended. A service manager would not have it: there the clients are told at once.
 */
static void leave_orphans(int sigfd)
{
	struct signalfd_siginfo si;
	struct escrow *c = orphans;
	pid_t pid;
	int null;

	while (c != NULL && !c->answers)
		c = c->next;
	if (c == NULL)
		return;
	pid = getenv("NOTIFY_SOCKET") == NULL ? fork() : -1;
	if (pid < 0)
		abandon_orphans();
	if (pid != 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	(void)prctl(PR_SET_NAME, "devmap-orphans");
	while (orphans != NULL) {
		nfds_t n;
		struct pollfd *fds = make_poll(sigfd, &n);

		if (fds == NULL || (poll(fds, n, -1) < 0 && errno != EINTR) ||
		    (fds[0].revents != 0 && read(sigfd, &si, sizeof(si)) == sizeof(si)))
			abandon_orphans();
		else
			serve_orphans(fds + 1);
		free(fds);
	}
	_exit(0);
}

/* Who has seen us end finds that accesses fail. Those of hostile clients are not waited for. */
static void await_failing(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	bool any = true;

	for (time_t by = seconds() + DIE_S; any && seconds() < by;) {
		any = false;
		for (struct escrow *c = orphans; c != NULL; c = c->next) {
			escrow_reap(c);
			any |= c->failing > 0;
		}
		if (any)
			(void)nanosleep(&tick, NULL);
	}
}

/* Sessions, windows and connections are descriptors, ours and the engines': as many as we may have. */
static void raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

int supervisor_main(char *const *specs, int nspecs, enum on_crash policy)
{
	int sigfd = make_signalfd(), error = 0;
	struct engine **tail = &engines;

	raise_limits();
	if (sigfd < 0) {
		log_warn("signalfd: %s", strerror(errno));
		return 1;
	}
	/* The number is an engine's line to us, and of nothing that it inherits. */
	if (fcntl(KEEPER_FD, F_GETFD) < 0)
		(void)fcntl(sigfd, F_DUPFD_CLOEXEC, KEEPER_FD);
	for (int i = 0; i < nspecs && error == 0; i++) {
		struct engine *e = calloc(1, sizeof(*e));

		if (e == NULL || specs[i] == NULL) {
			free(e);
			error = -ENOMEM;
			break;
		}
		e->spec = specs[i];
		e->sock = -1;
		error = engine_start_process(e, policy);
		if (error == 0) {
			*tail = e;
			tail = &e->next;
		} else {
			log_warn("%s: cannot start an engine: %s", e->spec, strerror(-error));
			free(e);
		}
	}
	if (error != 0)
		stop_all();
	if (supervise(sigfd, policy) != 0)
		error = -EIO;
	await_failing();
	leave_orphans(sigfd);
	return error != 0;
}
