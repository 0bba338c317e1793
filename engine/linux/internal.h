/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What context.c, space.c, vma.c, fault.c, glue.c and main.c share and nobody else needs. */
#ifndef DEVMAP_ENGINE_LINUX_INTERNAL_H
#define DEVMAP_ENGINE_LINUX_INTERNAL_H

#include "linux.h"

void contexts_init(void);

/* A child of fork(2) becomes known by its own name with its first access. */
void space_name(struct space *s);

/* glue.c. The page offset at which the handle's first page is mapped. */
pgoff_t handle_pgoff(const struct devmap_handle *dh);

/* control.c, node.c (the class under which all nodes stand). 0 or -errno. */
int control_init(void);
void control_fini(void);
int nodes_init(void);
void nodes_fini(void);
/* file_poll.c */
void polls_init(void);

/* stats.c. What reads of /dev/devmap give, and the files that each node has in sysfs. */
struct seq_file;
int devmap_stats_show(struct seq_file *m, void *unused);
extern const struct attribute_group *devmap_stats_groups[];

extern const struct vm_operations_struct devmap_vm_ops;

#endif
