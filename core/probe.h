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

#define DEVMAP_PROBE(name, ...)                                                                  \
	do {                                                                                     \
		PROBE_USDT(name, __VA_ARGS__);                                                   \
		if (__builtin_expect(__atomic_load_n(&devmap_probe_sink, __ATOMIC_RELAXED) != 0, \
				     0))                                                         \
			probe_##name(__VA_ARGS__);                                               \
	} while (0)

static inline void probe_tell(const struct probe_event *e)
{
	void (*sink)(const struct probe_event *e) =
		__atomic_load_n(&devmap_probe_sink, __ATOMIC_ACQUIRE);

	if (sink != 0)
		sink(e);
}

static inline void probe_access(const char *driver, int instance, int pid, long long off,
				unsigned long long len, unsigned int type, unsigned int rw,
				int result)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_ACCESS,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .off = off,
					  .len = len,
					  .type = type,
					  .rw = rw,
					  .result = result });
}

static inline void probe_wait(const char *driver, int instance, int pid, int owner)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_WAIT,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .other = owner });
}

static inline void probe_grant(const char *driver, int instance, int pid, long long off,
			       unsigned long long len, unsigned int type, unsigned int rw,
			       int result, unsigned long long waited, unsigned long long took)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_GRANT,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .off = off,
					  .len = len,
					  .type = type,
					  .rw = rw,
					  .result = result,
					  .waited = waited,
					  .took = took });
}

static inline void probe_hold_end(const char *driver, int instance, int pid,
				  unsigned long long held)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_HOLD_END,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .took = held });
}

static inline void probe_load(const char *driver, int instance, int pid, long long off,
			      unsigned long long len, unsigned int type, unsigned int rw,
			      int result)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_LOAD,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .off = off,
					  .len = len,
					  .type = type,
					  .rw = rw,
					  .result = result });
}

static inline void probe_unload(const char *driver, int instance, int pid, long long off,
				unsigned long long len, int result)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_UNLOAD,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .off = off,
					  .len = len,
					  .result = result });
}

static inline void probe_dup(const char *driver, int instance, int pid, int child, long long off,
			     unsigned long long len, int result)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_DUP,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .other = child,
					  .off = off,
					  .len = len,
					  .result = result });
}

static inline void probe_unmap(const char *driver, int instance, int pid, long long off,
			       unsigned long long len)
{
	probe_tell(&(struct probe_event){ .kind = PROBE_UNMAP,
					  .driver = driver,
					  .instance = instance,
					  .pid = pid,
					  .off = off,
					  .len = len });
}

#endif

/* The first arguments of most. */
#define PROBE_OF(dh) (dh)->dh_name, (dh)->dh_instance, (int)(dh)->dh_as->a_pid

#endif
