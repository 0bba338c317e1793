/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/thread.h: the thread that runs, as an opaque pointer to compare. See ddi_get_kt_did(9F).
 */
#ifndef DEVMAP_SYS_THREAD_H
#define DEVMAP_SYS_THREAD_H

#include <sys/types.h>
#include <sys/proc.h>

typedef struct devmap_kthread kthread_t;

kt_did_t ddi_get_kt_did(void);
#define curthread ((kthread_t *)(uintptr_t)ddi_get_kt_did())
/* Of this thread; of another one nobody knows whom it serves, and it is NULL. */
#define ttoproc(t) ((t) == curthread ? curproc : (proc_t *)NULL)

#endif /* DEVMAP_SYS_THREAD_H */
