/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Probe points: what an operator can watch while it goes on. In the kernel each is a tracepoint
 * devmap:devmap_NAME (engine/linux/trace.h), in user space a USDT probe devmap:NAME, with the same
 * arguments in this order; one that nobody watches costs a no-op.
 *
 *   access    driver instance pid off len type rw result
 *             devmap_access(9E) has returned
 *   wait      driver instance pid owner
 *             a request has begun to wait for its turn; owner: a process, 0: none
 *   grant     driver instance pid off len type rw result waited took
 *             devmap_contextmgt(9E) has returned: 0 if pid owns the device now. It waited so long
 *             for the turn, and the callback took so long
 *   hold_end  driver instance pid held
 *             pid, which owned the device for so long, does so no longer
 *   load      driver instance pid off len type rw result
 *             devmap_load(9F) returns
 *   unload    driver instance pid off len result
 *             devmap_unload(9F) returns
 *   dup       driver instance pid child off len result
 *             a handle of pid was copied by fork(2); child: 0 where it is not known yet
 *   unmap     driver instance pid off len
 *             this part of a handle is being unmapped
 *
 * driver: text; instance: of the driver; pid: whose mapping it is; off: user offset in the logical
 * device, bytes; len: bytes, 0: to the end of the handle; type: of enum devmap_fault_type; rw: of
 * enum devmap_rw; result: 0 or an errno (the driver's own value); times: ns.
 */
#ifndef DEVMAP_CORE_PROBE_H
#define DEVMAP_CORE_PROBE_H

#if defined(__KERNEL__)
#include "../engine/linux/trace.h"
#define DEVMAP_PROBE(name, ...) trace_devmap_##name(__VA_ARGS__)
#elif __has_include(<sys/sdt.h>)
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define DEVMAP_PROBE(name, ...) STAP_PROBEV(devmap, name, __VA_ARGS__)
#else
static inline void probe_nothing(const char *driver, ...)
{
	(void)driver;
}
#define DEVMAP_PROBE(name, ...)                     \
	do {                                        \
		if (0)                              \
			probe_nothing(__VA_ARGS__); \
	} while (0)
#endif

/* The first arguments of most. */
#define PROBE_OF(dh) (dh)->dh_name, (dh)->dh_instance, (int)(dh)->dh_as->a_pid

#endif
