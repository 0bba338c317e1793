/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/aio_req.h: the transfer of aread(9E) and awrite(9E), which are never called: programs' asynchronous
 * reads and writes come to read(9E) and write(9E).
 */
#ifndef DEVMAP_SYS_AIO_REQ_H
#define DEVMAP_SYS_AIO_REQ_H

#include <sys/types.h>

struct uio;

struct aio_req {
	struct uio *aio_uio;
	void *aio_private;
};

#endif /* DEVMAP_SYS_AIO_REQ_H */
