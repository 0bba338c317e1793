/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Requests on device files that go to a driver's read, write, ioctl and chpoll. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/conf.h>
#include <sys/uio.h>

#include "file.h"
#include "number.h"

int file_flags(const struct file *f, int now)
{
	const int mutable = O_NONBLOCK | O_APPEND;

	return (f->flags & ~mutable) | (now & mutable);
}

static int flags_now(const struct file *f, const struct request *rq)
{
	return file_flags(f, (int)rq->msg.a[5]);
}

int file_ioctl(struct file *f, int cmd, intptr_t arg, int flags, int *value)
{
	struct cb_ops *cb = file_ops(f);

	if (cb == NULL || entry_absent((void *)cb->cb_ioctl))
		return -ENOTTY;
	return from_ddi(cb->cb_ioctl(f->dev, cmd, arg, ddi_flags(flags), f->cred, value));
}

static void serve_ioctl(struct file *f, struct request *rq)
{
	struct dm_reply r;
	int error, value = 0;

	reply_init(&r, 0);
	error = file_ioctl(f, (int)rq->msg.a[0], (intptr_t)rq->msg.a[1], flags_now(f, rq), &value);
	reply_set_error(&r, error);
	r.v[0] = (uint64_t)value;
	r.flags = token_refresh(f);
	reply_send(rq, &r, NULL, NULL, 0);
}

int file_transfer(struct file *f, struct uio *uio, bool write, size_t *done)
{
	ssize_t len = uio->uio_resid;
	int error;
	struct cb_ops *cb = file_ops(f);
	int (*fn)(dev_t, struct uio *, cred_t *) = cb == NULL ? NULL :
						   write      ? cb->cb_write :
								cb->cb_read;

	if (entry_absent((void *)fn))
		return -ENXIO;
	error = from_ddi(fn(f->dev, uio, f->cred));
	if (uio->uio_resid >= 0 && uio->uio_resid <= len)
		*done = (size_t)(len - uio->uio_resid);
	return error;
}

static void serve_transfer(struct file *f, struct request *rq, bool write)
{
	struct iovec iov = { .iov_base = (void *)rq->msg.a[0], .iov_len = rq->msg.a[1] };
	struct uio uio = { .uio_iov = &iov,
			   .uio_iovcnt = 1,
			   .uio_segflg = UIO_USERSPACE,
			   .uio_fmode = (uint16_t)ddi_flags(flags_now(f, rq)),
			   .uio_resid = (ssize_t)iov.iov_len };
	bool own = (int64_t)rq->msg.a[2] == -1;
	struct dm_reply r;
	size_t done = 0;
	int error;

	reply_init(&r, 0);
	pthread_mutex_lock(&f->lock);
	uio.uio_loffset = own ? f->offset : (int64_t)rq->msg.a[2];
	pthread_mutex_unlock(&f->lock);
	if ((f->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY))
		error = -EBADF;
	else if (iov.iov_len > INT32_MAX || uio.uio_loffset < 0 ||
		 uio.uio_loffset > INT64_MAX - (int64_t)iov.iov_len)
		error = -EINVAL;
	else
		error = file_transfer(f, &uio, write, &done);
	/* What was moved before an error counts, as for any file. */
	if (done > 0)
		error = 0;
	if (own && error == 0) {
		pthread_mutex_lock(&f->lock);
		f->offset += (int64_t)done;
		pthread_mutex_unlock(&f->lock);
	}
	reply_set_error(&r, error);
	r.v[0] = done;
	r.flags = token_refresh(f);
	reply_send(rq, &r, NULL, NULL, 0);
}

void file_seek(struct file *f, struct request *rq)
{
	int64_t to = (int64_t)rq->msg.a[0];
	int error = 0;

	pthread_mutex_lock(&f->lock);
	if (rq->msg.a[1] == SEEK_CUR && __builtin_add_overflow(to, f->offset, &to))
		error = -EOVERFLOW;
	else if (rq->msg.a[1] != SEEK_CUR && rq->msg.a[1] != SEEK_SET)
		error = -EINVAL; /* no end: a character device has no size */
	else if (to < 0)
		error = -EINVAL;
	else
		f->offset = to;
	pthread_mutex_unlock(&f->lock);
	reply_value(rq, error, (uint64_t)to);
}

/* Requests in which the driver may want the client's memory. */
void file_io(struct file *f, struct request *rq)
{
	struct session *s = rq->msg.session ? session_find(rq->msg.session, rq->cred.pid) : NULL;
	struct caller caller = { .as = s ? &s->as : NULL,
				 .cred = f->cred,
				 .pid = s ? s->number : number_of(rq->cred.pid) };
	struct caller *before = caller_set(&caller);

	request_watch(rq, &caller);
	switch (rq->msg.op) {
	case DM_IOCTL:
		serve_ioctl(f, rq);
		break;
	case DM_READ:
	case DM_WRITE:
		serve_transfer(f, rq, rq->msg.op == DM_WRITE);
		break;
	case DM_POLL:
		file_poll(f, rq);
		break;
	}
	request_unwatch(rq);
	caller_set(before);
	if (s != NULL)
		session_done(s);
}
