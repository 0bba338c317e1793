// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* read(9E), write(9E) and ioctl(9E) of a device file. */
#include "linux.h"

#include <linux/compat.h>
#include <linux/overflow.h>

#include <sys/file.h>
#include <sys/uio.h>

#include "file.h"

/* What was moved before an error counts, as for any file. */
static ssize_t transfer(struct file *filp, struct uio *uio,
			int (*fn)(dev_t, struct uio *, cred_t *))
{
	struct devfile *f = filp->private_data;
	ssize_t len = uio->uio_resid;
	struct file_call call;
	int error;

	if (entry_absent((void *)fn))
		return file_gone(filp) ? -ENODEV : -ENXIO;
	if (file_enter(&call, f) != 0)
		return -ENODEV;
	error = fn(f->dev, uio, file_cred(filp));
	file_leave(&call);
	if (uio->uio_resid >= 0 && uio->uio_resid < len)
		return len - uio->uio_resid;
	return file_error(error);
}

static ssize_t file_transfer(struct file *filp, char __user *buf, size_t len, loff_t *pos,
			     int (*fn)(dev_t, struct uio *, cred_t *))
{
	const struct devfile *f = filp->private_data;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct uio uio = { .uio_iov = &iov,
			   .uio_iovcnt = 1,
			   .uio_segflg = UIO_USERSPACE,
			   .uio_loffset = *pos,
			   .uio_fmode = (uint16_t)file_flags(filp, f->flags),
			   .uio_resid = (ssize_t)len };
	loff_t end;
	ssize_t done;

	if (file_gone(filp))
		return -ENODEV;
	if (*pos < 0 || len > INT_MAX || check_add_overflow(*pos, (loff_t)len, &end))
		return -EINVAL;
	done = transfer(filp, &uio, fn);
	if (done > 0)
		*pos += done;
	return done;
}

ssize_t devmap_file_read(struct file *filp, char __user *buf, size_t len, loff_t *pos)
{
	const struct devfile *f = filp->private_data;

	return file_transfer(filp, buf, len, pos, file_ops(f)->cb_read);
}

ssize_t devmap_file_write(struct file *filp, const char __user *buf, size_t len, loff_t *pos)
{
	const struct devfile *f = filp->private_data;

	return file_transfer(filp, (char __user *)buf, len, pos, file_ops(f)->cb_write);
}

loff_t devmap_file_llseek(struct file *filp, loff_t off, int whence)
{
	loff_t to = off;

	if (file_gone(filp))
		return -ENODEV;
	spin_lock(&filp->f_lock);
	if (whence == SEEK_CUR && check_add_overflow(off, filp->f_pos, &to))
		to = -EOVERFLOW;
	else if (whence != SEEK_CUR && whence != SEEK_SET)
		to = -EINVAL; /* no end: a character device has no size */
	else if (to < 0)
		to = -EINVAL;
	else
		filp->f_pos = to;
	spin_unlock(&filp->f_lock);
	return to;
}

/* *rvalp has 32 bits: as an unsigned number it is never taken for an errno. */
static long file_ioctl(struct file *filp, unsigned int cmd, unsigned long arg, ddi_model_t model)
{
	struct devfile *f = filp->private_data;
	struct cb_ops *cb = file_ops(f);
	struct file_call call;
	int error, value = 0;

	if (entry_absent((void *)cb->cb_ioctl))
		return file_gone(filp) ? -ENODEV : -ENOTTY;
	if (file_enter(&call, f) != 0)
		return -ENODEV;
	error = cb->cb_ioctl(f->dev, (int)cmd, (intptr_t)arg,
			     file_flags(filp, f->flags) | (int)model, file_cred(filp), &value);
	file_leave(&call);
	return error != 0 ? file_error(error) : (long)(unsigned int)value;
}

long devmap_file_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return file_ioctl(filp, cmd, arg, DDI_MODEL_NATIVE);
}

#ifdef CONFIG_COMPAT
long devmap_file_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return file_ioctl(filp, cmd, (unsigned long)compat_ptr(arg), DDI_MODEL_ILP32);
}
#endif
