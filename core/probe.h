/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Probe points: what an operator can watch while it goes on. In the kernel each is a tracepoint
 * devmap:devmap_NAME (engine/linux/trace.h), in user space a USDT probe devmap:NAME, with the same
 * arguments in this order, and what devmap trace reads (engine/user/trace.h); one that nobody watches costs a
 * no-op and a look at a pointer.
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
#else

#if __has_include(<sys/sdt.h>)
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define PROBE_USDT(name, ...) STAP_PROBEV(devmap, name, __VA_ARGS__)
#else
#define PROBE_USDT(name, ...) (void)0
#endif

enum probe_kind {
	PROBE_ACCESS = 1,
	PROBE_WAIT,
	PROBE_GRANT,
	PROBE_HOLD_END,
	PROBE_LOAD,
	PROBE_UNLOAD,
	PROBE_DUP,
	PROBE_UNMAP,
};

/* What a probe says; 0 what it does not. */
struct probe_event {
	enum probe_kind kind;
	const char *driver;
	int instance, pid;
	int other; /* of PROBE_WAIT the owner, of PROBE_DUP the child */
	int result;
	unsigned int type, rw;
	long long off;
	unsigned long long len;
	unsigned long long waited, took; /* took: of PROBE_HOLD_END too, how long it owned */
};

/*
 * Is told of every probe: an engine's, where it has one (probe.c). Called with locks of the core's held, it
 * waits for nothing and calls nothing back. NULL: nobody wants to know.
 */
extern void (*devmap_probe_sink)(const struct probe_event *e);

#define DEVMAP_PROBE(name, ...)                                                               \
	do {                                                                                  \
		PROBE_USDT(name, __VA_ARGS__);                                                \
		if (__builtin_expect(probe_sink() != 0, 0))                                   \
			probe_tell(&(struct probe_event){ PROBE_EVENT_##name(__VA_ARGS__) }); \
	} while (0)

typedef void probe_sink_t(const struct probe_event *e);

static inline probe_sink_t *probe_sink(void)
{
	return __atomic_load_n(&devmap_probe_sink, __ATOMIC_ACQUIRE);
}

/* It may have gone since it was looked at. */
static inline void probe_tell(const struct probe_event *e)
{
	probe_sink_t *sink = probe_sink();

	if (sink != 0)
		sink(e);
}

/* clang-format off */
#define PROBE_WHO(k, d, i, p) .kind = (k), .driver = (d), .instance = (i), .pid = (p)
#define PROBE_RANGE(o, n) .off = (o), .len = (n)
#define PROBE_EVENT_access(d, i, p, o, n, t, m, e) \
	PROBE_WHO(PROBE_ACCESS, d, i, p), PROBE_RANGE(o, n), .type = (t), .rw = (m), .result = (e)
#define PROBE_EVENT_wait(d, i, p, owner) PROBE_WHO(PROBE_WAIT, d, i, p), .other = (owner)
#define PROBE_EVENT_grant(d, i, p, o, n, t, m, e, w, ns) \
	PROBE_WHO(PROBE_GRANT, d, i, p), PROBE_RANGE(o, n), .type = (t), .rw = (m), .result = (e), \
	.waited = (w), .took = (ns)
#define PROBE_EVENT_hold_end(d, i, p, ns) PROBE_WHO(PROBE_HOLD_END, d, i, p), .took = (ns)
#define PROBE_EVENT_load(d, i, p, o, n, t, m, e) \
	PROBE_WHO(PROBE_LOAD, d, i, p), PROBE_RANGE(o, n), .type = (t), .rw = (m), .result = (e)
#define PROBE_EVENT_unload(d, i, p, o, n, e) \
	PROBE_WHO(PROBE_UNLOAD, d, i, p), PROBE_RANGE(o, n), .result = (e)
#define PROBE_EVENT_dup(d, i, p, child, o, n, e) \
	PROBE_WHO(PROBE_DUP, d, i, p), .other = (child), PROBE_RANGE(o, n), .result = (e)
#define PROBE_EVENT_unmap(d, i, p, o, n) PROBE_WHO(PROBE_UNMAP, d, i, p), PROBE_RANGE(o, n)
/* clang-format on */

#endif

/* The first arguments of most. */
#define PROBE_OF(dh) (dh)->dh_name, (dh)->dh_instance, (int)(dh)->dh_as->a_pid

#endif
