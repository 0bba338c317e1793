/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/poll.h: POLLIN and its relatives are libc's (<poll.h> comes through here); who polls a device
 * is the DDI's. chpoll(9E), pollwakeup(9F).
 *
 * Found before libc's header of the same name, which it includes first.
 */
#ifndef DEVMAP_SYS_POLL_H
#define DEVMAP_SYS_POLL_H

#ifndef __KERNEL__
#include_next <sys/poll.h>
#endif
#include <sys/types.h>

/* One per condition that can be polled, in the driver's state, zero filled. Opaque. */
struct pollhead {
	void *ph_opaque[2];
};
typedef struct pollhead pollhead_t;

/* Events (POLLIN ...) have occurred: wakes those that wait for one of them through php. */
void pollwakeup(struct pollhead *php, short events);

#endif /* DEVMAP_SYS_POLL_H */
