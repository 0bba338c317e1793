/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/stream.h: brings what it brings on Solaris. There are no STREAMS: their types are there to be
 * named, and nothing works on them.
 */
#ifndef DEVMAP_SYS_STREAM_H
#define DEVMAP_SYS_STREAM_H

#include <sys/isa_defs.h>
#include <sys/vnode.h>
#include <sys/poll.h>
#include <sys/cred.h>
#include <sys/t_lock.h>
#include <sys/model.h>

struct streamtab;
typedef struct queue queue_t;
typedef struct msgb mblk_t;

#endif /* DEVMAP_SYS_STREAM_H */
