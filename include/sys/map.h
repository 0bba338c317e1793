/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/map.h: empty; resource maps are older than vmem_create(9F), which is in sys/vmem.h.
 */
#ifndef DEVMAP_SYS_MAP_H
#define DEVMAP_SYS_MAP_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_MAP_H */
