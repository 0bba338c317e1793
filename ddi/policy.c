/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The questions of sys/policy.h, each of which is one of port_may()'s. */
#include <sys/policy.h>

#include "ddi.h"
#include "port.h"

#define POLICY(name, right)                             \
	int secpolicy_##name(const cred_t *cr)          \
	{                                               \
		return port_may(cr, right) ? 0 : EPERM; \
	}

POLICY(sys_devices, PORT_MAY_HARDWARE)
POLICY(gart_access, PORT_MAY_HARDWARE)
POLICY(gart_map, PORT_MAY_HARDWARE)
POLICY(hwmanip, PORT_MAY_HARDWARE)
POLICY(excl_open, PORT_MAY_HARDWARE)
POLICY(error_inject, PORT_MAY_ADMIN)
POLICY(resource, PORT_MAY_ADMIN)
POLICY(systeminfo, PORT_MAY_ADMIN)
POLICY(console, PORT_MAY_ADMIN)
POLICY(power_mgmt, PORT_MAY_POWER)
POLICY(lock_memory, PORT_MAY_LOCK)
POLICY(settime, PORT_MAY_TIME)
POLICY(setpriority, PORT_MAY_PRIORITY)
POLICY(proc_access, PORT_MAY_PROCESS)
POLICY(net_rawaccess, PORT_MAY_NET_RAW)

int secpolicy_sys_config(const cred_t *cr, boolean_t checkonly)
{
	(void)checkonly;
	return port_may(cr, PORT_MAY_ADMIN) ? 0 : EPERM;
}

int secpolicy_modctl(const cred_t *cr, int cmd)
{
	(void)cmd;
	return port_may(cr, PORT_MAY_ADMIN) ? 0 : EPERM;
}

int secpolicy_net_config(const cred_t *cr, boolean_t checkonly)
{
	(void)checkonly;
	return port_may(cr, PORT_MAY_NET) ? 0 : EPERM;
}

int secpolicy_basic_fork(const cred_t *cr)
{
	(void)cr;
	return 0;
}

int secpolicy_basic_link(const cred_t *cr)
{
	(void)cr;
	return 0;
}

int secpolicy_basic_proc(const cred_t *cr)
{
	(void)cr;
	return 0;
}
