/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap for programs that know of it. None of this is needed to use a device: open(2), mmap(2),
 * loads and stores are enough. Link with -ldevmap (pkg-config devmap), which also makes
 * open("/dev/NAME") and everything else work without LD_PRELOAD.
 */
#ifndef DEVMAP_CLIENT_H
#define DEVMAP_CLIENT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * devmap_lock: keep the device. Waits until this process has the device context of each mapping in
 * [addr, addr + len), as an access would, and keeps every other process of its context group out
 * until devmap_unlock(), until the mapping or the process ends, or until the limit that the
 * operator has set. The range is extended to whole pages, and must consist of device mappings only.
 *
 * devmap_unlock: let go of it.
 *
 * addr: in a mapping of a device; len: bytes.
 * Return: 0, or -1 with errno:
 *   EINVAL   len is 0, or some page of the range is no device mapping
 *   EINTR    a signal handler ran while the call waited
 *   ENXIO    the engine that serves the device is gone
 *   EIO      it went while the call waited
 * or what the driver says. After an error nothing that this call locked stays locked.
 *
 * devmap_lock(3)
 */
int devmap_lock(void *addr, size_t len);
int devmap_unlock(void *addr, size_t len);

/*
 * devmap_is_device: is this descriptor a device that an engine serves?
 *
 * Return: 1 if so, 0 if not, or if it is not open.
 */
int devmap_is_device(int fd);

/*
 * devmap_open: open a device by its name under the device directory ("xfb0", or "/dev/xfb0"), as
 * open("/dev/xfb0", flags) does, but never anything that the kernel knows by that name.
 *
 * Return: a descriptor, or -1 with errno as open(2); ENOENT if there is no such device, ENXIO if
 * nobody serves it.
 */
int devmap_open(const char *name, int flags);

#ifdef __cplusplus
}
#endif

#endif
