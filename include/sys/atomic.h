/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/atomic.h: atomic_add(9F), atomic_and(9F), atomic_bits(9F), atomic_cas(9F), atomic_dec(9F),
 * atomic_inc(9F), atomic_or(9F), atomic_ops(9F), atomic_swap(9F), membar_ops(9F). In any context.
 *
 * Those that end with _nv return the new value, cas and swap the old one. All of them are full
 * barriers, which is more than the DDI promises.
 */
#ifndef DEVMAP_SYS_ATOMIC_H
#define DEVMAP_SYS_ATOMIC_H

#include <sys/types.h>

/* suffix of the functions, type of the target, suffix and type of what is added */
#define DEVMAP_ATOMICS(suffix, type, addend_suffix, addend)                                      \
	static __inline__ void atomic_inc_##suffix(volatile type *target)                        \
	{                                                                                        \
		(void)__atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST);                           \
	}                                                                                        \
	static __inline__ void atomic_dec_##suffix(volatile type *target)                        \
	{                                                                                        \
		(void)__atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST);                           \
	}                                                                                        \
	static __inline__ type atomic_inc_##suffix##_nv(volatile type *target)                   \
	{                                                                                        \
		return __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST);                          \
	}                                                                                        \
	static __inline__ type atomic_dec_##suffix##_nv(volatile type *target)                   \
	{                                                                                        \
		return __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST);                          \
	}                                                                                        \
	static __inline__ void atomic_add_##addend_suffix(volatile type *target, addend delta)   \
	{                                                                                        \
		(void)__atomic_add_fetch(target, (type)delta, __ATOMIC_SEQ_CST);                 \
	}                                                                                        \
	static __inline__ type atomic_add_##addend_suffix##_nv(volatile type *target,            \
							       addend delta)                     \
	{                                                                                        \
		return __atomic_add_fetch(target, (type)delta, __ATOMIC_SEQ_CST);                \
	}                                                                                        \
	static __inline__ void atomic_or_##suffix(volatile type *target, type bits)              \
	{                                                                                        \
		(void)__atomic_or_fetch(target, bits, __ATOMIC_SEQ_CST);                         \
	}                                                                                        \
	static __inline__ type atomic_or_##suffix##_nv(volatile type *target, type bits)         \
	{                                                                                        \
		return __atomic_or_fetch(target, bits, __ATOMIC_SEQ_CST);                        \
	}                                                                                        \
	static __inline__ void atomic_and_##suffix(volatile type *target, type bits)             \
	{                                                                                        \
		(void)__atomic_and_fetch(target, bits, __ATOMIC_SEQ_CST);                        \
	}                                                                                        \
	static __inline__ type atomic_and_##suffix##_nv(volatile type *target, type bits)        \
	{                                                                                        \
		return __atomic_and_fetch(target, bits, __ATOMIC_SEQ_CST);                       \
	}                                                                                        \
	static __inline__ type atomic_cas_##suffix(volatile type *target, type cmp, type newval) \
	{                                                                                        \
		(void)__atomic_compare_exchange_n(target, &cmp, newval, 0, __ATOMIC_SEQ_CST,     \
						  __ATOMIC_SEQ_CST);                             \
		return cmp;                                                                      \
	}                                                                                        \
	static __inline__ type atomic_swap_##suffix(volatile type *target, type newval)          \
	{                                                                                        \
		return __atomic_exchange_n(target, newval, __ATOMIC_SEQ_CST);                    \
	}                                                                                        \
	struct devmap_atomics_##suffix

DEVMAP_ATOMICS(8, uint8_t, 8, int8_t);
DEVMAP_ATOMICS(uchar, uchar_t, char, signed char);
DEVMAP_ATOMICS(16, uint16_t, 16, int16_t);
DEVMAP_ATOMICS(ushort, ushort_t, short, short);
DEVMAP_ATOMICS(32, uint32_t, 32, int32_t);
DEVMAP_ATOMICS(uint, uint_t, int, int);
DEVMAP_ATOMICS(ulong, ulong_t, long, long);
DEVMAP_ATOMICS(64, uint64_t, 64, int64_t);

/* Pointers, of whatever type they are. */
typedef void *__attribute__((may_alias)) devmap_any_ptr_t;

static __inline__ void *atomic_cas_ptr(volatile void *target, void *cmp, void *newval)
{
	devmap_any_ptr_t expected = cmp;

	(void)__atomic_compare_exchange_n((volatile devmap_any_ptr_t *)target, &expected, newval, 0,
					  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected;
}

static __inline__ void *atomic_swap_ptr(volatile void *target, void *newval)
{
	return __atomic_exchange_n((volatile devmap_any_ptr_t *)target, newval, __ATOMIC_SEQ_CST);
}

/* delta in bytes */
static __inline__ void *atomic_add_ptr_nv(volatile void *target, ssize_t delta)
{
	return __atomic_add_fetch((volatile devmap_any_ptr_t *)target, delta, __ATOMIC_SEQ_CST);
}

static __inline__ void atomic_add_ptr(volatile void *target, ssize_t delta)
{
	(void)atomic_add_ptr_nv(target, delta);
}

/* Sets, or clears, one bit. Returns 0, or -1: it was so already. */
static __inline__ int atomic_set_long_excl(volatile ulong_t *target, uint_t bit)
{
	const ulong_t mask = 1UL << bit;

	return __atomic_fetch_or(target, mask, __ATOMIC_SEQ_CST) & mask ? -1 : 0;
}

static __inline__ int atomic_clear_long_excl(volatile ulong_t *target, uint_t bit)
{
	const ulong_t mask = 1UL << bit;

	return __atomic_fetch_and(target, ~mask, __ATOMIC_SEQ_CST) & mask ? 0 : -1;
}

/* The names of old drivers. */
#define cas8(target, cmp, newval)	atomic_cas_8(target, cmp, newval)
#define cas32(target, cmp, newval)	atomic_cas_32(target, cmp, newval)
#define cas64(target, cmp, newval)	atomic_cas_64(target, cmp, newval)
#define caslong(target, cmp, newval)	atomic_cas_ulong(target, cmp, newval)
#define casptr(target, cmp, newval)	atomic_cas_ptr(target, cmp, newval)
#define casip(target, cmp, newval)	atomic_cas_ulong(target, cmp, newval)
#define atomic_and_long(target, bits)	atomic_and_ulong(target, bits)
#define atomic_or_long(target, bits)	atomic_or_ulong(target, bits)
#define atomic_add_ip(target, delta)	atomic_add_long(target, delta)
#define atomic_add_ip_nv(target, delta) atomic_add_long_nv(target, delta)

/* What stands before is seen by others before what stands behind. */
static __inline__ void membar_enter(void)
{
	__sync_synchronize();
}

static __inline__ void membar_exit(void)
{
	__sync_synchronize();
}

static __inline__ void membar_producer(void)
{
	__sync_synchronize();
}

static __inline__ void membar_consumer(void)
{
	__sync_synchronize();
}

#endif /* DEVMAP_SYS_ATOMIC_H */
