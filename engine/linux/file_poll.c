// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * chpoll(9E) and pollwakeup(9F). A pollhead lies in the driver's memory, filled with zeros, and
 * nobody says when it ends: so those who wait for one do so in a queue of ours, which is found by its
 * address, and which others may share.
 */
#include "linux.h"

#include <linux/hash.h>

#include <sys/poll.h>

#include "file.h"
#include "internal.h"

#define QUEUE_BITS 6

static wait_queue_head_t queues[1 << QUEUE_BITS];
/* Of those whose pollhead is not known: they were polled while there was something. */
static DECLARE_WAIT_QUEUE_HEAD(strangers);

void polls_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		init_waitqueue_head(&queues[i]);
}

static wait_queue_head_t *queue_of(const struct pollhead *php)
{
	return &queues[hash_ptr(php, QUEUE_BITS)];
}

/* From any context. Who wakes without reason looks again. */
void pollwakeup(struct pollhead *php, short events)
{
	__poll_t key = (__force __poll_t)(unsigned short)events;

	wake_up_poll(queue_of(php), key);
	wake_up_poll(&strangers, key);
}
EXPORT_SYMBOL(pollwakeup);

void polls_revoke(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		wake_up_poll(&queues[i], EPOLLHUP | EPOLLERR);
	wake_up_poll(&strangers, EPOLLHUP | EPOLLERR);
}

static __poll_t driver_poll(struct devfile *f, short events, bool anyyet, struct pollhead **php)
{
	struct file_call call;
	short revents = 0;
	int error;

	if (file_enter(&call, f) != 0)
		return EPOLLHUP | EPOLLERR;
	error = file_ops(f)->cb_chpoll(f->dev, events, anyyet, &revents, php);
	file_leave(&call);
	return error != 0 ? EPOLLERR : (__force __poll_t)(unsigned short)revents;
}

static bool driver_polls(const struct devfile *f)
{
	const void *fn = (const void *)file_ops(f)->cb_chpoll;

	return !entry_absent(fn) && fn != (const void *)nochpoll;
}

/* The driver is asked again once we are in the queue: an event may have come in between. */
__poll_t devmap_file_poll(struct file *filp, struct poll_table_struct *pt)
{
	struct devfile *f = filp->private_data;
	short events = (short)((__force unsigned int)poll_requested_events(pt) & 0x7fff);
	struct pollhead *php = NULL;
	__poll_t ready;

	if (file_gone(filp))
		return EPOLLHUP | EPOLLERR;
	if (!driver_polls(f))
		return (__force __poll_t)events & (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM);
	ready = driver_poll(f, events, false, &php);
	if (poll_does_not_wait(pt))
		return ready;
	poll_wait(filp, php != NULL ? queue_of(php) : &strangers, pt);
	if (ready == 0)
		ready = driver_poll(f, events, true, &php);
	return ready;
}
