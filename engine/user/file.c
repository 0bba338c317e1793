/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Device files: the engine's end of each descriptor that a program holds, from open(9E) to
 * close(9E).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/file.h>
#include <sys/open.h>
#include <time.h>
#include <unistd.h>

#include "door.h"
#include "fuse.h"
#include "number.h"
#include "policy.h"

#define DEAD_TRIES 2500 /* of 2 ms, for the ends of processes that have died */

static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static pthread_cond_t files_cv = PTHREAD_COND_INITIALIZER;
static pthread_cond_t closed_cv = PTHREAD_COND_INITIALIZER; /* some door's closer has ended */
static unsigned files_open; /* close(9E) not called yet, and files_enter(); files_lock */
static bool files_stopping; /* files_close() was called; files_lock */

bool files_enter(void)
{
	bool enter;

	pthread_mutex_lock(&files_lock);
	enter = !files_stopping;
	if (enter)
		files_open++;
	pthread_mutex_unlock(&files_lock);
	return enter;
}

void files_leave(void)
{
	pthread_mutex_lock(&files_lock);
	if (--files_open == 0)
		pthread_cond_broadcast(&files_cv);
	pthread_mutex_unlock(&files_lock);
}

void file_get(struct file *f)
{
	atomic_fetch_add(&f->refs, 1);
}

struct cb_ops *file_ops(const struct file *f)
{
	struct engine_driver drv;

	return engine_driver(f->dev, &drv) == 0 ? drv.cb : NULL;
}

int ddi_flags(int flags)
{
	int f = (flags & O_ACCMODE) == O_RDONLY ? FREAD :
		(flags & O_ACCMODE) == O_WRONLY ? FWRITE :
						  FREAD | FWRITE;

	return f | (flags & (O_NONBLOCK | O_NDELAY | O_EXCL | O_APPEND));
}

/*
 * close(9E): when the last open file of the node is gone; of a device that open(9E) made up for
 * this open alone, when that is.
 */
static void file_close(struct file *f)
{
	struct cb_ops *cb = file_ops(f);
	struct caller caller = { .cred = f->cred };
	struct caller *before = caller_set(&caller);
	bool cloned = f->dev != f->door->minor.dev;

	pthread_mutex_lock(&f->door->open_lock);
	if (!cloned)
		f->door->opens--;
	if (cb != NULL && !entry_absent((void *)cb->cb_close) && (cloned || f->door->opens == 0))
		(void)cb->cb_close(f->dev, ddi_flags(f->flags), OTYP_CHR, f->cred);
	pthread_mutex_unlock(&f->door->open_lock);
	caller_set(before);
	door_put(f->door);
	cred_put(f->cred);
	pthread_mutex_destroy(&f->lock);
	free(f);
	files_leave();
}

static struct file *closing_take(struct door *d)
{
	struct file *f;

	pthread_mutex_lock(&files_lock);
	f = d->closing;
	if (f != NULL)
		d->closing = f->next;
	else
		d->closer_runs = false;
	if (f == NULL)
		pthread_cond_broadcast(&closed_cv);
	pthread_mutex_unlock(&files_lock);
	return f;
}

/* A client that has closed the device, and opens it, finds it closed. */
static void await_closed(struct door *d)
{
	pthread_mutex_lock(&files_lock);
	while (d->closer_runs)
		pthread_cond_wait(&closed_cv, &files_lock);
	pthread_mutex_unlock(&files_lock);
}

static void door_closer(struct work *w)
{
	struct door *d = container_of(w, struct door, closer);
	struct file *f;

	while ((f = closing_take(d)) != NULL)
		file_close(f);
	door_put(d);
}

/*
 * The last reference may go with the unmapping of the last handle, in the middle of anything: so the
 * closing is a piece of work of its own, one for all files of a door.
 */
void file_put(struct file *f)
{
	struct door *d = f->door;
	bool start;

	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	pthread_mutex_lock(&files_lock);
	f->next = d->closing;
	d->closing = f;
	d->leavings++;
	start = !d->closer_runs;
	d->closer_runs = true;
	pthread_mutex_unlock(&files_lock);
	if (!start)
		return;
	door_get(d);
	d->closer.run = door_closer;
	pool_run(&d->closer);
}

/* files_lock held. */
static void file_unlist(struct file *f)
{
	struct file **p;

	ASSERT_HELD(&files_lock);
	for (p = &files; *p != NULL && *p != f; p = &(*p)->next)
		;
	if (*p != NULL)
		*p = f->next;
}

static void file_release(struct source *s)
{
	struct file *f = container_of(s, struct file, source);

	pthread_mutex_lock(&files_lock);
	file_unlist(f);
	pthread_mutex_unlock(&files_lock);
	close(s->fd);
	file_put(f);
}

void file_info(const struct file *f, struct dm_info *info)
{
	door_info(f->door, info);
	info->rdev = f->dev;
	info->access = (uint32_t)(f->flags & O_ACCMODE);
}

static int driver_open_once(struct file *f)
{
	struct cb_ops *cb = file_ops(f);
	int error = 0;

	await_closed(f->door);
	pthread_mutex_lock(&f->door->open_lock);
	if (cb == NULL)
		error = -ENXIO;
	else if ((const void *)cb->cb_open == (const void *)nodev)
		error = -ENXIO;
	else if (!entry_absent((void *)cb->cb_open))
		error = from_ddi(cb->cb_open(&f->dev, ddi_flags(f->flags), OTYP_CHR, f->cred));
	if (error == 0 && f->dev == f->door->minor.dev)
		f->door->opens++;
	pthread_mutex_unlock(&f->door->open_lock);
	return error;
}

/*
 * Of processes that have died nothing is left open: nobody who has seen them die finds them here. False:
 * there were none.
 */
static bool await_dead(void)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	int tries = 0;

	while (tries < DEAD_TRIES && sessions_end_dead()) {
		(void)nanosleep(&nap, NULL);
		tries++;
	}
	return tries > 0;
}

static unsigned leavings(struct door *d)
{
	unsigned n;

	pthread_mutex_lock(&files_lock);
	n = d->leavings;
	pthread_mutex_unlock(&files_lock);
	return n;
}

/* What was busy is asked once more if somebody has left it, or was dead, and may not have been waited for. */
int file_open_driver(struct file *f)
{
	unsigned before = leavings(f->door);
	int error = driver_open_once(f);

	if (error == -EBUSY && (await_dead() || leavings(f->door) != before))
		error = driver_open_once(f);
	return error;
}

static int driver_open(struct file *f, struct request *rq)
{
	struct caller caller = { .pid = number_of(rq->cred.pid), .cred = f->cred };
	struct caller *before = caller_set(&caller);
	int error;

	request_watch(rq, &caller);
	caller.memory = NULL; /* open(9E) has no argument to copy */
	error = file_open_driver(f);
	request_unwatch(rq);
	caller_set(before);
	return error;
}

/*
 * The pair of sockets of a new file, which carry nothing: what a program writes is refused, what it reads
 * does not come. The engine's end is named, for getpeername(2).
 */
static int file_sockets(const char *name, int ends[2], ino_t *socket)
{
	const struct timeval at_once = { .tv_usec = 1 };
	static atomic_uint serial;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	int n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	n = snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "devmap/%016llx/%u/%s",
		     (unsigned long long)server_id, atomic_fetch_add(&serial, 1), name);
	if (bind(ends[0], (struct sockaddr *)&sa,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0 &&
	    shutdown(ends[0], SHUT_RD) == 0 &&
	    setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof(at_once)) == 0 &&
	    fstat(ends[1], &st) == 0) {
		*socket = st.st_ino;
		return 0;
	}
	n = -errno;
	close(ends[0]);
	close(ends[1]);
	return n;
}

static void file_ready(struct source *s, uint32_t events);

struct file *file_new(struct door *d, int flags, struct cred *cred)
{
	struct file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	atomic_init(&f->refs, 1);
	f->door = d;
	f->dev = d->minor.dev;
	f->flags = flags;
	f->cred = cred;
	f->source = (struct source){
		.fd = -1, .hangup = true, .ready = file_ready, .release = file_release
	};
	pthread_mutex_init(&f->lock, NULL);
	if (getrandom(&f->key, sizeof(f->key), 0) != sizeof(f->key))
		f->key = 0; /* it cannot be mapped then */
	return f;
}

void file_discard(struct file *f)
{
	pthread_mutex_destroy(&f->lock);
	free(f);
}

bool file_list(struct file *f)
{
	bool stopping;

	cred_get(f->cred);
	door_get(f->door);
	pthread_mutex_lock(&files_lock);
	f->next = files;
	files = f;
	files_open++;
	stopping = files_stopping;
	pthread_mutex_unlock(&files_lock);
	return !stopping;
}

struct file *file_by_key(uint64_t key)
{
	struct file *f;

	pthread_mutex_lock(&files_lock);
	for (f = files; f != NULL && (key == 0 || f->key != key); f = f->next)
		;
	if (f != NULL)
		file_get(f);
	pthread_mutex_unlock(&files_lock);
	return f;
}

void file_forget(struct file *f)
{
	pthread_mutex_lock(&files_lock);
	file_unlist(f);
	pthread_mutex_unlock(&files_lock);
	file_put(f);
}

void file_forget_later(struct file *f)
{
	f->to_forget = true;
}

void files_forgotten(void)
{
	struct file *f;

	do {
		pthread_mutex_lock(&files_lock);
		for (f = files; f != NULL && !f->to_forget; f = f->next)
			;
		if (f != NULL)
			file_unlist(f);
		pthread_mutex_unlock(&files_lock);
		if (f != NULL)
			file_put(f);
	} while (f != NULL);
}

struct file *file_by_socket(int fd)
{
	struct stat st;
	struct file *f;
	int domain = 0;
	socklen_t len = sizeof(domain);

	/* Of what is no socket fstat(2) may ask somebody who does not answer. */
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX ||
	    fstat(fd, &st) != 0)
		return NULL;
	pthread_mutex_lock(&files_lock);
	for (f = files; f != NULL && f->socket != st.st_ino; f = f->next)
		;
	if (f != NULL)
		file_get(f);
	pthread_mutex_unlock(&files_lock);
	return f;
}

struct file *file_of_open(struct fuse_open *o)
{
	struct file *f;

	pthread_mutex_lock(&files_lock);
	f = o->file;
	if (f != NULL)
		file_get(f);
	pthread_mutex_unlock(&files_lock);
	return f;
}

void file_hang_up(struct fuse_open *o)
{
	struct file *f;

	pthread_mutex_lock(&files_lock);
	f = o->file;
	o->file = NULL;
	if (f != NULL)
		file_unlist(f);
	pthread_mutex_unlock(&files_lock);
	if (f == NULL)
		return;
	fuse_rounds_end(f);
	file_put(f);
}

/* files_lock held: a file that is listed still has its descriptor. */
static void hang_up(struct file *f)
{
	ASSERT_HELD(&files_lock);
	if (f->open == NULL)
		(void)shutdown(f->source.fd, SHUT_RDWR);
}

int file_open(struct door *d, int flags, struct cred *cred, struct request *rq, int *fd,
	      struct dm_info *info)
{
	struct file *f = file_new(d, flags, cred);
	int ends[2], error;

	if (f == NULL)
		return -ENOMEM;
	error = file_sockets(d->minor.name, ends, &f->socket);
	if (error == 0) {
		error = driver_open(f, rq);
		if (error != 0) {
			close(ends[0]);
			close(ends[1]);
		}
	}
	if (error != 0) {
		file_discard(f);
		return error;
	}
	f->source.fd = ends[0];
	file_info(f, info);
	if (!file_list(f))
		(void)shutdown(ends[0], SHUT_RDWR); /* files_close() may not have met it */
	error = source_add(&f->source);
	if (error != 0) {
		file_release(&f->source);
		close(ends[1]);
		return error;
	}
	*fd = ends[1];
	return 0;
}

static void serve_attach(struct request *rq)
{
	struct dm_reply r;
	struct session *s = NULL;
	int end = -1, error = session_attach(rq, &s, &end);

	reply_init(&r, error);
	reply_send(rq, &r, NULL, &end, error == 0 ? 1 : 0);
	if (end >= 0)
		close(end);
	if (error == 0)
		session_put(s);
}

/* Who has the answer may close the file: it is dropped before. */
static void serve_info(struct file *f, struct request *rq)
{
	struct cred *cred = f->cred;
	struct dm_reply r;

	reply_init(&r, 0);
	file_info(f, &r.info);
	r.v[0] = f->key;
	cred_get(cred);
	file_put(f);
	policy_send(rq, &r, cred, -1);
	cred_put(cred);
}

void file_serve(struct file *f, struct request *rq)
{
	switch (rq->msg.op) {
	case DM_INFO:
		serve_info(f, rq);
		return;
	case DM_ATTACH:
		file_put(f);
		serve_attach(rq);
		return;
	case DM_IOCTL:
		file_serve_ioctl(f, rq);
		break;
	default:
		reply_error(rq, -EPROTO);
	}
	file_put(f);
}

static void file_ready(struct source *s, uint32_t events)
{
	(void)events;
	source_remove(s);
}

void files_each(void (*fn)(struct file *f))
{
	pthread_mutex_lock(&files_lock);
	for (struct file *f = files; f != NULL; f = f->next)
		fn(f);
	pthread_mutex_unlock(&files_lock);
}

/* One that the kernel serves and that has not hung up; it has by now. NULL: there is none left. */
static struct file *any_served(void)
{
	struct file *f;

	pthread_mutex_lock(&files_lock);
	for (f = files; f != NULL && f->open == NULL; f = f->next)
		;
	if (f != NULL) {
		f->open->file = NULL;
		file_unlist(f);
	}
	pthread_mutex_unlock(&files_lock);
	return f;
}

/* At stop: every descriptor that a client still holds, or is about to get, hangs up. */
void files_close(void)
{
	struct file *f;

	pthread_mutex_lock(&files_lock);
	files_stopping = true;
	pthread_mutex_unlock(&files_lock);
	files_each(hang_up);
	while ((f = any_served()) != NULL)
		file_put(f);
}

bool files_wait(int ms)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&files_lock);
	while (files_open > 0 && error == 0)
		error = pthread_cond_clockwait(&files_cv, &files_lock, CLOCK_MONOTONIC, &until);
	pthread_mutex_unlock(&files_lock);
	return error == 0;
}
