/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What programs that know of devmap may call: devmap_lock(3) and friends. */
#include <string.h>

#include <devmap/client.h>

#include "internal.h"

/* Are there user engines' mappings, and nothing else, from start to end? */
static bool all_device(uintptr_t start, uintptr_t end)
{
	struct map m;

	for (; start < end; start = m.end)
		if (!maps_first(start, end, &m) || m.start != start)
			return false;
	return true;
}

static int lock_call(uint16_t op, void *addr, size_t len)
{
	uintptr_t mask = page_size() - 1, start = (uintptr_t)addr & ~mask;
	uintptr_t end = ((uintptr_t)addr + len + mask) & ~mask;

	if (len == 0 || end <= start) {
		errno = EINVAL;
		return -1;
	}
	return finish(all_device(start, end) ? lock_range(op, start, end) :
					       kernel_lock(op, start, end, false));
}

EXPORT int devmap_lock(void *addr, size_t len)
{
	return lock_call(DM_LOCK, addr, len);
}

EXPORT int devmap_unlock(void *addr, size_t len)
{
	return lock_call(DM_UNLOCK, addr, len);
}

EXPORT int devmap_is_device(int fd)
{
	return fd_probe(fd) || kernel_device(fd);
}

EXPORT int devmap_open(const char *name, int flags)
{
	struct device_name n;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	if (!name_device(name, &n)) {
		errno = ENOENT;
		return -1;
	}
	return finish(device_open(&n, flags));
}
