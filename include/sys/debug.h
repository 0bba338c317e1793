/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/debug.h: assertions. ASSERT(9F). ASSERT and its relatives are checked where DEBUG is defined,
 * VERIFY always.
 */
#ifndef DEVMAP_SYS_DEBUG_H
#define DEVMAP_SYS_DEBUG_H

#include <sys/types.h>

/* Linux's objtool knows by a list of its own which functions do not return. */
#ifdef __KERNEL__
#define DEVMAP_NORETURN
#else
#define DEVMAP_NORETURN __attribute__((noreturn))
#endif

/* Reports that the assertion text (what), at file:line, failed, then panics. */
void assfail(const char *what, const char *file, int line) DEVMAP_NORETURN;
/* The same, with the two values that were compared. */
void assfail3(const char *what, u_longlong_t left, const char *op, u_longlong_t right,
	      const char *file, int line) DEVMAP_NORETURN;

#define VERIFY(ex) ((void)((ex) || (assfail(#ex, __FILE__, __LINE__), 0)))

#define DEVMAP_VERIFY3(left, op, right, type)                                              \
	do {                                                                               \
		const type devmap_left = (type)(left);                                     \
		const type devmap_right = (type)(right);                                   \
		if (!(devmap_left op devmap_right))                                        \
			assfail3(#left " " #op " " #right, (u_longlong_t)devmap_left, #op, \
				 (u_longlong_t)devmap_right, __FILE__, __LINE__);          \
	} while (0)

#define VERIFY3S(l, op, r) DEVMAP_VERIFY3(l, op, r, int64_t)
#define VERIFY3U(l, op, r) DEVMAP_VERIFY3(l, op, r, uint64_t)
#define VERIFY3P(l, op, r) DEVMAP_VERIFY3(l, op, r, uintptr_t)
#define VERIFY0(ex)	   VERIFY3U(ex, ==, 0)

/* Not evaluated without DEBUG, and not even compiled: some assert on variables of DEBUG only. */
#ifdef DEBUG
#define ASSERT(ex)	   VERIFY(ex)
#define ASSERT3S(l, op, r) VERIFY3S(l, op, r)
#define ASSERT3U(l, op, r) VERIFY3U(l, op, r)
#define ASSERT3P(l, op, r) VERIFY3P(l, op, r)
#define ASSERT0(ex)	   VERIFY0(ex)
#else
#define ASSERT(ex)	   ((void)0)
#define ASSERT3S(l, op, r) ((void)0)
#define ASSERT3U(l, op, r) ((void)0)
#define ASSERT3P(l, op, r) ((void)0)
#define ASSERT0(ex)	   ((void)0)
#endif

#define IMPLY(a, b) ASSERT(!(a) || (b))
#define EQUIV(a, b) ASSERT(!!(a) == !!(b))

#ifndef CTASSERT
#define CTASSERT(ex) _Static_assert(ex, #ex)
#endif

#endif /* DEVMAP_SYS_DEBUG_H */
