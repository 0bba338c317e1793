/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* One engine process, from start to stop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "engine.h"
#include "errand.h"
#include "fuse.h"
#include "keeper.h"
#include "policy.h"
#include "resume.h"

struct server_options server_options = {
	.owner = (uid_t)-1,
	.group = (gid_t)-1,
	.max_threads = 256,
	.lock_ns = 1000000000,
	.lock_pages = 4096,
};
uint64_t server_id;

static struct driver *the_driver;
static char the_name[MINOR_NAME_MAX]; /* its name, which is asked for when it may be gone */
static int exit_status;
static atomic_bool leaving; /* we have told the supervisor that we are done */

/*
 * The driver makes and removes minor nodes whenever it likes; doors follow them from the start to
 * the stop. A node that was removed is freed after minor_removed(): while this lock is held, every
 * node that has been met stays.
 */
static pthread_mutex_t nodes_lock = PTHREAD_MUTEX_INITIALIZER;
static bool nodes_have_doors;

static void minor_added(struct minor_node *m)
{
	pthread_mutex_lock(&nodes_lock);
	if (nodes_have_doors)
		(void)door_open(m);
	pthread_mutex_unlock(&nodes_lock);
}

static void minor_removed(struct minor_node *m)
{
	pthread_mutex_lock(&nodes_lock);
	if (nodes_have_doors)
		door_close(m);
	pthread_mutex_unlock(&nodes_lock);
}

/* The names of all nodes, as far as there is room. 0 or -errno. */
static int open_doors(char *names, size_t room)
{
	struct minor_node *m = NULL;
	size_t used = 0;
	int error = 0;

	names[0] = '\0';
	pthread_mutex_lock(&nodes_lock);
	while (error == 0 && (m = driver_minor_after(the_driver, m)) != NULL) {
		error = door_open(m);
		if (used < room)
			used += (size_t)snprintf(names + used, room - used, "%s%s", used ? " " : "",
						 m->name);
	}
	nodes_have_doors = error == 0;
	pthread_mutex_unlock(&nodes_lock);
	return error;
}

static void close_doors(void)
{
	pthread_mutex_lock(&nodes_lock);
	nodes_have_doors = false;
	pthread_mutex_unlock(&nodes_lock);
	doors_close();
}

/*
 * Nobody comes in any more, and who is in leaves. True: nobody calls the driver from here on. False: somebody
 * is still in there, or has so many mappings that their end takes long.
 */
static bool stop_serving(void)
{
	close_doors();
	requests_interrupt();
	fuse_calls_interrupt_all();
	sessions_end();
	files_close();
	if (files_wait(5000))
		return true;
	log_warn("%s: clients still hold it open; stopping all the same", the_name);
	return false;
}

static void stop_work(struct work *w)
{
	int error;

	(void)w;
	keeper_say(PARCEL_STOPPING, "");
	if (!stop_serving()) {
		/* What the driver has is in use: it is not detached, and nothing is freed under others. */
		errands_fini();
		(void)fflush(NULL);
		_exit(exit_status);
	}
	devmap_instance_gone(NULL);
	error = driver_unload(the_driver);
	if (error != 0) {
		log_warn("%s: does not detach: %s", the_name, strerror(-error));
		exit_status = 1;
	}
	pool_stop();
}

static void signal_ready(struct source *s, uint32_t events)
{
	static struct work work = { .run = stop_work };
	static atomic_bool stopping;
	struct signalfd_siginfo si;

	(void)events;
	if (read(s->fd, &si, sizeof(si)) != sizeof(si)) {
		source_arm(s);
		return;
	}
	source_arm(s);
	if (!atomic_exchange(&stopping, true))
		pool_run(&work);
}

static void never_released(struct source *s)
{
	(void)s;
}

/* SIGTERM stops an engine. SIGINT from a terminal is the supervisor's affair. */
static int watch_signals(void)
{
	static struct source source = { .urgent = true,
					.ready = signal_ready,
					.release = never_released };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	source.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return source.fd < 0 ? -errno : source_add(&source);
}

static void supervisor_gone(struct source *s, uint32_t events)
{
	(void)events;
	source_remove(s);
	if (!atomic_load(&leaving))
		log_warn("%s: the supervisor is gone; serving on without it", the_name);
}

static int watch_supervisor(int fd)
{
	static struct source source = { .urgent = true,
					.ready = supervisor_gone,
					.release = never_released };

	source.fd = fd;
	return fd < 0 ? 0 : source_add(&source);
}

static void no_work(struct work *w)
{
	(void)w;
}

/* Who was there before us is there again, before anybody comes in. 0 or -errno. */
static int begin_service(void)
{
	int error;

	resume_objects();
	error = doors_start();
	if (error == 0)
		error = side_door_start();
	if (error == 0)
		resume_end();
	return error;
}

/*
 * From the loading of the driver to the doors. 0 or -errno; then nothing is left. To take a node away we look
 * at it, and a thread has to answer.
 */
static int serve_driver(const char *spec, int fd)
{
	static struct work work = { .run = no_work };
	char names[512];
	int error = driver_load(spec, &the_driver);

	if (error != 0)
		return error;
	(void)snprintf(the_name, sizeof(the_name), "%s", driver_name(the_driver));
	error = watch_supervisor(fd);
	if (error == 0)
		error = open_doors(names, sizeof(names));
	if (error == 0)
		error = begin_service();
	if (error == 0) {
		keeper_say(PARCEL_READY, names);
		return 0;
	}
	pool_run(&work);
	stop_serving();
	(void)driver_unload(the_driver);
	return error;
}

static int engine_start(const char *spec, int fd, bool resumable, const struct journal *before)
{
	sigset_t set;
	int error, side_door = -1;

	/* All of them are blocked in all threads; SIGTERM is read from a descriptor. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	keeper_init(fd, resumable);
	if (sysconf(_SC_PAGESIZE) != PAGESIZE) {
		log_warn("built for pages of %d bytes; this system has %ld", PAGESIZE,
			 sysconf(_SC_PAGESIZE));
		return -ENOTSUP;
	}
	if (getrandom(&server_id, sizeof(server_id), 0) != sizeof(server_id))
		return -EIO;
	limits_fit();
	error = errands_init();
	if (error == 0)
		error = pool_init(server_options.max_threads);
	if (error == 0)
		error = fuse_calls_init(server_options.max_threads);
	if (error == 0)
		error = pages_init();
	if (error != 0) {
		log_warn("cannot start: %s", strerror(-error));
		return error;
	}
	devmap_core_init();
	policy_init();
	glue_init();
	devmap_set_lock_limits(server_options.lock_ns, server_options.lock_pages);
	files_init();
	error = resume_begin(before);
	if (error != 0)
		return error;
	if (before != NULL)
		doors_hold();
	error = side_door_open(&side_door);
	if (error == 0)
		keeper_engine(server_id, side_door, errands_gone());
	else
		log_warn(
			"no side door: %s; who opens a device and gives up his rights cannot map it",
			strerror(-error));
	driver_set_minor_hook(minor_added, minor_removed);
	error = serve_driver(spec, fd);
	/*
	 * The last of all: when a signal comes, other threads stop the driver, and take away what a
	 * start still uses. One that has come by now is pending, and is read then.
	 */
	return error != 0 ? error : watch_signals();
}

int engine_main(const char *spec, int fd, bool resumable, const struct journal *before)
{
	int error = engine_start(spec, fd, resumable, before);

	if (error != 0) {
		keeper_say(PARCEL_FAILED, "");
		errands_fini();
		return 1;
	}
	pool_loop();
	errands_fini();
	atomic_store(&leaving, true);
	keeper_fini();
	return exit_status;
}
