/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ioctl(2) in rounds, as the library makes it: see protocol.h.
 *
 * The thread that runs the driver answers the first round, and takes over each that follows: another
 * thread reads it, and leaves it to the one that waits. A client holds that thread no longer than
 * PATIENCE, all its rounds together, and no longer than it lives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "door.h"
#include "fuse.h"
#include "nodes.h"
#include "policy.h"

#define PATIENCE (10 * (hrtime_t)NANOSEC)
#define LOOK_MS	 200 /* how often we look whether a client still lives */
#define ROOM	 (DM_ROUND_MAX - sizeof(struct dm_round))

struct round {
	struct round *next;
	uint64_t id;   /* 0: not drawn yet */
	pid_t thread;  /* whose it is */
	bool deserted; /* nobody comes any more */
	hrtime_t waited,
		since; /* for the client: in the rounds before, and since when in this one */
	struct fuse_call *call;
	struct file *file;
	size_t room;  /* for data, in the buffer that the client waits with */
	bool arrived; /* the round that was waited for */
	int error;
	pthread_cond_t cv;

	uintptr_t arg; /* what the client has vouched for */
	char *vouched;
	size_t len;
	uintptr_t from, to; /* and what the driver has stored of it */

	size_t more_len;
	char more[ROOM]; /* what came with the last round */
};

static struct {
	pthread_mutex_t lock;
	struct round *list;
	bool stopping;
} rounds = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Never more than was asked for: the rest of the client's buffer stays as it is. False: given up. */
static bool answer(struct fuse_call *c, int value, const struct dm_round *head, const void *data)
{
	struct fuse_ioctl_out out = { .result = value };
	struct iovec iov[3] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = (void *)head, .iov_len = sizeof(*head) },
		{ .iov_base = (void *)data, .iov_len = head->len },
	};

	return fuse_call_answerv(c, 0, iov, 3);
}

/* rounds.lock held. Waits a moment for the next round. */
static void wait_round(struct round *r)
{
	struct timespec until;
	bool dying;

	ASSERT_HELD(&rounds.lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	if (pthread_cond_clockwait(&r->cv, &rounds.lock, CLOCK_MONOTONIC, &until) == 0)
		return;
	if (r->waited + (gethrtime() - r->since) > PATIENCE)
		r->deserted = true;
	pthread_mutex_unlock(&rounds.lock);
	dying = fuse_thread_dying(r->thread);
	pthread_mutex_lock(&rounds.lock);
	r->deserted |= dying;
}

/* Answers this round and waits for the next. 0 or -errno. */
static int next_round(struct round *r, const struct dm_round *head, const void *data)
{
	int error = -EFAULT;

	pthread_mutex_lock(&rounds.lock);
	r->since = gethrtime();
	if (r->waited > PATIENCE)
		r->deserted = true;
	r->arrived = false;
	if (!answer(r->call, 0, head, data))
		r->deserted = true;
	while (!r->arrived && !r->deserted && !rounds.stopping)
		wait_round(r);
	if (r->arrived)
		error = -r->error;
	else
		r->deserted = true;
	r->arrived = true; /* no other is waited for */
	r->waited += gethrtime() - r->since;
	if (r->deserted)
		error = -EFAULT;
	pthread_mutex_unlock(&rounds.lock);
	return error;
}

/* Nobody else can guess it. False: there is no chance to be had. */
static bool draw_id(struct round *r)
{
	uint64_t id = r->id;

	if (id != 0)
		return true;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return false;
	pthread_mutex_lock(&rounds.lock);
	r->id = id;
	pthread_mutex_unlock(&rounds.lock);
	return id != 0;
}

static bool is_vouched(const struct round *r, uintptr_t addr, size_t len)
{
	return addr >= r->arg && addr - r->arg <= r->len && len <= r->len - (addr - r->arg);
}

static int memory_in(void *arg, uintptr_t from, void *buf, size_t len)
{
	struct round *r = arg;
	char *to = buf;
	int error = 0;

	if (is_vouched(r, from, len)) {
		memcpy(buf, r->vouched + (from - r->arg), len);
		return 0;
	}
	if (!draw_id(r))
		return -EFAULT;
	while (len > 0 && error == 0) {
		struct dm_round head = { .magic = DM_MAGIC,
					 .version = DM_VERSION,
					 .op = DM_ROUND_IN,
					 .id = r->id,
					 .a = { from, len } };
		size_t n;

		error = next_round(r, &head, NULL);
		n = r->more_len < len ? r->more_len : len;
		if (error != 0 || n == 0)
			return -EFAULT;
		memcpy(to, r->more, n);
		to += n;
		from += n;
		len -= n;
	}
	return error;
}

static int memory_out(void *arg, const void *buf, uintptr_t to, size_t len)
{
	struct round *r = arg;
	const char *from = buf;
	char copy[ROOM];

	if (is_vouched(r, to, len))
		memcpy(r->vouched + (to - r->arg), buf, len);
	if (is_vouched(r, to, len) && (r->from == r->to || (to <= r->to && to + len >= r->from))) {
		if (r->from == r->to)
			r->from = r->to = to;
		r->from = to < r->from ? to : r->from;
		r->to = to + len > r->to ? to + len : r->to;
		return 0;
	}
	while (len > 0 && r->room > 0 && draw_id(r)) {
		size_t n = len < r->room ? len : r->room;
		struct dm_round head = { .magic = DM_MAGIC,
					 .version = DM_VERSION,
					 .op = DM_ROUND_OUT,
					 .id = r->id,
					 .a = { to, n },
					 .len = (uint32_t)n };

		memcpy(copy, from, n); /* which may have to be brought home first */
		if (next_round(r, &head, copy) != 0)
			return -EFAULT;
		from += n;
		to += n;
		len -= n;
	}
	return len > 0 ? -EFAULT : 0;
}

static void round_list(struct round *r)
{
	pthread_mutex_lock(&rounds.lock);
	r->next = rounds.list;
	rounds.list = r;
	pthread_mutex_unlock(&rounds.lock);
}

static void round_unlist(struct round *r)
{
	struct round **p;

	pthread_mutex_lock(&rounds.lock);
	for (p = &rounds.list; *p != r; p = &(*p)->next)
		;
	*p = r->next;
	pthread_mutex_unlock(&rounds.lock);
}

/* An error brings no data: what the driver has stored all the same goes before it. */
static void deliver(struct round *r)
{
	struct dm_round head = { .magic = DM_MAGIC,
				 .version = DM_VERSION,
				 .op = DM_ROUND_OUT,
				 .a = { r->from, r->to - r->from },
				 .len = (uint32_t)(r->to - r->from) };

	if (r->from == r->to || !draw_id(r))
		return;
	head.id = r->id;
	(void)next_round(r, &head, r->vouched + (r->from - r->arg));
}

static void run(struct fuse_call *c, struct file *f, const struct dm_round *rq, struct round *r)
{
	const struct client_memory memory = { .in = memory_in, .out = memory_out, .arg = r };
	struct dm_round head = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_ROUND_DONE };
	struct caller *before;
	int error, value = 0;

	round_list(r);
	fuse_call_begin(c, f, &memory, &before);
	/* The flags of now, if the client knows of any others. */
	error = file_ioctl(f, (int)rq->a[0], (intptr_t)rq->a[1],
			   rq->id != 0 ? file_flags(f, (int)rq->id) : f->flags, &value);
	if (error != 0)
		deliver(r);
	fuse_call_end(c, before);
	round_unlist(r);
	file_put(f);
	if (error != 0) {
		fuse_call_answer(c, error, NULL, 0);
		return;
	}
	head.a[0] = r->from;
	head.len = (uint32_t)(r->to - r->from);
	(void)answer(c, value, &head, r->vouched + (r->from - r->arg));
}

static void serve_first(struct fuse_call *c, struct file *f, const struct dm_round *rq, size_t room)
{
	struct round *r = malloc(sizeof(*r));

	if (r == NULL) {
		file_put(f);
		fuse_call_answer(c, -ENOMEM, NULL, 0);
		return;
	}
	r->call = c;
	r->file = f;
	r->room = room;
	r->id = 0;
	r->thread = (pid_t)c->in->pid;
	r->deserted = false;
	r->waited = 0;
	r->arrived = true;
	r->arg = rq->a[1];
	r->len = rq->len;
	r->from = r->to = rq->a[1];
	r->vouched = (char *)(rq + 1);
	pthread_cond_init(&r->cv, NULL);
	run(c, f, rq, r);
	pthread_cond_destroy(&r->cv);
	free(r);
}

/* Hands the round to the thread that waits for it, and that has the file, too. */
static int serve_more(struct fuse_call *c, struct file *f, const struct dm_round *rq, size_t room)
{
	struct round *r;
	int error = -EINVAL;

	pthread_mutex_lock(&rounds.lock);
	for (r = rounds.list; r != NULL && (r->id != rq->id || r->file != f || r->arrived ||
					    r->thread != (pid_t)c->in->pid);
	     r = r->next)
		;
	file_put(f);
	if (r != NULL) {
		fuse_call_resume(r->call, c);
		r->arrived = true;
		r->room = room;
		r->error = rq->error;
		r->more_len = rq->len;
		memcpy(r->more, rq + 1, rq->len);
		pthread_cond_signal(&r->cv);
		error = 0;
	}
	pthread_mutex_unlock(&rounds.lock);
	return error;
}

static void serve_file(struct fuse_call *c, struct file *f, size_t room)
{
	struct dm_file file = { .token = f->key };
	struct dm_round head = {
		.magic = DM_MAGIC, .version = DM_VERSION, .op = DM_ROUND_DONE, .len = sizeof(file)
	};
	struct sockaddr_un sa;
	int dirfd = -1;

	file_info(f, &file.info);
	file.flags = policy_flags(f->cred);
	file_put(f);
	if (room < sizeof(file)) {
		fuse_call_answer(c, -EINVAL, NULL, 0);
		return;
	}
	if (node_address(file.info.name, &sa, &dirfd) == 0 && dirfd < 0)
		memcpy(file.door, sa.sun_path, sizeof(file.door));
	if (dirfd >= 0)
		close(dirfd);
	(void)answer(c, 0, &head, &file);
}

static void serve_signals(struct fuse_call *c, struct file *f)
{
	struct dm_round head = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_ROUND_DONE };

	file_put(f);
	head.a[1] = fuse_call_signals((pid_t)c->in->pid, &head.a[0]);
	(void)answer(c, 0, &head, NULL);
}

bool fuse_round_is(const struct fuse_call *c)
{
	const struct fuse_ioctl_in *in = c->arg;
	const struct dm_round *rq = (const struct dm_round *)(in + 1);

	return in->cmd == DM_ROUND(_IOC_SIZE(in->cmd)) && in->in_size >= sizeof(*rq) &&
	       in->in_size <= c->len - sizeof(*in) && in->out_size >= sizeof(*rq) &&
	       rq->magic == DM_MAGIC;
}

bool fuse_round_is_quick(const struct fuse_call *c)
{
	const struct fuse_ioctl_in *in = c->arg;

	return fuse_round_is(c) && ((const struct dm_round *)(in + 1))->op != DM_ROUND_IOCTL;
}

void fuse_round_serve(struct fuse_call *c, struct file *f)
{
	const struct fuse_ioctl_in *in = c->arg;
	const struct dm_round *rq = (const struct dm_round *)(in + 1);
	size_t room = (in->in_size < in->out_size ? in->in_size : in->out_size) - sizeof(*rq);
	bool bad = room > ROOM || rq->len > room || rq->len > in->in_size - sizeof(*rq);
	bool known = rq->version == DM_VERSION;
	int error = 0;

	if (known && !bad && rq->op == DM_ROUND_IOCTL) {
		serve_first(c, f, rq, room);
	} else if (known && !bad && rq->op == DM_ROUND_MORE) {
		error = serve_more(c, f, rq, room);
	} else if (known && !bad && rq->op == DM_ROUND_FILE) {
		serve_file(c, f, room);
	} else if (known && !bad && rq->op == DM_ROUND_SIGNALS) {
		serve_signals(c, f);
	} else {
		file_put(f);
		error = !known ? -EPROTONOSUPPORT : bad ? -EINVAL : -EPROTO;
	}
	if (error != 0)
		fuse_call_answer(c, error, NULL, 0);
}

void fuse_rounds_end(const struct file *f)
{
	pthread_mutex_lock(&rounds.lock);
	for (struct round *r = rounds.list; r != NULL; r = r->next) {
		if (r->file != f)
			continue;
		r->deserted = true;
		pthread_cond_signal(&r->cv);
	}
	pthread_mutex_unlock(&rounds.lock);
}

void fuse_rounds_stop(void)
{
	pthread_mutex_lock(&rounds.lock);
	rounds.stopping = true;
	for (struct round *r = rounds.list; r != NULL; r = r->next)
		pthread_cond_signal(&r->cv);
	pthread_mutex_unlock(&rounds.lock);
}
