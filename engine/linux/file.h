/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Device files: what file.c, file_io.c and file_poll.c share. */
#ifndef DEVMAP_ENGINE_LINUX_FILE_H
#define DEVMAP_ENGINE_LINUX_FILE_H

#include "linux.h"

static inline struct cb_ops *file_ops(const struct devfile *f)
{
	return f->driver->ops->devo_cb_ops;
}

/* Who opened it asks, whoever has the descriptor now. */
static inline cred_t *file_cred(struct file *filp)
{
	return (cred_t *)filp->f_cred;
}

/* The DDI's FREAD, FWRITE ... of open(2), and as fcntl(2) has changed them since. */
int file_flags(const struct file *filp, int opened);

/* What a driver's errno becomes for Linux; DDI_FAILURE and nonsense: -EIO. */
int file_error(int error);

/* Around each call of the driver; s keeps what enter has found. */
struct file_call {
	struct caller caller;
	struct space *space;
};
int file_enter(struct file_call *c, const struct devfile *f); /* 0 or -ENODEV */
void file_leave(struct file_call *c);

ssize_t devmap_file_read(struct file *filp, char __user *buf, size_t len, loff_t *pos);
ssize_t devmap_file_write(struct file *filp, const char __user *buf, size_t len, loff_t *pos);
long devmap_file_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
long devmap_file_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
loff_t devmap_file_llseek(struct file *filp, loff_t off, int whence);
__poll_t devmap_file_poll(struct file *filp, struct poll_table_struct *pt);

#endif
