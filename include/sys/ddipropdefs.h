/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddipropdefs.h: names of properties, which are in sys/sunddi.h.
 */
#ifndef DEVMAP_SYS_DDIPROPDEFS_H
#define DEVMAP_SYS_DDIPROPDEFS_H

#include <sys/sunddi.h>

#endif /* DEVMAP_SYS_DDIPROPDEFS_H */
