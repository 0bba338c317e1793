// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The pseudo file behind all mappings. It has no pages: it is the tree in which
 * unmap_mapping_range() finds the vmas that show a range of page offsets.
 */
#include "linux.h"

#include <linux/mount.h>
#include <linux/pseudo_fs.h>

#include "internal.h"

#define DEVMAP_MAGIC 0x6465766d /* "devm" */

struct inode *devmap_inode;
static struct vfsmount *mount;

static int init_context(struct fs_context *fc)
{
	return init_pseudo(fc, DEVMAP_MAGIC) != NULL ? 0 : -ENOMEM;
}

/* Without an owner: the mount is the module's own, and would keep it loaded for ever. */
static struct file_system_type filesystem = {
	.name = "devmap",
	.init_fs_context = init_context,
	.kill_sb = kill_anon_super,
};

int devmap_inode_init(void)
{
	mount = kern_mount(&filesystem);
	if (IS_ERR(mount))
		return PTR_ERR(mount);
	devmap_inode = alloc_anon_inode(mount->mnt_sb);
	if (!IS_ERR(devmap_inode))
		return 0;
	kern_unmount(mount);
	return PTR_ERR(devmap_inode);
}

void devmap_inode_fini(void)
{
	iput(devmap_inode);
	kern_unmount(mount);
}
