/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Errands: calls of the kernel that a client can prolong. It can hold its window's inode (by a write
 * whose source does not come) or map one page so often that to take it away is long work: then a hole
 * is not punched before the client likes. The thread that waits may be in the middle of a driver's call,
 * with all other clients behind it, and it cannot be interrupted.
 *
 * So where the client is not trusted a process of its own makes the call, and the engine waits for a
 * limited time. It is a process, not a thread, since one that is stuck there cannot be ended, nor can
 * the process that it belongs to. It holds windows and nothing else.
 */
#ifndef DEVMAP_ENGINE_USER_ERRAND_H
#define DEVMAP_ENGINE_USER_ERRAND_H

#include <sys/types.h>

/*
 * Starts the process: before any thread, and before there is a descriptor that it must not hold. 0 or
 * -errno; then errand_hold() fails.
 */
int errands_init(void);
/* A pipe that is at its end when the runner is, whatever became of us. It stays ours. */
int errands_gone(void);
void errands_fini(void); /* ends it, unless it is stuck */
/* Shows it a window's memory file, which stays the caller's. A name for it, from 0 on, or -errno. */
int errand_hold(int fd);
void errand_release(int name);
/*
 * Punches a hole, as fallocate(2) does: off and len in bytes. 0, -errno, -ENXIO: the process is gone, or
 * -ETIMEDOUT: it has slept for about ERRAND_SLEEP_MS, or worked for ERRAND_WORK_MS, and may be done later,
 * or never.
 */
int errand_punch(int name, off_t off, off_t len);

#define ERRAND_SLEEP_MS 30
#define ERRAND_WORK_MS	20

#endif
