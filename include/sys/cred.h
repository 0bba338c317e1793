/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/cred.h: who asks. ddi_cred(9F): crgetuid and the rest; ddi_get_cred(9F). A cred_t is good
 * for as long as the entry point that was given it runs.
 */
#ifndef DEVMAP_SYS_CRED_H
#define DEVMAP_SYS_CRED_H

#include <sys/types.h>

uid_t crgetuid(const cred_t *cr);  /* effective */
uid_t crgetruid(const cred_t *cr); /* real */
gid_t crgetgid(const cred_t *cr);
gid_t crgetrgid(const cred_t *cr);

cred_t *ddi_get_cred(void); /* of the process that is being served */
#define CRED() (ddi_get_cred())

int drv_priv(cred_t *cr); /* 0: privileged; otherwise EPERM. drv_priv(9F) */

#endif /* DEVMAP_SYS_CRED_H */
