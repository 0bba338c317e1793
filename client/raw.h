/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * System calls for the library's own use. They go around every interposed function (ours included),
 * are no cancellation points, leave errno alone, and are safe in signal handlers and after fork(2).
 * They return the result, or -errno.
 */
#ifndef DEVMAP_CLIENT_RAW_H
#define DEVMAP_CLIENT_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* libc's syscall(2): ours stands before it. */
typedef long syscall_fn(long number, ...);
extern _Atomic(syscall_fn *) raw_syscall;
syscall_fn *raw_find(void) __attribute__((cold)); /* looks it up */

static inline syscall_fn *raw_real(void)
{
	syscall_fn *f = atomic_load_explicit(&raw_syscall, memory_order_relaxed);

	return likely(f != NULL) ? f : raw_find();
}

#define raw(...)                                        \
	({                                              \
		int errno_ = errno;                     \
		long result_ = raw_real()(__VA_ARGS__); \
                                                        \
		if (result_ == -1) {                    \
			result_ = -errno;               \
			errno = errno_;                 \
		}                                       \
		result_;                                \
	})

/* Ends a function that sets errno: r is a result or -errno. */
#define finish(r)                             \
	({                                    \
		__typeof__(r) value_ = (r);   \
                                              \
		if (value_ < 0) {             \
			errno = (int)-value_; \
			value_ = -1;          \
		}                             \
		value_;                       \
	})

static inline int raw_close(int fd)
{
	return (int)raw(SYS_close, fd);
}

static inline int raw_fcntl(int fd, int cmd, long arg)
{
	return (int)raw(SYS_fcntl, fd, cmd, arg);
}

static inline void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off)
{
	return (void *)raw(SYS_mmap, addr, len, prot, flags, fd, (long)off);
}

static inline bool raw_bad(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)-4095;
}

static inline int raw_munmap(uintptr_t addr, size_t len)
{
	return (int)raw(SYS_munmap, addr, len);
}

static inline int raw_mprotect(uintptr_t addr, size_t len, int prot)
{
	return (int)raw(SYS_mprotect, addr, len, prot);
}

static inline int raw_madvise(uintptr_t addr, size_t len, int advice)
{
	return (int)raw(SYS_madvise, addr, len, advice);
}

static inline ssize_t raw_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return raw(SYS_sendmsg, fd, m, flags);
}

static inline ssize_t raw_recvmsg(int fd, struct msghdr *m, int flags)
{
	return raw(SYS_recvmsg, fd, m, flags);
}

/* Waits until fd has one of the events. 0, or -EINTR when a signal handler ran. */
static inline int raw_wait(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	long n = raw(SYS_ppoll, &p, 1L, NULL, NULL, 0L);

	return n < 0 ? (int)n : 0;
}

static inline pid_t raw_getpid(void)
{
	return (pid_t)raw(SYS_getpid);
}

static inline void raw_futex_wait(_Atomic int *word, int value)
{
	(void)raw(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static inline void raw_futex_wake(_Atomic int *word, int n)
{
	(void)raw(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

#endif
