/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/proc.h: the process that is being served, as an opaque pointer to compare. See
 * ddi_get_pid(9F), drv_getparm(9F) with UPROCP.
 */
#ifndef DEVMAP_SYS_PROC_H
#define DEVMAP_SYS_PROC_H

#include <sys/types.h>

proc_t *devmap_curproc(void); /* NULL: the driver was not called for a process */
#define curproc (devmap_curproc())

#endif /* DEVMAP_SYS_PROC_H */
