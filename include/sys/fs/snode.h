/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/fs/snode.h: empty but for the name of the structure; drivers include it, and use nothing of
 * it that the DDI documents.
 */
#ifndef DEVMAP_SYS_FS_SNODE_H
#define DEVMAP_SYS_FS_SNODE_H

#include <sys/types.h>

struct snode;

#endif /* DEVMAP_SYS_FS_SNODE_H */
