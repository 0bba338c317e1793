/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The numbers of sys/ioccom.h where DEVMAP_SOLARIS_IOCTLS asks for Solaris's. That it compiles, with
 * libc's header in between, is the test.
 */
#define DEVMAP_SOLARIS_IOCTLS
#include <sys/ioccom.h>
#include <sys/ioctl.h>

struct many {
	char bytes[300];
};

#define IS(name, value) _Static_assert((name) == (int)(value), #name)

IS(_IOR('f', 127, int), 0x4004667f);
IS(_IOW('f', 126, int), 0x8004667e);
IS(_IOWR('v', 1, struct many), 0xc02c7601);
IS(_IO('f', 1), 0x20006601);
IS(_IOWRN('v', 1, 44), _IOWR('v', 1, struct many));
IS(IOCPARM_MASK, 0xff);
