/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Facts about the process that is being served: drv_getparm(9F), ddi_model_convert_from(9F). */
#include <sys/cred.h>
#include <sys/proc.h>
#include <sys/time.h>

#include "ddi.h"
#include "port.h"

/* Those of a process. A driver's own threads serve none. */
static int drv_getprocparm(unsigned int parm, void *value_p)
{
	pid_t pid = ddi_get_pid();

	if (pid == 0)
		return -1;
	switch (parm) {
	case UPROCP:
		*(proc_t **)value_p = devmap_curproc();
		return 0;
	case PPGRP:
		*(pid_t *)value_p = port_process_group();
		return 0;
	case PPID:
		*(pid_t *)value_p = pid;
		return 0;
	case PSID:
		*(pid_t *)value_p = port_session();
		return 0;
	case UCRED:
		*(cred_t **)value_p = ddi_get_cred();
		return 0;
	default:
		return -1;
	}
}

int drv_getparm(unsigned int parm, void *value_p)
{
	switch (parm) {
	case TIME:
		*(time_t *)value_p = port_calendar_time();
		return 0;
	case LBOLT:
		*(clock_t *)value_p = ddi_get_lbolt();
		return 0;
	default:
		return drv_getprocparm(parm, value_p);
	}
}

int drv_setparm(unsigned int parm, unsigned long value)
{
	(void)parm;
	(void)value;
	return -1;
}

ddi_model_t ddi_model_convert_from(ddi_model_t model)
{
	model &= DDI_MODEL_MASK;
	return model == DDI_MODEL_NATIVE ? DDI_MODEL_NONE : model;
}
