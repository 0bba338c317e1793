/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What goes to a driver's read, write and ioctl. */
#include <errno.h>
#include <fcntl.h>
#include <sys/conf.h>
#include <sys/uio.h>

#include "file.h"
#include "number.h"

int file_flags(const struct file *f, int now)
{
	const int mutable = O_NONBLOCK | O_APPEND;

	return (f->flags & ~mutable) | (now & mutable);
}

int file_ioctl(struct file *f, int cmd, intptr_t arg, int flags, int *value)
{
	struct cb_ops *cb = file_ops(f);

	if (cb == NULL || entry_absent((void *)cb->cb_ioctl))
		return -ENOTTY;
	return from_ddi(cb->cb_ioctl(f->dev, cmd, arg, ddi_flags(flags), f->cred, value));
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

/* DM_IOCTL of a descriptor that is a socket: the driver may want the client's memory. */
void file_serve_ioctl(struct file *f, struct request *rq)
{
	struct session *s = session_of_process(rq->cred.pid);
	struct caller caller = { .as = s ? &s->as : NULL,
				 .cred = f->cred,
				 .pid = s ? s->number : number_of(rq->cred.pid) };
	struct caller *before = caller_set(&caller);
	int error, value = 0;

	request_watch(rq, &caller);
	error = file_ioctl(f, (int)rq->msg.a[2], (intptr_t)rq->msg.a[3],
			   file_flags(f, (int)rq->msg.a[5]), &value);
	request_unwatch(rq);
	reply_value(rq, error, (uint64_t)value);
	caller_set(before);
	if (s != NULL)
		session_done(s);
}
