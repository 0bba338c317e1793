/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/as.h: the address space that segmap(9E) is given. Opaque: a driver only hands it on, to
 * devmap_setup(9F) or ddi_devmap_segmap(9F).
 */
#ifndef DEVMAP_VM_AS_H
#define DEVMAP_VM_AS_H

#include <sys/types.h>

struct as;

#endif /* DEVMAP_VM_AS_H */
