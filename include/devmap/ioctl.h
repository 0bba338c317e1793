/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * /dev/devmap, the kernel engine itself: what has no system call of its own. For libdevmap, which
 * hides it behind devmap_lock(3).
 */
#ifndef DEVMAP_IOCTL_H
#define DEVMAP_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DEVMAP_CONTROL "/dev/devmap"

struct devmap_ioc_range {
	__u64 addr; /* of the calling process */
	__u64 len;  /* bytes */
	__u32 flags;
	__u32 zero;
};

/*
 * Only what of the range is mappings of the kernel engine's devices, which may be nothing, as
 * mlock(2) wants it. Else all of it has to be.
 */
#define DEVMAP_IOC_PARTS 1

/* 0, or the errors of devmap_lock(3) and devmap_unlock(3): EINVAL if some page is none of ours. */
#define DEVMAP_IOC_LOCK	  _IOW('D', 0x40, struct devmap_ioc_range)
#define DEVMAP_IOC_UNLOCK _IOW('D', 0x41, struct devmap_ioc_range)

#endif
