/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who the process is that is being served: ddi_get_pid(9F), ddi_get_cred(9F), drv_priv(9F). It
 * comes from the caller that the server sets around a call of the driver. A driver's own threads
 * are the system's.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <sys/cred.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "caller.h"
#include "cred.h"
#include "devinfo.h"

static struct cred system_cred = { .refs = 1 };

cred_t *ddi_get_cred(void)
{
	struct caller *c = caller_get();

	return c != NULL && c->cred != NULL ? c->cred : &system_cred;
}

uid_t crgetuid(const cred_t *cr)
{
	return cr->uid;
}

uid_t crgetruid(const cred_t *cr)
{
	return cr->uid;
}

gid_t crgetgid(const cred_t *cr)
{
	return cr->gid;
}

gid_t crgetrgid(const cred_t *cr)
{
	return cr->gid;
}

/* Whoever runs the engine has it in his power anyway. */
int drv_priv(cred_t *cr)
{
	return cr->uid == 0 || cr->uid == geteuid() ? 0 : EPERM;
}

/* Capabilities of another process are not to be had without a race. */
bool port_may(const cred_t *cr, enum port_right right)
{
	(void)right;
	return drv_priv((cred_t *)cr) == 0;
}

pid_t ddi_get_pid(void)
{
	const struct caller *c = caller_known();

	return c != NULL ? c->pid : 0;
}

pid_t port_process_group(void)
{
	return getpgid(ddi_get_pid());
}

pid_t port_session(void)
{
	return getsid(ddi_get_pid());
}

time_t port_calendar_time(void)
{
	return time(NULL);
}

/* The user engine serves programs of its own model only. */
ddi_model_t ddi_mmap_get_model(void)
{
	return DDI_MODEL_NATIVE;
}
