/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/epm.h: what sys/pm.h has.
 */
#ifndef DEVMAP_SYS_EPM_H
#define DEVMAP_SYS_EPM_H

#include <sys/pm.h>
#include <sys/dditypes.h>
#include <sys/devops.h>
#include <sys/taskq.h>

#endif /* DEVMAP_SYS_EPM_H */
