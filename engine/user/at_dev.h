/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Nodes that lie at /dev/NAME too (devmap serve --at-dev): what is mounted on DIR/NAME, mounted once more, on
 * an empty file that we make there. It is told from the files of others by its mode, and a left-over mount by
 * its type, when its engine is dead. Nothing else is ever touched.
 */
#ifndef DEVMAP_ENGINE_USER_AT_DEV_H
#define DEVMAP_ENGINE_USER_AT_DEV_H

/* Takes away what a dead engine has left at /dev/NAME. 0: the name is free; -EEXIST; or -errno. */
int at_dev_clear(const char *name);
/* Shows there what is mounted on path, which nobody need answer for yet. 0 or -errno. */
int at_dev_show(const char *name, const char *path);
/* Takes it away again. path is still mounted, and answered for. */
void at_dev_hide(const char *name, const char *path);

#endif
