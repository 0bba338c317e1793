/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A mounted node: its messages, and the answers that need no driver. See fuse.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "door.h"
#include "fuse.h"
#include "mount.h"
#include "nodes.h"

#define MESSAGE_MAX  (FUSE_DATA_MAX + 4096)
#define ANSWER_PARTS 3
#define ATTR_SECONDS 1 /* how long the kernel may believe what it was told of a node */

/* It takes none but these. */
static int error_for_kernel(int error)
{
	return error > 0 || error <= -512 ? -EIO : error;
}

bool fuse_answerv(const struct fuse_call *c, int error, const struct iovec *data, int n)
{
	struct fuse_out_header out = { .error = error_for_kernel(error),
				       .unique = c->unique,
				       .len = sizeof(out) };
	struct iovec iov[ANSWER_PARTS + 1] = { { .iov_base = &out, .iov_len = sizeof(out) } };
	int parts = 1;

	for (int i = 0; error == 0 && i < n && i < ANSWER_PARTS; i++) {
		if (data[i].iov_len == 0)
			continue;
		iov[parts++] = data[i];
		out.len += (uint32_t)data[i].iov_len;
	}
	if (writev(c->fuse->source.fd, iov, parts) >= 0)
		return true;
	if (errno == ENOENT)
		return false;
	/* One that the kernel does not take would be waited for until the end of days. */
	out.error = -EIO;
	out.len = sizeof(out);
	(void)!writev(c->fuse->source.fd, iov, 1);
	return false;
}

bool fuse_answer(const struct fuse_call *c, int error, const void *data, size_t len)
{
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };

	return fuse_answerv(c, error, &iov, 1);
}

void fuse_notify_poll(struct fuse_open *o)
{
	struct fuse_notify_poll_wakeup_out wake = { .kh = atomic_load(&o->poll_kh) };
	struct fuse_out_header out = { .len = sizeof(out) + sizeof(wake),
				       .error = FUSE_NOTIFY_POLL };
	struct iovec iov[2] = {
		{ .iov_base = &out, .iov_len = sizeof(out) },
		{ .iov_base = &wake, .iov_len = sizeof(wake) },
	};

	if (atomic_exchange(&o->poll_wanted, false))
		(void)!writev(o->fuse->source.fd, iov, 2);
}

/*
 * No ASYNC_DIO: twelve reads that wait would keep everybody's close from us. No page cache: each read
 * and write is the driver's.
 */
static void serve_init(struct fuse_call *c)
{
	const struct fuse_init_in *in = c->arg;
	const uint32_t wanted = FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_MAX_PAGES;
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = FUSE_KERNEL_MINOR_VERSION,
				     .max_background = 64,
				     .congestion_threshold = 48,
				     .max_write = FUSE_DATA_MAX,
				     .time_gran = 1,
				     .max_pages = FUSE_DATA_MAX / 4096 };

	if (in->major < FUSE_KERNEL_VERSION) {
		fuse_answer(c, -EPROTO, NULL, 0);
		return;
	}
	if (in->minor < out.minor)
		out.minor = in->minor;
	out.flags = in->flags & wanted;
	fuse_answer(c, 0, &out, sizeof(out));
}

static void serve_getattr(struct fuse_call *c)
{
	struct dm_info info;
	struct fuse_attr_out out = { .attr_valid = ATTR_SECONDS };

	door_info(c->fuse->door, &info);
	out.attr = (struct fuse_attr){ .ino = DM_INO(info.rdev),
				       .size = info.size > 0 ? (uint64_t)info.size : DM_SIZE_NONE,
				       .mode = S_IFREG | (info.mode & 07777),
				       .nlink = 1,
				       .uid = info.uid,
				       .gid = info.gid,
				       .rdev = (uint32_t)info.rdev,
				       .blksize = 4096 };
	fuse_answer(c, 0, &out, sizeof(out));
}

/* A device has no end to be moved and no times; who may open it is the server's to say. */
static void serve_setattr(struct fuse_call *c)
{
	const struct fuse_setattr_in *in = c->arg;

	if ((in->valid & (FATTR_MODE | FATTR_UID | FATTR_GID)) != 0)
		fuse_answer(c, -EPERM, NULL, 0);
	else if ((in->valid & FATTR_SIZE) != 0)
		fuse_answer(c, -EINVAL, NULL, 0);
	else
		serve_getattr(c);
}

static void serve_statfs(struct fuse_call *c)
{
	struct fuse_statfs_out out = { .st = { .bsize = 4096, .frsize = 4096, .namelen = 255 } };

	fuse_answer(c, 0, &out, sizeof(out));
}

/* One that has not reached its driver yet is asked for again, at once. */
static void serve_interrupt(struct fuse_call *c)
{
	const struct fuse_interrupt_in *in = c->arg;

	if (fuse_call_interrupt(in->unique) != 0)
		fuse_answer(c, -EAGAIN, NULL, 0);
}

/* What a driver is asked for. */
static void serve_driver(struct fuse_call *c)
{
	switch (c->in->opcode) {
	case FUSE_OPEN:
		fuse_serve_open(c);
		break;
	case FUSE_READ:
	case FUSE_WRITE:
		fuse_serve_transfer(c, c->in->opcode == FUSE_WRITE);
		break;
	case FUSE_POLL:
		fuse_serve_poll(c);
		break;
	case FUSE_IOCTL:
		fuse_serve_ioctl(c);
		break;
	}
}

/* Is the message as long as its kind demands? */
static bool long_enough(const struct fuse_call *c)
{
	static const struct {
		uint32_t opcode;
		size_t len;
	} kinds[] = {
		{ FUSE_INIT, offsetof(struct fuse_init_in, flags2) },
		{ FUSE_SETATTR, sizeof(struct fuse_setattr_in) },
		{ FUSE_INTERRUPT, sizeof(struct fuse_interrupt_in) },
		{ FUSE_OPEN, sizeof(struct fuse_open_in) },
		{ FUSE_RELEASE, sizeof(struct fuse_release_in) },
		{ FUSE_READ, sizeof(struct fuse_read_in) },
		{ FUSE_WRITE, sizeof(struct fuse_write_in) },
		{ FUSE_POLL, sizeof(struct fuse_poll_in) },
		{ FUSE_IOCTL, sizeof(struct fuse_ioctl_in) },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].opcode == c->in->opcode)
			return c->len >= kinds[i].len;
	return true;
}

void fuse_serve(struct fuse_call *c)
{
	if (!long_enough(c)) {
		fuse_answer(c, -EPROTO, NULL, 0);
		return;
	}
	switch (c->in->opcode) {
	case FUSE_INIT:
		serve_init(c);
		break;
	case FUSE_GETATTR:
		serve_getattr(c);
		break;
	case FUSE_SETATTR:
		serve_setattr(c);
		break;
	case FUSE_STATFS:
		serve_statfs(c);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	case FUSE_INTERRUPT:
		serve_interrupt(c);
		break;
	case FUSE_RELEASE:
		fuse_serve_release(c);
		break;
	case FUSE_OPEN:
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_POLL:
	case FUSE_IOCTL:
		/* What a call waits for must not wait for a call. */
		if (c->in->opcode == FUSE_IOCTL && fuse_round_is_quick(c)) {
			fuse_serve_ioctl(c);
		} else if (fuse_call_enter(c)) {
			serve_driver(c);
			fuse_call_leave(c);
		}
		break;
	default:
		/* What no device has; the kernel asks for most of it only once. */
		fuse_answer(c, -ENOSYS, NULL, 0);
	}
}

/*
 * A thread's room for a message: it serves one at a time. Only what is used of it takes memory.
 */
struct room {
	struct watch_slot *slot; /* for the header */
	void *rest;
};

static pthread_key_t room_key;
static pthread_once_t room_once = PTHREAD_ONCE_INIT;

static void room_free(void *arg)
{
	struct room *room = arg;

	if (room->rest != MAP_FAILED)
		(void)munmap(room->rest, MESSAGE_MAX);
	if (room->slot != NULL)
		watch_slot_put(room->slot);
	free(room);
}

static void room_init(void)
{
	(void)pthread_key_create(&room_key, room_free);
}

static struct room *room_get(void)
{
	struct room *room;

	(void)pthread_once(&room_once, room_init);
	room = pthread_getspecific(room_key);
	if (room != NULL)
		return room;
	room = malloc(sizeof(*room));
	if (room == NULL)
		return NULL;
	room->slot = watch_slot_get();
	room->rest =
		mmap(NULL, MESSAGE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room->slot == NULL || room->rest == MAP_FAILED ||
	    pthread_setspecific(room_key, room) != 0) {
		room_free(room);
		return NULL;
	}
	return room;
}

static ssize_t room_read(struct room *room, const struct fuse *f)
{
	const size_t first = sizeof(room->slot->first);
	struct iovec iov[3] = {
		{ .iov_base = &room->slot->in, .iov_len = sizeof(room->slot->in) },
		{ .iov_base = &room->slot->first, .iov_len = first },
		{ .iov_base = (char *)room->rest + first, .iov_len = MESSAGE_MAX - first },
	};
	ssize_t n;

	watch_slot_ready(room->slot, f->number);
	n = readv(f->source.fd, iov, 3);
	if (n >= (ssize_t)sizeof(room->slot->in)) {
		watch_slot_read(room->slot);
		memcpy(room->rest, &room->slot->first, first);
	}
	return n;
}

static void connection_ready(struct source *s, uint32_t events)
{
	struct fuse *f = container_of(s, struct fuse, source);
	struct fuse_call c = { .fuse = f };
	struct room *room = room_get();
	ssize_t n;

	(void)events;
	if (room == NULL) {
		log_warn("no memory for a message of the kernel's");
		source_arm(s);
		return;
	}
	n = room_read(room, f);
	if (n < 0 && errno == ENODEV) {
		/* Unmounted, and the last file is closed: not every release has come. */
		fuse_opens_hang_up(f);
		source_remove(s);
		return;
	}
	c.slot = room->slot;
	c.in = &room->slot->in;
	c.arg = room->rest;
	/* EAGAIN: another thread had it; ENOENT: it was taken back. */
	if (n < (ssize_t)sizeof(*c.in)) {
		source_arm(s);
		return;
	}
	c.unique = c.in->unique;
	c.len = (size_t)n - sizeof(*c.in);
	/* The next may be an open of what this closes. */
	if (c.in->opcode == FUSE_RELEASE) {
		fuse_serve(&c);
		source_arm(s);
	} else {
		source_arm(s);
		fuse_serve(&c);
	}
	watch_slot_done(room->slot);
}

void fuse_put(struct fuse *f)
{
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	fuse_opens_free(f);
	watch_disconnect(f->number);
	close(f->source.fd);
	door_put(f->door);
	free(f);
}

static void connection_release(struct source *s)
{
	fuse_put(container_of(s, struct fuse, source));
}

int fuse_mount(struct door *d)
{
	char path[NODE_PATH_MAX];
	int fd, error = node_path(d->minor.name, path, sizeof(path));

	if (error != 0)
		return error;
	fd = mount_file(path);
	if (fd < 0)
		return fd;
	error = fuse_adopt(d, fd);
	if (error != 0) {
		close(fd);
		mount_end(path);
	}
	return error;
}

int fuse_connection(const struct door *d)
{
	return d->mounted != NULL ? d->mounted->source.fd : -1;
}

int fuse_adopt(struct door *d, int fd)
{
	struct fuse *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->source = (struct source){ .fd = fd,
				     .ready = connection_ready,
				     .release = connection_release };
	f->number = watch_connect(fd);
	f->door = d;
	LIST_INIT(&f->opens);
	atomic_init(&f->refs, 1);
	door_get(d);
	d->mounted = f;
	return 0;
}

void fuse_abandon(struct door *d)
{
	if (d->mounted != NULL)
		fuse_put(d->mounted);
	d->mounted = NULL;
}

int fuse_start(struct door *d)
{
	struct fuse *f = d->mounted;
	int error = f != NULL ? source_add(&f->source) : 0;

	d->mounted = NULL;
	if (error != 0)
		fuse_put(f);
	return error;
}
