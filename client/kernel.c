/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Devices of the kernel engine. Programs open and map them without us; only their locks need a
 * call, since the kernel's own mlock(2) passes device mappings by. Nothing is kept between calls,
 * and nobody else pays: a descriptor may have come in any way, and mlock(2) is not called often.
 */
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <devmap/ioctl.h>

#include "internal.h"

int kernel_lock(uint16_t op, uintptr_t start, uintptr_t end, bool parts)
{
	struct devmap_ioc_range r = { .addr = start,
				      .len = end - start,
				      .flags = parts ? DEVMAP_IOC_PARTS : 0 };
	int fd = (int)raw(SYS_openat, AT_FDCWD, DEVMAP_CONTROL, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0) /* there is no kernel engine, so this is no mapping of it */
		return parts ? 0 : -EINVAL;
	error = (int)raw(SYS_ioctl, fd, op == DM_LOCK ? DEVMAP_IOC_LOCK : DEVMAP_IOC_UNLOCK, &r);
	(void)raw_close(fd);
	return error == -ENOTTY ? (parts ? 0 : -EINVAL) : error;
}

bool kernel_device(int fd)
{
	char path[64], link[256];
	struct stat st;
	long len;

	if (raw(SYS_fstat, fd, &st) != 0 || !S_ISCHR(st.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem", major(st.st_rdev),
		 minor(st.st_rdev));
	len = raw(SYS_readlinkat, AT_FDCWD, path, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	return strrchr(link, '/') != NULL && strcmp(strrchr(link, '/'), "/devmap") == 0;
}
