/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/int_types.h: a part of sys/inttypes.h, which has it all.
 */
#ifndef DEVMAP_SYS_INT_TYPES_H
#define DEVMAP_SYS_INT_TYPES_H

#include <sys/inttypes.h>

#endif /* DEVMAP_SYS_INT_TYPES_H */
