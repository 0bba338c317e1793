/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* pollwakeup(9F) tells the server, where there is one. */
#include <sys/ddi.h>
#include <sys/poll.h>

#include "devinfo.h"

static void (*pollwakeup_fn)(struct pollhead *php, short events);

void driver_set_pollwakeup(void (*fn)(struct pollhead *php, short events))
{
	pollwakeup_fn = fn;
}

void pollwakeup(struct pollhead *php, short events)
{
	if (pollwakeup_fn != NULL)
		pollwakeup_fn(php, events);
}
