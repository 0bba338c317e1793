/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* For devmap trace: the core's probes into a ring in shared memory, while somebody reads it. */
#ifndef DEVMAP_ENGINE_USER_TRACE_H
#define DEVMAP_ENGINE_USER_TRACE_H

/*
 * Somebody traces for a while more (DM_TRACE_LEASE_NS). Gives the ring's descriptor, which stays ours and
 * through which nobody can write. -errno: there is no memory for it.
 */
int trace_ask(const char *driver);

#endif
