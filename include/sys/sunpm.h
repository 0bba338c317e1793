/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/sunpm.h: what sys/pm.h has.
 */
#ifndef DEVMAP_SYS_SUNPM_H
#define DEVMAP_SYS_SUNPM_H

#include <sys/pm.h>

#endif /* DEVMAP_SYS_SUNPM_H */
