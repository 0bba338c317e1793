/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Calls through the kernel as a driver's entry points: see fuse.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/poll.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include "door.h"
#include "fuse.h"
#include "keeper.h"

/*
 * Writes side by side; a close that has nothing to flush. The position is the kernel's, which passes
 * it with each transfer.
 */
static bool answer_open(struct fuse_call *c, struct fuse_open *o)
{
	struct fuse_open_out out = {
		.fh = o->fh,
		.open_flags = FOPEN_DIRECT_IO | FOPEN_NOFLUSH | FOPEN_PARALLEL_DIRECT_WRITES,
	};

	struct iovec iov = { .iov_base = &out, .iov_len = sizeof(out) };

	return fuse_call_answerv(c, 0, &iov, 1);
}

/* Runs open(9E). *o is the kernel's until it releases it. 0 or -errno. */
static int open_file(struct fuse_call *c, struct file *f, struct fuse_open **out)
{
	struct fuse_open *o = fuse_open_new(c->fuse);
	struct caller *before;
	int error;

	if (o == NULL)
		return -ENOMEM;
	fuse_call_begin(c, f, NULL, &before);
	error = file_open_driver(f);
	fuse_call_end(c, before);
	if (error != 0) {
		fuse_open_end(o->fh);
		/* To the kernel this would mean: no open needs to be asked for. */
		return error == -ENOSYS ? -ENXIO : error;
	}
	o->file = f;
	f->open = o;
	keeper_open(f, o);
	if (!file_list(f))
		file_hang_up(o);
	*out = o;
	return 0;
}

static int open_flags(int flags)
{
	if ((flags & (O_NOFOLLOW | O_SYNC)) != DM_OPEN_EXCL)
		return flags;
	return (flags & ~DM_OPEN_EXCL) | O_EXCL;
}

void fuse_serve_open(struct fuse_call *c)
{
	const struct fuse_open_in *in = c->arg;
	struct cred *cred = cred_make(c->in->uid, c->in->gid);
	struct fuse_open *o = NULL;
	struct file *f = NULL;
	int error = -ENOMEM;

	if (!files_enter()) {
		error = -ENXIO;
	} else {
		if (cred != NULL)
			f = file_new(c->fuse->door, open_flags((int)in->flags), cred);
		if (f != NULL)
			error = open_file(c, f, &o);
		if (f != NULL && error != 0)
			file_discard(f);
		files_leave();
	}
	if (cred != NULL)
		cred_put(cred);
	if (error != 0) {
		fuse_call_answer(c, error, NULL, 0);
	} else if (!answer_open(c, o)) { /* nobody is there to close it */
		fuse_open_end(o->fh);
	}
}

/* There are no calls on it any more that anybody waits for. */
void fuse_serve_release(struct fuse_call *c)
{
	const struct fuse_release_in *in = c->arg;

	fuse_open_end(in->fh);
	fuse_answer(c, 0, NULL, 0);
}

/*
 * The client's buffer, as the driver gets at it: a piece of ours, which the kernel fills or empties,
 * under the addresses where it lies here.
 */
struct buffer {
	char *start;
	size_t len;
};

static bool inside(const struct buffer *b, uintptr_t addr, size_t len)
{
	const uintptr_t start = (uintptr_t)b->start;

	return addr >= start && addr - start <= b->len && len <= b->len - (addr - start);
}

static int buffer_in(void *arg, uintptr_t from, void *buf, size_t len)
{
	const struct buffer *b = arg;

	if (!inside(b, from, len))
		return -EFAULT;
	memcpy(buf, (const void *)from, len);
	return 0;
}

static int buffer_out(void *arg, const void *buf, uintptr_t to, size_t len)
{
	const struct buffer *b = arg;

	if (!inside(b, to, len))
		return -EFAULT;
	memcpy((void *)to, buf, len);
	return 0;
}

struct transfer {
	bool write;
	int64_t offset;
	int flags; /* of the descriptor, now */
	struct buffer buffer;
};

/* The position after n bytes more. */
static int64_t advance(struct file *f, size_t n)
{
	int64_t offset;

	pthread_mutex_lock(&f->lock);
	offset = f->offset += (int64_t)n;
	pthread_mutex_unlock(&f->lock);
	return offset;
}

/*
 * 0 or -errno; *done holds in either case. Drops the file, as all do before they answer: a client that
 * has its answer may close it, and then nobody else is to hold it.
 */
static int transfer_run(struct fuse_call *c, struct file *f, struct transfer *t, size_t *done)
{
	const struct client_memory memory = { .in = t->write ? buffer_in : NULL,
					      .out = t->write ? NULL : buffer_out,
					      .arg = &t->buffer };
	struct iovec iov = { .iov_base = t->buffer.start, .iov_len = t->buffer.len };
	struct uio uio = { .uio_iov = &iov,
			   .uio_iovcnt = 1,
			   .uio_segflg = UIO_USERSPACE,
			   .uio_loffset = t->offset,
			   .uio_fmode = (uint16_t)ddi_flags(file_flags(f, t->flags)),
			   .uio_resid = (ssize_t)iov.iov_len };
	/*
	 * To a device O_APPEND means nothing. But the kernel goes by a size then, and does not tell the
	 * position: it is counted here, from 0, as if nobody moved it.
	 */
	const bool append = t->write && (t->flags & O_APPEND) != 0;
	struct caller *before;
	int error;

	if (append)
		uio.uio_loffset = advance(f, 0);
	fuse_call_begin(c, f, &memory, &before);
	error = file_transfer(f, &uio, t->write, done);
	fuse_call_end(c, before);
	if (append)
		(void)advance(f, *done);
	file_put(f);
	/* What was moved before an error counts, as for any file. */
	return *done > 0 ? 0 : error;
}

static void serve_write(struct fuse_call *c, struct file *f)
{
	const struct fuse_write_in *in = c->arg;
	struct transfer t = { .write = true,
			      .offset = (int64_t)in->offset,
			      .flags = (int)in->flags,
			      .buffer = { (char *)(in + 1), in->size } };
	struct fuse_write_out out = { .size = 0 };
	size_t done = 0;
	int error = -EPROTO;

	if (in->size <= c->len - sizeof(*in))
		error = transfer_run(c, f, &t, &done);
	else
		file_put(f);
	out.size = (uint32_t)done;
	fuse_call_answer(c, error, &out, sizeof(out));
}

/* Zeros, which a driver may leave. */
static void serve_read(struct fuse_call *c, struct file *f)
{
	const struct fuse_read_in *in = c->arg;
	size_t done = 0, size = in->size;
	struct transfer t = { .offset = (int64_t)in->offset, .flags = (int)in->flags };
	char small[4096], *large = NULL;
	int error = -ENOMEM;

	if (size <= sizeof(small))
		memset(small, 0, size);
	else if (size <= FUSE_DATA_MAX)
		large = calloc(1, size);
	t.buffer = (struct buffer){ size <= sizeof(small) ? small : large, size };
	if (t.buffer.start != NULL)
		error = transfer_run(c, f, &t, &done);
	else
		file_put(f);
	fuse_call_answer(c, error, t.buffer.start, done);
	free(large);
}

void fuse_serve_transfer(struct fuse_call *c, bool write)
{
	uint64_t fh = write ? ((const struct fuse_write_in *)c->arg)->fh :
			      ((const struct fuse_read_in *)c->arg)->fh;
	struct file *f = fuse_open_file(fh);

	if (f == NULL) {
		fuse_call_answer(c, -ENXIO, NULL, 0);
		return;
	}
	if (write)
		serve_write(c, f);
	else
		serve_read(c, f);
}

/* Who wants to be told is noted first: what changes while the driver is asked is told, too. */
void fuse_serve_poll(struct fuse_call *c)
{
	const struct fuse_poll_in *in = c->arg;
	struct fuse_poll_out out = { .revents = POLLERR | POLLHUP };
	struct file *f =
		fuse_open_polled(in->fh, in->kh, (in->flags & FUSE_POLL_SCHEDULE_NOTIFY) != 0);
	struct caller *before;

	if (f != NULL) {
		fuse_call_begin(c, f, NULL, &before);
		out.revents = (uint32_t)file_chpoll(f, (short)in->events);
		fuse_call_end(c, before);
		file_put(f);
	}
	fuse_call_answer(c, 0, &out, sizeof(out));
}

/*
 * The memory of a program that calls ioctl(2) without the library. The kernel has moved what the
 * command's number tells of (_IOC_SIZE), at arg; the rest is copied from and to the program, if we
 * may do that, as root may. The program waits for our answer, so its id is its own; never from a
 * thread that serves accesses alone: the memory may be a device's.
 */
struct ioctl_memory {
	struct fuse_call *call;
	uintptr_t arg;
	const char *in;
	char *out;
	size_t in_len, out_len;
	size_t stored;	/* of out, from its start */
	bool forbidden; /* something was wanted that we may not have */
};

static int foreign_copy(struct ioctl_memory *m, void *ours, uintptr_t theirs, size_t len,
			bool store)
{
	struct iovec local = { .iov_base = ours, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)theirs, .iov_len = len };
	pid_t pid = (pid_t)m->call->in->pid;
	ssize_t n = -1;

	errno = EPERM;
	if (pid != 0 && !store) {
		n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
		if (!fuse_call_waits(m->call)) {
			n = -1;
			errno = EPERM;
		}
	} else if (pid != 0 && fuse_call_hold(m->call)) {
		n = process_vm_writev(pid, &local, 1, &remote, 1, 0);
		fuse_call_drop(m->call);
	}
	if (n < 0 && errno != EFAULT)
		m->forbidden = true;
	return n == (ssize_t)len ? 0 : -EFAULT;
}

static bool within(uintptr_t addr, size_t len, uintptr_t start, size_t room)
{
	return addr >= start && addr - start <= room && len <= room - (addr - start);
}

static int ioctl_in(void *arg, uintptr_t from, void *buf, size_t len)
{
	struct ioctl_memory *m = arg;

	if (!within(from, len, m->arg, m->in_len))
		return foreign_copy(m, buf, from, len, false);
	memcpy(buf, m->in + (from - m->arg), len);
	return 0;
}

static int ioctl_out(void *arg, const void *buf, uintptr_t to, size_t len)
{
	struct ioctl_memory *m = arg;

	if (!within(to, len, m->arg, m->out_len))
		return foreign_copy(m, (void *)buf, to, len, true);
	/* What lies before it is the program's, as the kernel has moved it or as it is. */
	if (to - m->arg > m->stored && m->stored >= m->in_len)
		(void)foreign_copy(m, m->out + m->stored, m->arg + m->stored,
				   to - m->arg - m->stored, false);
	memcpy(m->out + (to - m->arg), buf, len);
	if (to - m->arg + len > m->stored)
		m->stored = to - m->arg + len;
	return 0;
}

static int ioctl_run(struct fuse_call *c, struct file *f, struct ioctl_memory *m, int *value)
{
	const struct fuse_ioctl_in *in = c->arg;
	const struct client_memory memory = { .in = ioctl_in, .out = ioctl_out, .arg = m };
	struct caller *before;
	int error;

	fuse_call_begin(c, f, &memory, &before);
	error = file_ioctl(f, (int)in->cmd, (intptr_t)in->arg, f->flags, value);
	fuse_call_end(c, before);
	file_put(f);
	return m->forbidden && error != 0 ? -ENOTTY : error;
}

/* What the kernel is to store at arg begins as what it found there: a driver may store a part. */
void fuse_serve_ioctl(struct fuse_call *c)
{
	const struct fuse_ioctl_in *in = c->arg;
	struct ioctl_memory m = { .call = c,
				  .arg = in->arg,
				  .in = (const char *)(in + 1),
				  .in_len = in->in_size,
				  .out_len = in->out_size };
	struct file *f = fuse_open_file(in->fh);
	struct fuse_ioctl_out *out;
	int error = -ENXIO, value = 0;

	if (f != NULL && fuse_round_is(c)) {
		fuse_round_serve(c, f);
		return;
	}
	if (f == NULL || in->out_size > FUSE_DATA_MAX || in->in_size > c->len - sizeof(*in) ||
	    (in->flags & FUSE_IOCTL_COMPAT) != 0) {
		if (f != NULL)
			file_put(f);
		fuse_call_answer(c, f == NULL ? -ENXIO : -ENOTTY, NULL, 0);
		return;
	}
	out = calloc(1, sizeof(*out) + m.out_len);
	if (out == NULL) {
		error = -ENOMEM;
		file_put(f);
	} else {
		m.out = (char *)(out + 1);
		memcpy(m.out, m.in, m.in_len < m.out_len ? m.in_len : m.out_len);
		error = ioctl_run(c, f, &m, &value);
		out->result = value;
	}
	fuse_call_answer(c, error, out, sizeof(*out) + m.stored);
	free(out);
}
