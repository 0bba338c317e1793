/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddi_obsolete.h: empty; the older functions are with the newer ones.
 */
#ifndef DEVMAP_SYS_DDI_OBSOLETE_H
#define DEVMAP_SYS_DDI_OBSOLETE_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_DDI_OBSOLETE_H */
