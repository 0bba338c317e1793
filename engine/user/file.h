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

void file_io(struct file *f, struct request *rq);
void file_seek(struct file *f, struct request *rq);

void file_poll(struct file *f, struct request *rq);
/* After a call that may have changed what chpoll(9E) says. Returns flags for the answer. */
uint32_t token_refresh(struct file *f);

#endif
