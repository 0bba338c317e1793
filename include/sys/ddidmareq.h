/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddidmareq.h: cache attributes that ride in the flags of the devmap set-up functions.
 * devmap_umem_setup(9F), devmap_devmem_setup(9F). 0 means cached; more than one bit is an error.
 */
#ifndef DEVMAP_SYS_DDIDMAREQ_H
#define DEVMAP_SYS_DDIDMAREQ_H

#define IOMEM_DATA_CACHED		0x10000
#define IOMEM_DATA_UC_WR_COMBINE	0x20000
#define IOMEM_DATA_UNCACHED		0x40000
#define IOMEM_DATA_MASK			0xF0000

#endif /* DEVMAP_SYS_DDIDMAREQ_H */
