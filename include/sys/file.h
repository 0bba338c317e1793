/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/file.h: how a device was opened: the flag of open(9E), the mode of ioctl(9E). FREAD, FWRITE
 * and FKIOCTL are the DDI's; FNDELAY, FNONBLOCK, FAPPEND and FEXCL are the O_ values of Linux, as
 * libc has most of them.
 *
 * Found before libc's header of the same name, which it includes first.
 */
#ifndef DEVMAP_SYS_FILE_H
#define DEVMAP_SYS_FILE_H

#ifndef __KERNEL__
#include_next <sys/file.h>
#include <fcntl.h>
#endif
#include <sys/types.h>

#ifndef FREAD
#define FREAD 0x1
#endif
#ifndef FWRITE
#define FWRITE 0x2
#endif
#ifndef FKIOCTL
#define FKIOCTL ((int)0x80000000) /* arg is the kernel's: ddi_copyin(9F) */
#endif
#ifndef FNDELAY
#define FNDELAY O_NONBLOCK
#endif
#ifndef FNONBLOCK
#define FNONBLOCK O_NONBLOCK
#endif
#ifndef FAPPEND
#define FAPPEND O_APPEND
#endif
#ifndef FEXCL
#define FEXCL O_EXCL
#endif

#endif /* DEVMAP_SYS_FILE_H */
