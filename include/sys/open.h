/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/open.h: the otyp of open(9E) and close(9E).
 */
#ifndef DEVMAP_SYS_OPEN_H
#define DEVMAP_SYS_OPEN_H

#define OTYP_BLK 0 /* block device */
#define OTYP_MNT 1 /* mounted file system */
#define OTYP_CHR 2 /* character device: the only one here */
#define OTYP_SWP 3 /* swapping device */
#define OTYP_LYR 4 /* opened by another driver */
#define OTYPCNT	 5

#endif /* DEVMAP_SYS_OPEN_H */
