/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* chpoll(9E), and how a client's poll(2) hears of it. */
#include <sys/conf.h>
#include <sys/poll.h>

#include "fuse.h"

short file_chpoll(struct file *f, short events)
{
	struct cb_ops *cb = file_ops(f);
	struct pollhead *head = NULL;
	short revents = 0;

	if (cb == NULL || (const void *)cb->cb_chpoll == (const void *)nochpoll ||
	    entry_absent((void *)cb->cb_chpoll))
		return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
	if (cb->cb_chpoll(f->dev, events, 0, &revents, &head) != 0)
		return POLLERR;
	return revents;
}

/* pollwakeup(9F): which file's device changed is not known, so all that were polled are woken. */
static void open_wakeup(struct file *f)
{
	if (f->open != NULL)
		fuse_notify_poll(f->open);
}

static void files_pollwakeup(struct pollhead *php, short events)
{
	(void)php;
	(void)events;
	files_each(open_wakeup);
}

void files_init(void)
{
	driver_set_pollwakeup(files_pollwakeup);
}
