/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/proc.h: the process that is being served. See ddi_get_pid(9F), drv_getparm(9F) with UPROCP. The
 * pointer can be compared; what is there holds as long as the driver's entry point runs.
 */
#ifndef DEVMAP_SYS_PROC_H
#define DEVMAP_SYS_PROC_H

#include <sys/types.h>

struct proc {
	struct as *p_as; /* as s_as of its handles' dh_seg; NULL: it has no mapping */
	pid_t p_pid;	 /* as ddi_get_pid(9F) */
};

proc_t *devmap_curproc(void); /* NULL: the driver was not called for a process */
#define curproc (devmap_curproc())

#endif /* DEVMAP_SYS_PROC_H */
