// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who the thread and the process are that are being served: ddi_get_pid(9F), ddi_get_cred(9F). */
#include "linux.h"
#include "internal.h"

#include <sys/cred.h>

#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

/* A driver's own threads serve nobody. Ids are the machine's own. */

kt_did_t ddi_get_kt_did(void)
{
	return (kt_did_t)(uintptr_t)current;
}
EXPORT_SYMBOL(ddi_get_kt_did);

/* Of the process that is being served, whoever its thread is: a debugger, or whoever ends it. */
static const struct number *number_now(const struct caller *c)
{
	return c->as != NULL ? space_number(space_of(c->as)) : c->number;
}

/* See number.c. */
pid_t ddi_get_pid(void)
{
	const struct caller *c = caller_get();
	const struct number *n = c != NULL ? number_now(c) : NULL;

	if (n != NULL)
		return number_value(n);
	return c != NULL ? task_tgid_nr(current) : 0;
}
EXPORT_SYMBOL(ddi_get_pid);

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
	return cr->user_ns == &init_user_ns && cap_raised(cr->cap_effective, CAP_SYS_ADMIN) ? 0 :
											      EPERM;
}
EXPORT_SYMBOL(drv_priv);

static const int capabilities[] = {
	[PORT_MAY_HARDWARE] = CAP_SYS_RAWIO, [PORT_MAY_ADMIN] = CAP_SYS_ADMIN,
	[PORT_MAY_POWER] = CAP_SYS_BOOT,     [PORT_MAY_LOCK] = CAP_IPC_LOCK,
	[PORT_MAY_TIME] = CAP_SYS_TIME,	     [PORT_MAY_PRIORITY] = CAP_SYS_NICE,
	[PORT_MAY_PROCESS] = CAP_SYS_PTRACE, [PORT_MAY_NET_RAW] = CAP_NET_RAW,
	[PORT_MAY_NET] = CAP_NET_ADMIN,
};

bool port_may(const cred_t *cr, enum port_right right)
{
	return cr->user_ns == &init_user_ns && cap_raised(cr->cap_effective, capabilities[right]);
}

pid_t port_process_group(void)
{
	return task_pgrp_nr_ns(current, &init_pid_ns);
}

pid_t port_session(void)
{
	return task_session_nr_ns(current, &init_pid_ns);
}

time_t port_calendar_time(void)
{
	return (time_t)ktime_get_real_seconds();
}

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
