/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The Linux kernel's half of sys/types.h: which of Linux's headers the DDI's stand on, what those
 * lack, and the lock types. Linux's errno, PROT_*, MAP_*, O_*, S_IF*, POLL* and signal numbers are
 * the ones that programs see, and come from here.
 */
#ifndef DEVMAP_LINUX_TYPES_H
#define DEVMAP_LINUX_TYPES_H

#include <linux/atomic.h>
#include <linux/dev_printk.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/ioctl.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/semaphore.h>
#include <linux/signal.h>
#include <linux/spinlock.h>
#include <linux/stat.h>
#include <linux/stdarg.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <uapi/linux/mman.h>
#include <uapi/linux/poll.h>
#include <uapi/linux/uio.h>

#ifdef DEVMAP_ENGINE
/* Their inline functions use names that mean something else from here on. */
#include <linux/cdev.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#endif

#include <devmap/linux_names.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
typedef long intptr_t;
#endif
typedef long time_t; /* seconds */

#ifndef INT8_MAX
#define INT8_MAX   S8_MAX
#define INT8_MIN   S8_MIN
#define UINT8_MAX  U8_MAX
#define INT16_MAX  S16_MAX
#define INT16_MIN  S16_MIN
#define UINT16_MAX U16_MAX
#define INT32_MAX  S32_MAX
#define INT32_MIN  S32_MIN
#define UINT32_MAX U32_MAX
#define INT64_MAX  S64_MAX
#define INT64_MIN  S64_MIN
#define UINT64_MAX U64_MAX
#endif
#ifndef PTRDIFF_MAX
#define PTRDIFF_MAX LONG_MAX
#endif
#ifndef UINTPTR_MAX
#define UINTPTR_MAX ULONG_MAX
#endif

/*
 * Lock types, for sys/ksynch.h. All of them are valid, unlocked and without waiters when filled
 * with zeros: drivers take soft state from ddi_soft_state_zalloc() and some never call
 * mutex_init(). `ready` is 0 until somebody has initialised the rest: *_init(), or the first who
 * uses it. The members belong to the engine.
 */
typedef struct kmutex {
	unsigned int ready;
	unsigned int leaving; /* a thread that has unlocked still uses lock */
	struct mutex lock;
	struct task_struct *owner; /* only the owner stores its own address here */
} kmutex_t;

typedef struct kcondvar {
	unsigned int ready;
	wait_queue_head_t queue;
} kcondvar_t;

/* Not Linux's rw_semaphore: that cannot be upgraded. */
typedef struct krwlock {
	unsigned int ready;
	spinlock_t lock;	   /* guards the next three */
	int count;		   /* readers inside; -1: a writer */
	unsigned int writers;	   /* writers that wait; new readers let them go first */
	struct task_struct *owner; /* the writing thread */
	wait_queue_head_t queue;   /* count, or writers, has changed */
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	struct lockdep_map dep_map;
#endif
} krwlock_t;

/* bcopy(9F), bzero(9F). Linux has bcmp() itself. */
static inline void bcopy(const void *from, void *to, size_t n)
{
	memmove(to, from, n);
}

static inline void bzero(void *s, size_t n)
{
	memset(s, 0, n);
}

#endif
