/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* chpoll(9E), and how a client's poll(2) hears of it. */
#include <sys/conf.h>
#include <sys/poll.h>
#include <sys/socket.h>

#include "fuse.h"

/*
 * The token: one byte in the client's queue while chpoll(9E) says readable. It is put in here, and
 * taken out by a client that an answer tells to (DM_F_DRAIN), so exactly one client is told for
 * each. Called with f->lock held; returns the flags for the answer.
 */
static uint32_t token_update(struct file *f, bool readable)
{
	char byte = 1;

	ASSERT_HELD(&f->lock);
	if (readable && !f->token && f->source.fd >= 0)
		f->token = send(f->source.fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
	else if (!readable && f->token) {
		f->token = false;
		return DM_F_DRAIN;
	}
	return 0;
}

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

static bool driver_polls(struct file *f)
{
	struct cb_ops *cb = file_ops(f);

	return cb != NULL && (const void *)cb->cb_chpoll != (const void *)nochpoll &&
	       !entry_absent((void *)cb->cb_chpoll);
}

uint32_t token_refresh(struct file *f)
{
	uint32_t flags;
	bool readable;

	if (!f->polled)
		return 0;
	readable = (file_chpoll(f, POLLIN | POLLRDNORM) & (POLLIN | POLLRDNORM)) != 0;
	pthread_mutex_lock(&f->lock);
	flags = token_update(f, readable);
	pthread_mutex_unlock(&f->lock);
	return flags;
}

void file_poll(struct file *f, struct request *rq)
{
	struct dm_reply r;
	short revents = file_chpoll(f, (short)rq->msg.a[0]);

	reply_init(&r, 0);
	r.v[0] = (uint64_t)(uint16_t)revents;
	if (driver_polls(f))
		f->polled = true;
	r.flags = token_refresh(f);
	reply_send(rq, &r, NULL, NULL, 0);
}

/* pollwakeup(9F): which file's device changed is not known, so all that were polled are woken. */
static void open_wakeup(struct file *f)
{
	if (f->open != NULL)
		fuse_notify_poll(f->open);
}

static void file_wakeup(struct file *f)
{
	if (!f->polled)
		return;
	pthread_mutex_lock(&f->lock);
	(void)token_update(f, true);
	pthread_mutex_unlock(&f->lock);
}

static void files_pollwakeup(struct pollhead *php, short events)
{
	(void)php;
	files_each(open_wakeup);
	if ((events & (POLLIN | POLLRDNORM)) != 0)
		files_each(file_wakeup);
}

void files_init(void)
{
	driver_set_pollwakeup(files_pollwakeup);
}
