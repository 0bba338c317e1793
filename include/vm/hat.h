/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/hat.h: empty; drivers include it, and use nothing of it that the DDI documents. Translations
 * are the engine's business.
 */
#ifndef DEVMAP_VM_HAT_H
#define DEVMAP_VM_HAT_H

#include <sys/types.h>
#include <vm/faultcode.h>

#endif /* DEVMAP_VM_HAT_H */
