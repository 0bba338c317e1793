/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Extended attributes of /dev/NAME, which ls(1) and its like ask for: a device has none. */
#include <sys/xattr.h>

#include "shim.h"

static bool is_device(const char *path)
{
	struct device_name n;

	return path_candidate(path) && name_lookup(path, &n);
}

EXPORT ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	return is_device(path) ? finish(-ENODATA) : REAL(getxattr)(path, name, value, size);
}

EXPORT ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	return is_device(path) ? finish(-ENODATA) : REAL(lgetxattr)(path, name, value, size);
}

EXPORT ssize_t listxattr(const char *path, char *list, size_t size)
{
	return is_device(path) ? 0 : REAL(listxattr)(path, list, size);
}

EXPORT ssize_t llistxattr(const char *path, char *list, size_t size)
{
	return is_device(path) ? 0 : REAL(llistxattr)(path, list, size);
}
