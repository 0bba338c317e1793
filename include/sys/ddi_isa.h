/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddi_isa.h: empty; drivers include it, and use nothing of it that the DDI documents.
 */
#ifndef DEVMAP_SYS_DDI_ISA_H
#define DEVMAP_SYS_DDI_ISA_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_DDI_ISA_H */
