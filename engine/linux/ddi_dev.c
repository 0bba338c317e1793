// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Device numbers, getmajor(9F) and its like, are Linux's, since programs see them in st_rdev. */
#include "linux.h"

#include <sys/param.h>

#include <linux/kdev_t.h>

major_t getmajor(dev_t dev)
{
	return MAJOR(dev);
}
EXPORT_SYMBOL(getmajor);

minor_t getminor(dev_t dev)
{
	return MINOR(dev);
}
EXPORT_SYMBOL(getminor);

dev_t makedevice(major_t majnum, minor_t minnum)
{
	return MKDEV(majnum, minnum);
}
EXPORT_SYMBOL(makedevice);

static_assert(PAGESHIFT == PAGE_SHIFT);
