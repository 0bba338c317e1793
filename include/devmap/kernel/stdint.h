/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* <stdint.h>, where there is no libc: the Linux kernel's own names. For models, which use little else. */
#ifndef DEVMAP_KERNEL_STDINT_H
#define DEVMAP_KERNEL_STDINT_H

#include <devmap/linux_types.h>

#endif
