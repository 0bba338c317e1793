// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Small things of the DDI: who is being served, entry points for drivers that lack them, device
 * numbers, pages.
 */
#include "linux.h"
#include "internal.h"

#include <sys/conf.h>
#include <sys/cred.h>
#include <sys/param.h>
#include <sys/poll.h>
#include <sys/proc.h>

#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/kdev_t.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

/* With void, beside the header's prototype-less declarations. */
int nodev(void);
int nulldev(void);

int nodev(void)
{
	return ENXIO;
}
EXPORT_SYMBOL(nodev);

int nulldev(void)
{
	return 0;
}
EXPORT_SYMBOL(nulldev);

int ddi_no_info(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	return DDI_FAILURE;
}
EXPORT_SYMBOL(ddi_no_info);

int ddi_quiesce_not_needed(dev_info_t *dip)
{
	return DDI_SUCCESS;
}
EXPORT_SYMBOL(ddi_quiesce_not_needed);

int ddi_quiesce_not_supported(dev_info_t *dip)
{
	return DDI_FAILURE;
}
EXPORT_SYMBOL(ddi_quiesce_not_supported);

int nochpoll(dev_t dev, short events, int anyyet, short *reventsp, struct pollhead **phpp)
{
	return ENXIO;
}
EXPORT_SYMBOL(nochpoll);

/* The thread and the process. A driver's own threads serve none. Ids are the machine's own. */

kt_did_t ddi_get_kt_did(void)
{
	return (kt_did_t)(uintptr_t)current;
}
EXPORT_SYMBOL(ddi_get_kt_did);

/* Of the process that is being served, whoever its thread is: a debugger, or whoever ends it. */
static const struct number *number_now(const struct context *c)
{
	return c->as != NULL ? space_number(space_of(c->as)) : c->number;
}

/* See number.c. */
pid_t ddi_get_pid(void)
{
	const struct context *c = context_get();
	const struct number *n = c != NULL ? number_now(c) : NULL;

	if (n != NULL)
		return number_value(n);
	return c != NULL ? task_tgid_nr(current) : 0;
}
EXPORT_SYMBOL(ddi_get_pid);

/* An address that no other process has while this one lives. */
proc_t *devmap_curproc(void)
{
	const struct context *c = context_get();
	const struct number *n = c != NULL ? number_now(c) : NULL;

	if (n != NULL)
		return (proc_t *)n;
	return c != NULL ? (proc_t *)task_tgid(current) : NULL;
}
EXPORT_SYMBOL(devmap_curproc);

/* Of the caller, who keeps it as long as his entry point runs. */
cred_t *ddi_get_cred(void)
{
	return (cred_t *)current_cred();
}
EXPORT_SYMBOL(ddi_get_cred);

uid_t crgetuid(const cred_t *cr)
{
	return from_kuid_munged(&init_user_ns, cr->euid);
}
EXPORT_SYMBOL(crgetuid);

uid_t crgetruid(const cred_t *cr)
{
	return from_kuid_munged(&init_user_ns, cr->uid);
}
EXPORT_SYMBOL(crgetruid);

gid_t crgetgid(const cred_t *cr)
{
	return from_kgid_munged(&init_user_ns, cr->egid);
}
EXPORT_SYMBOL(crgetgid);

gid_t crgetrgid(const cred_t *cr)
{
	return from_kgid_munged(&init_user_ns, cr->gid);
}
EXPORT_SYMBOL(crgetrgid);

/* Root of a container is nobody here. */
int drv_priv(cred_t *cr)
{
	return cr->user_ns == &init_user_ns && cap_raised(cr->cap_effective, CAP_SYS_ADMIN) ?
		0 : EPERM;
}
EXPORT_SYMBOL(drv_priv);

/* Those of a process. */
static int drv_getprocparm(unsigned int parm, void *value_p)
{
	if (context_get() == NULL)
		return -1;
	switch (parm) {
	case UPROCP:
		*(proc_t **)value_p = devmap_curproc();
		return 0;
	case PPGRP:
		*(pid_t *)value_p = task_pgrp_nr_ns(current, &init_pid_ns);
		return 0;
	case PPID:
		*(pid_t *)value_p = ddi_get_pid();
		return 0;
	case PSID:
		*(pid_t *)value_p = task_session_nr_ns(current, &init_pid_ns);
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
		*(time_t *)value_p = (time_t)ktime_get_real_seconds();
		return 0;
	case LBOLT:
		*(clock_t *)value_p = ddi_get_lbolt();
		return 0;
	default:
		return drv_getprocparm(parm, value_p);
	}
}
EXPORT_SYMBOL(drv_getparm);

/* The data model of the system call that is being served: a program may make both kinds. */

ddi_model_t ddi_mmap_get_model(void)
{
#ifdef CONFIG_COMPAT
	if (in_compat_syscall())
		return DDI_MODEL_ILP32;
#endif
	return DDI_MODEL_NATIVE;
}
EXPORT_SYMBOL(ddi_mmap_get_model);

ddi_model_t ddi_model_convert_from(ddi_model_t model)
{
	model &= DDI_MODEL_MASK;
	return model == DDI_MODEL_NATIVE ? DDI_MODEL_NONE : model;
}
EXPORT_SYMBOL(ddi_model_convert_from);

/* Device numbers are Linux's, since programs see them in st_rdev. */

major_t getmajor(dev_t dev)
{
	return MAJOR(dev);
}
EXPORT_SYMBOL(getmajor);

minor_t getminor(dev_t dev)
{
	return MINOR(dev);
}
EXPORT_SYMBOL(getminor);

dev_t makedevice(major_t majnum, minor_t minnum)
{
	return MKDEV(majnum, minnum);
}
EXPORT_SYMBOL(makedevice);

unsigned long ptob(unsigned long numpages)
{
	return numpages << PAGESHIFT;
}
EXPORT_SYMBOL(ptob);

unsigned long btop(unsigned long numbytes)
{
	return numbytes >> PAGESHIFT;
}
EXPORT_SYMBOL(btop);

unsigned long btopr(unsigned long numbytes)
{
	return (numbytes >> PAGESHIFT) + ((numbytes & PAGEOFFSET) != 0);
}
EXPORT_SYMBOL(btopr);

unsigned long ddi_ptob(dev_info_t *dip, unsigned long pages)
{
	return ptob(pages);
}
EXPORT_SYMBOL(ddi_ptob);

unsigned long ddi_btop(dev_info_t *dip, unsigned long bytes)
{
	return btop(bytes);
}
EXPORT_SYMBOL(ddi_btop);

unsigned long ddi_btopr(dev_info_t *dip, unsigned long bytes)
{
	return btopr(bytes);
}
EXPORT_SYMBOL(ddi_btopr);

static_assert(PAGESHIFT == PAGE_SHIFT);
