/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/isa_defs.h: what kind of machine this is, in the names that drivers test with #ifdef. Only
 * one of _LITTLE_ENDIAN and _BIG_ENDIAN is defined, and _LP64 or _ILP32 by the compiler or here.
 */
#ifndef DEVMAP_SYS_ISA_DEFS_H
#define DEVMAP_SYS_ISA_DEFS_H

#undef _LITTLE_ENDIAN
#undef _BIG_ENDIAN
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define _LITTLE_ENDIAN
#define _BIT_FIELDS_LTOH
#define _LONG_LONG_LTOH
#else
#define _BIG_ENDIAN
#define _BIT_FIELDS_HTOL
#define _LONG_LONG_HTOL
#endif

#if !defined(__LP64__) && !defined(_ILP32)
#define _ILP32
#endif
#if defined(__LP64__) && !defined(_LP64)
#define _LP64
#endif
#ifdef _LP64
#define _I32LPx
#define _MULTI_DATAMODEL
#ifdef _KERNEL /* a driver, which may serve programs of 32 bits */
#define _SYSCALL32
#define _SYSCALL32_IMPL
#endif
#endif

#if defined(__x86_64__) || defined(__i386__)
#ifndef __x86
#define __x86
#endif
#endif
#ifdef __x86_64__
#ifndef __amd64
#define __amd64
#endif
#define __i386_COMPAT
#endif

#define _STACK_GROWS_DOWNWARD
#define _IEEE_754
#ifdef __CHAR_UNSIGNED__
#define _CHAR_IS_UNSIGNED
#else
#define _CHAR_IS_SIGNED
#endif
#define _DMA_USES_PHYSADDR
#define _ALIGNMENT_REQUIRED 1

/* Bytes. */
#define _BOOL_ALIGNMENT	       1
#define _CHAR_ALIGNMENT	       1
#define _SHORT_ALIGNMENT       2
#define _INT_ALIGNMENT	       4
#define _FLOAT_ALIGNMENT       4
#define _LONG_ALIGNMENT	       __SIZEOF_LONG__
#define _POINTER_ALIGNMENT     __SIZEOF_POINTER__
#define _LONG_DOUBLE_ALIGNMENT __SIZEOF_LONG_DOUBLE__
#define _MAX_ALIGNMENT	       16
/* In the 32-bit model of the same machine: structures that both share are packed where they differ. */
#if defined(__i386__)
#define _LONG_LONG_ALIGNMENT 4
#define _DOUBLE_ALIGNMENT    4
#else
#define _LONG_LONG_ALIGNMENT 8
#define _DOUBLE_ALIGNMENT    8
#endif
#if defined(__x86)
#define _LONG_LONG_ALIGNMENT_32 4
#else
#define _LONG_LONG_ALIGNMENT_32 8
#endif

#endif /* DEVMAP_SYS_ISA_DEFS_H */
