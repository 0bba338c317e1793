// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The module: everything begins and ends here, in order. */
#include "linux.h"

#include "internal.h"

static int get_count(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%lu\n", READ_ONCE(*(const ulong_t *)kp->arg));
}

const struct kernel_param_ops count_param_ops = { .get = get_count };

static int __init devmap_init(void)
{
	int error;

	callers_init();
	polls_init();
	offsets_init();
	error = callouts_init();
	if (error != 0)
		return error;
	devmap_core_init();
	error = devmap_inode_init();
	if (error != 0)
		goto no_inode;
	error = nodes_init();
	if (error != 0)
		goto no_nodes;
	error = control_init();
	if (error == 0)
		return 0;
	nodes_fini();
no_nodes:
	devmap_inode_fini();
no_inode:
	devmap_core_fini();
	callouts_fini();
	return error;
}

/* Drivers use our symbols, so none is loaded any more. */
static void __exit devmap_exit(void)
{
	control_fini();
	nodes_fini();
	devmap_inode_fini();
	devmap_core_fini();
	taskqs_fini();
	callouts_fini();
	numbers_fini();
	procs_fini();
}

module_init(devmap_init);
module_exit(devmap_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("devmap: device context management for drivers of the Solaris DDI");
