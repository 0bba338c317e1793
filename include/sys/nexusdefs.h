/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/nexusdefs.h: empty; there are no drivers of buses here.
 */
#ifndef DEVMAP_SYS_NEXUSDEFS_H
#define DEVMAP_SYS_NEXUSDEFS_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_NEXUSDEFS_H */
