/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the parts of a device file share: file.c, file_io.c, file_poll.c. */
#ifndef DEVMAP_ENGINE_USER_FILE_H
#define DEVMAP_ENGINE_USER_FILE_H

#include "server.h"

/* The entry points of its driver, or NULL. */
struct cb_ops *file_ops(const struct file *f);
/* DDI flags of an open, from those of open(2). */
int ddi_flags(int flags);
void files_each(void (*fn)(struct file *f)); /* calls fn with files_lock held */

/*
 * The steps of an open, for whoever hands the descriptor out. The caller of this thread is the one who
 * opens. file_new() returns NULL without memory; the file has no reference of its own to cred yet.
 */
struct file *file_new(struct door *d, int flags, struct cred *cred);
int file_open_driver(struct file *f); /* open(9E), ordered against close(9E). 0 or -errno */
void file_discard(struct file *f);    /* where that failed */
bool file_list(struct file *f);	      /* where it did not. False: we stop, it is to hang up */
/* One that is listed, and has no descriptor, goes with its mappings: at once, or by files_forgotten(). */
void file_forget(struct file *f);
void file_forget_later(struct file *f);
void files_forgotten(void);

void file_info(const struct file *f, struct dm_info *info);
/* The file that has this key, with a reference, or NULL. */
struct file *file_by_key(uint64_t key);
/* The same of one that is a socket, whose client's end this is. */
struct file *file_by_socket(int fd);
/* Of a file that the kernel serves. With a reference, or NULL: it has hung up. */
struct file *file_of_open(struct fuse_open *o);
void file_hang_up(struct fuse_open *o);

/* Of open(2), and as fcntl(2) has changed them since. */
int file_flags(const struct file *f, int now);
/* read(9E) or write(9E). *done: the bytes that were moved, before an error too. 0 or -errno */
int file_transfer(struct file *f, struct uio *uio, bool write, size_t *done);
/* ioctl(9E). 0 or -errno */
int file_ioctl(struct file *f, int cmd, intptr_t arg, int flags, int *value);
/* chpoll(9E), or the events of a device that is always ready. */
short file_chpoll(struct file *f, short events);

/* A request about it that came to a door. Drops f. */
void file_serve(struct file *f, struct request *rq);
void file_serve_ioctl(struct file *f, struct request *rq);

#endif
