/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/vnode.h: empty but for the name vnode_t (sys/types.h); drivers include it, and use nothing of
 * it that the DDI documents.
 */
#ifndef DEVMAP_SYS_VNODE_H
#define DEVMAP_SYS_VNODE_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_VNODE_H */
