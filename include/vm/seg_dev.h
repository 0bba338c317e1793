/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/seg_dev.h: empty; a mapping's own data is the engine's.
 */
#ifndef DEVMAP_VM_SEG_DEV_H
#define DEVMAP_VM_SEG_DEV_H

#include <sys/types.h>

#endif /* DEVMAP_VM_SEG_DEV_H */
