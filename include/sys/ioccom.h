/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ioccom.h: _IO(), _IOR(), _IOW(), _IOWR() for the commands of ioctl(9E), for drivers and for
 * programs that share a header with one.
 *
 * They have Linux's numbers, those of libc's <sys/ioctl.h>: a program that includes either header,
 * or both, in whatever order, means what the driver means. With DEVMAP_SOLARIS_IOCTLS defined they
 * have Solaris's, where numbers are written down somewhere; it must be defined for the program too
 * then, which can give no commands to Linux's own devices by these macros any more.
 */
#ifndef DEVMAP_SYS_IOCCOM_H
#define DEVMAP_SYS_IOCCOM_H

#ifndef __KERNEL__
#include <sys/ioctl.h>
#else
#include <sys/types.h>
#endif

#undef IOC_VOID
#undef IOC_OUT
#undef IOC_IN
#undef IOC_INOUT
#undef IOCPARM_MASK

#ifdef DEVMAP_SOLARIS_IOCTLS

/* The size has 8 bits: 256 bytes are 0. The commands are int. */
#define IOCPARM_MASK 0xff
#define IOC_VOID     ((int)0x20000000)
#define IOC_OUT	     ((int)0x40000000) /* to the program */
#define IOC_IN	     ((int)0x80000000) /* from the program */
#define IOC_INOUT    (IOC_IN | IOC_OUT)

#undef _IO
#undef _IOR
#undef _IOW
#undef _IOWR
#define DEVMAP_IOC(dir, letter, number, size) \
	((int)((dir) | (((int)(size)&IOCPARM_MASK) << 16) | ((letter) << 8) | (number)))
#define _IO(x, y)	DEVMAP_IOC(IOC_VOID, x, y, 0)
#define _IOR(x, y, t)	DEVMAP_IOC(IOC_OUT, x, y, sizeof(t))
#define _IOW(x, y, t)	DEVMAP_IOC(IOC_IN, x, y, sizeof(t))
#define _IOWR(x, y, t)	DEVMAP_IOC(IOC_INOUT, x, y, sizeof(t))
#define _IORN(x, y, t)	DEVMAP_IOC(IOC_OUT, x, y, t)
#define _IOWN(x, y, t)	DEVMAP_IOC(IOC_IN, x, y, t)
#define _IOWRN(x, y, t) DEVMAP_IOC(IOC_INOUT, x, y, t)

#else

#define IOCPARM_MASK	_IOC_SIZEMASK
#define IOC_VOID	((int)(_IOC_NONE << _IOC_DIRSHIFT))
#define IOC_OUT		((int)(_IOC_READ << _IOC_DIRSHIFT))
#define IOC_IN		((int)(_IOC_WRITE << _IOC_DIRSHIFT))
#define IOC_INOUT	(IOC_IN | IOC_OUT)

#define _IORN(x, y, t)	_IOC(_IOC_READ, x, y, t)
#define _IOWN(x, y, t)	_IOC(_IOC_WRITE, x, y, t)
#define _IOWRN(x, y, t) _IOC(_IOC_READ | _IOC_WRITE, x, y, t)

#endif

#endif /* DEVMAP_SYS_IOCCOM_H */
