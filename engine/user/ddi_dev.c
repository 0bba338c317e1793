/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Device numbers, getmajor(9F) and its like, are Linux's, since programs see them in st_rdev. */
#include <sys/ddi.h>
#include <sys/sysmacros.h>

major_t getmajor(dev_t dev)
{
	return (major_t)major(dev);
}

minor_t getminor(dev_t dev)
{
	return (minor_t)minor(dev);
}

dev_t makedevice(major_t majnum, minor_t minnum)
{
	return makedev(majnum, minnum);
}
