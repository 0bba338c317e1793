/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddi_impldefs.h: on Solaris, how the DDI is implemented. Here only the public names: drivers
 * include it, and use nothing else of it that the DDI documents.
 */
#ifndef DEVMAP_SYS_DDI_IMPLDEFS_H
#define DEVMAP_SYS_DDI_IMPLDEFS_H

#include <sys/types.h>
#include <sys/dditypes.h>
#include <sys/devops.h>

#endif /* DEVMAP_SYS_DDI_IMPLDEFS_H */
