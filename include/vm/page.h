/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vm/page.h: empty; drivers include it, and use nothing of it that the DDI documents.
 */
#ifndef DEVMAP_VM_PAGE_H
#define DEVMAP_VM_PAGE_H

#include <sys/types.h>

#endif /* DEVMAP_VM_PAGE_H */
