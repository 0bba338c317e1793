/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/policy.h: may somebody do what not everybody may? They return 0, or EPERM, and have no manual
 * pages. There are no privileges by name here. In the kernel engine each asks for a capability, in the
 * initial user namespace; in the user engine for root, or for who runs the engine.
 */
#ifndef DEVMAP_SYS_POLICY_H
#define DEVMAP_SYS_POLICY_H

#include <sys/types.h>
#include <sys/cred.h>

int secpolicy_sys_devices(const cred_t *cr); /* CAP_SYS_RAWIO, as all up to excl_open */
int secpolicy_gart_access(const cred_t *cr);
int secpolicy_gart_map(const cred_t *cr);
int secpolicy_hwmanip(const cred_t *cr);
int secpolicy_excl_open(const cred_t *cr);
int secpolicy_error_inject(const cred_t *cr); /* CAP_SYS_ADMIN, as all up to console */
int secpolicy_sys_config(const cred_t *cr, boolean_t checkonly);
int secpolicy_modctl(const cred_t *cr, int cmd);
int secpolicy_resource(const cred_t *cr);
int secpolicy_systeminfo(const cred_t *cr);
int secpolicy_console(const cred_t *cr);
int secpolicy_power_mgmt(const cred_t *cr);			 /* CAP_SYS_BOOT */
int secpolicy_lock_memory(const cred_t *cr);			 /* CAP_IPC_LOCK */
int secpolicy_settime(const cred_t *cr);			 /* CAP_SYS_TIME */
int secpolicy_setpriority(const cred_t *cr);			 /* CAP_SYS_NICE */
int secpolicy_proc_access(const cred_t *cr);			 /* CAP_SYS_PTRACE */
int secpolicy_net_rawaccess(const cred_t *cr);			 /* CAP_NET_RAW */
int secpolicy_net_config(const cred_t *cr, boolean_t checkonly); /* CAP_NET_ADMIN */
int secpolicy_basic_fork(const cred_t *cr); /* everybody may, as what follows */
int secpolicy_basic_link(const cred_t *cr);
int secpolicy_basic_proc(const cred_t *cr);

#endif /* DEVMAP_SYS_POLICY_H */
