/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/seg_enum.h: kinds of fault and of access as the VM system numbers them; the DEVMAP_ names of
 * sys/ddidevmap.h have the same numbers.
 */
#ifndef DEVMAP_VM_SEG_ENUM_H
#define DEVMAP_VM_SEG_ENUM_H

enum fault_type { F_INVAL = 0, F_PROT = 1, F_SOFTLOCK = 2, F_SOFTUNLOCK = 3 };

enum seg_rw { S_OTHER = 0, S_READ = 1, S_WRITE = 2, S_EXEC = 3, S_CREATE = 4, S_READ_NOCOW = 5 };

#endif /* DEVMAP_VM_SEG_ENUM_H */
