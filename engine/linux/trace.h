/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tracepoints: events/devmap in tracefs. core/probe.h says what each one is. Included by the core
 * too, so it needs nothing but Linux.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM devmap

#if !defined(DEVMAP_ENGINE_LINUX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DEVMAP_ENGINE_LINUX_TRACE_H

#include <linux/tracepoint.h>

#ifndef DEVMAP_TRACE_SYMBOLS
#define DEVMAP_TRACE_SYMBOLS
#define TRACE_DRIVER_MAX 24 /* bytes, as in the core's records */
/* enum devmap_fault_type and enum devmap_rw of the DDI */
#define TRACE_TYPE(type) __print_symbolic(type, { 0, "access" }, { 2, "lock" }, { 3, "unlock" })
#define TRACE_RW(rw) \
	__print_symbolic(rw, { 0, "other" }, { 1, "read" }, { 2, "write" }, { 3, "exec" })
#endif

DECLARE_EVENT_CLASS(
	devmap_request,
	TP_PROTO(const char *driver, int instance, int pid, long long off, size_t len,
		 unsigned int type, unsigned int rw, int result),
	TP_ARGS(driver, instance, pid, off, len, type, rw, result),
	TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				 __field(int, pid) __field(long long, off) __field(size_t, len)
					 __field(unsigned int, type) __field(unsigned int, rw)
						 __field(int, result)),
	TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
		       __entry->instance = instance; __entry->pid = pid; __entry->off = off;
		       __entry->len = len; __entry->type = type; __entry->rw = rw;
		       __entry->result = result;),
	TP_printk("driver=%s instance=%d pid=%d off=0x%llx len=0x%zx type=%s rw=%s result=%d",
		  __entry->driver, __entry->instance, __entry->pid, __entry->off, __entry->len,
		  TRACE_TYPE(__entry->type), TRACE_RW(__entry->rw), __entry->result));

DEFINE_EVENT(devmap_request, devmap_access,
	     TP_PROTO(const char *driver, int instance, int pid, long long off, size_t len,
		      unsigned int type, unsigned int rw, int result),
	     TP_ARGS(driver, instance, pid, off, len, type, rw, result));

DEFINE_EVENT(devmap_request, devmap_load,
	     TP_PROTO(const char *driver, int instance, int pid, long long off, size_t len,
		      unsigned int type, unsigned int rw, int result),
	     TP_ARGS(driver, instance, pid, off, len, type, rw, result));

TRACE_EVENT(devmap_wait, TP_PROTO(const char *driver, int instance, int pid, int owner),
	    TP_ARGS(driver, instance, pid, owner),
	    TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				     __field(int, pid) __field(int, owner)),
	    TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
			   __entry->instance = instance; __entry->pid = pid;
			   __entry->owner = owner;),
	    TP_printk("driver=%s instance=%d pid=%d owner=%d", __entry->driver, __entry->instance,
		      __entry->pid, __entry->owner));

TRACE_EVENT(devmap_grant,
	    TP_PROTO(const char *driver, int instance, int pid, long long off, size_t len,
		     unsigned int type, unsigned int rw, int result, u64 waited, u64 took),
	    TP_ARGS(driver, instance, pid, off, len, type, rw, result, waited, took),
	    TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				     __field(int, pid) __field(long long, off) __field(size_t, len)
					     __field(unsigned int, type) __field(unsigned int, rw)
						     __field(int, result) __field(u64, waited)
							     __field(u64, took)),
	    TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
			   __entry->instance = instance; __entry->pid = pid; __entry->off = off;
			   __entry->len = len; __entry->type = type; __entry->rw = rw;
			   __entry->result = result; __entry->waited = waited;
			   __entry->took = took;),
	    TP_printk("driver=%s instance=%d pid=%d off=0x%llx len=0x%zx type=%s rw=%s result=%d "
		      "waited=%llu took=%llu",
		      __entry->driver, __entry->instance, __entry->pid, __entry->off, __entry->len,
		      TRACE_TYPE(__entry->type), TRACE_RW(__entry->rw), __entry->result,
		      __entry->waited, __entry->took));

TRACE_EVENT(devmap_hold_end, TP_PROTO(const char *driver, int instance, int pid, u64 held),
	    TP_ARGS(driver, instance, pid, held),
	    TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				     __field(int, pid) __field(u64, held)),
	    TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
			   __entry->instance = instance; __entry->pid = pid; __entry->held = held;),
	    TP_printk("driver=%s instance=%d pid=%d held=%llu", __entry->driver, __entry->instance,
		      __entry->pid, __entry->held));

TRACE_EVENT(devmap_unload,
	    TP_PROTO(const char *driver, int instance, int pid, long long off, size_t len,
		     int result),
	    TP_ARGS(driver, instance, pid, off, len, result),
	    TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				     __field(int, pid) __field(long long, off) __field(size_t, len)
					     __field(int, result)),
	    TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
			   __entry->instance = instance; __entry->pid = pid; __entry->off = off;
			   __entry->len = len; __entry->result = result;),
	    TP_printk("driver=%s instance=%d pid=%d off=0x%llx len=0x%zx result=%d",
		      __entry->driver, __entry->instance, __entry->pid, __entry->off, __entry->len,
		      __entry->result));

TRACE_EVENT(devmap_dup,
	    TP_PROTO(const char *driver, int instance, int pid, int child, long long off,
		     size_t len, int result),
	    TP_ARGS(driver, instance, pid, child, off, len, result),
	    TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				     __field(int, pid) __field(int, child) __field(long long, off)
					     __field(size_t, len) __field(int, result)),
	    TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
			   __entry->instance = instance; __entry->pid = pid; __entry->child = child;
			   __entry->off = off; __entry->len = len; __entry->result = result;),
	    TP_printk("driver=%s instance=%d pid=%d child=%d off=0x%llx len=0x%zx result=%d",
		      __entry->driver, __entry->instance, __entry->pid, __entry->child,
		      __entry->off, __entry->len, __entry->result));

TRACE_EVENT(devmap_unmap,
	    TP_PROTO(const char *driver, int instance, int pid, long long off, size_t len),
	    TP_ARGS(driver, instance, pid, off, len),
	    TP_STRUCT__entry(__array(char, driver, TRACE_DRIVER_MAX) __field(int, instance)
				     __field(int, pid) __field(long long, off)
					     __field(size_t, len)),
	    TP_fast_assign(strscpy(__entry->driver, driver, TRACE_DRIVER_MAX);
			   __entry->instance = instance; __entry->pid = pid; __entry->off = off;
			   __entry->len = len;),
	    TP_printk("driver=%s instance=%d pid=%d off=0x%llx len=0x%zx", __entry->driver,
		      __entry->instance, __entry->pid, __entry->off, __entry->len));

#endif

/* Found by the -I of Kbuild: the path has a word in it, "linux", that is a macro. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
