/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A node as a file that the kernel serves: a FUSE file system of one file, mounted on an empty file
 * of the device directory. Root mounts it itself, for everybody. Others have fusermount3(1) do it,
 * and only they can open it then, unless the administrator lets them allow others (user_allow_other
 * in fuse.conf(5)).
 */
#ifndef DEVMAP_ENGINE_USER_MOUNT_H
#define DEVMAP_ENGINE_USER_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes the file and mounts on it. Returns the connection, or -errno; then nothing is left. */
int mount_file(const char *path);
/*
 * Of a node that this process itself serves, as far as the kernel knows it: these ask nobody. While all
 * threads are busy there would be nobody to answer lstat(2).
 */
bool mount_is_there(const char *path); /* is a file mounted on it? */
bool mount_is_same(const char *path, const char *other);
/* Unmounts, open files or not, and removes the file. What is not there is no fault. */
void mount_end(const char *path);

#endif
