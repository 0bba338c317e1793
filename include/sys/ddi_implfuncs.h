/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddi_implfuncs.h: empty; drivers include it, and use nothing of it that the DDI documents.
 */
#ifndef DEVMAP_SYS_DDI_IMPLFUNCS_H
#define DEVMAP_SYS_DDI_IMPLFUNCS_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_DDI_IMPLFUNCS_H */
