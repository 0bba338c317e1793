/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/byteorder.h: byte orders. byteorder(9F): htonl, ntohl and their relatives, which are libc's or
 * Linux's; and those that have no page: BSWAP_*, BE_*, LE_*, which convert between the machine's
 * order and the one they name, BE_IN*, LE_IN*, BE_OUT*, LE_OUT*, for addresses of any alignment.
 */
#ifndef DEVMAP_SYS_BYTEORDER_H
#define DEVMAP_SYS_BYTEORDER_H

#include <sys/types.h>
#include <sys/isa_defs.h>
#ifndef __KERNEL__
#include <arpa/inet.h>
#endif

#define BSWAP_8(x)  ((uint8_t)(x))
#define BSWAP_16(x) __builtin_bswap16((uint16_t)(x))
#define BSWAP_32(x) __builtin_bswap32((uint32_t)(x))
#define BSWAP_64(x) __builtin_bswap64((uint64_t)(x))

#define BMASK_8(x)  ((x)&0xff)
#define BMASK_16(x) ((x)&0xffff)
#define BMASK_32(x) ((x)&0xffffffff)
#define BMASK_64(x) (x)

#ifdef _LITTLE_ENDIAN
#define LE_8(x)	 BMASK_8(x)
#define LE_16(x) BMASK_16(x)
#define LE_32(x) BMASK_32(x)
#define LE_64(x) BMASK_64(x)
#define BE_8(x)	 BMASK_8(x)
#define BE_16(x) BSWAP_16(x)
#define BE_32(x) BSWAP_32(x)
#define BE_64(x) BSWAP_64(x)
#else
#define LE_8(x)	 BMASK_8(x)
#define LE_16(x) BSWAP_16(x)
#define LE_32(x) BSWAP_32(x)
#define LE_64(x) BSWAP_64(x)
#define BE_8(x)	 BMASK_8(x)
#define BE_16(x) BMASK_16(x)
#define BE_32(x) BMASK_32(x)
#define BE_64(x) BMASK_64(x)
#endif

#ifndef htonll
#define htonll(x) ((uint64_t)BE_64(x))
#define ntohll(x) ((uint64_t)BE_64(x))
#endif

/* A value at any address. */
#define DEVMAP_UNALIGNED(bits)                                                    \
	struct devmap_unaligned_##bits {                                          \
		uint##bits##_t value;                                             \
	} __attribute__((packed, may_alias));                                     \
	static __inline__ uint##bits##_t devmap_in##bits(const void *addr)        \
	{                                                                         \
		return ((const struct devmap_unaligned_##bits *)addr)->value;     \
	}                                                                         \
	static __inline__ void devmap_out##bits(void *addr, uint##bits##_t value) \
	{                                                                         \
		((struct devmap_unaligned_##bits *)addr)->value = value;          \
	}                                                                         \
	struct devmap_unaligned_##bits

DEVMAP_UNALIGNED(8);
DEVMAP_UNALIGNED(16);
DEVMAP_UNALIGNED(32);
DEVMAP_UNALIGNED(64);

#define LE_IN8(addr)	      devmap_in8(addr)
#define LE_IN16(addr)	      ((uint16_t)LE_16(devmap_in16(addr)))
#define LE_IN32(addr)	      ((uint32_t)LE_32(devmap_in32(addr)))
#define LE_IN64(addr)	      ((uint64_t)LE_64(devmap_in64(addr)))
#define BE_IN8(addr)	      devmap_in8(addr)
#define BE_IN16(addr)	      ((uint16_t)BE_16(devmap_in16(addr)))
#define BE_IN32(addr)	      ((uint32_t)BE_32(devmap_in32(addr)))
#define BE_IN64(addr)	      ((uint64_t)BE_64(devmap_in64(addr)))

#define LE_OUT8(addr, value)  devmap_out8(addr, (uint8_t)(value))
#define LE_OUT16(addr, value) devmap_out16(addr, (uint16_t)LE_16(value))
#define LE_OUT32(addr, value) devmap_out32(addr, (uint32_t)LE_32(value))
#define LE_OUT64(addr, value) devmap_out64(addr, (uint64_t)LE_64(value))
#define BE_OUT8(addr, value)  devmap_out8(addr, (uint8_t)(value))
#define BE_OUT16(addr, value) devmap_out16(addr, (uint16_t)BE_16(value))
#define BE_OUT32(addr, value) devmap_out32(addr, (uint32_t)BE_32(value))
#define BE_OUT64(addr, value) devmap_out64(addr, (uint64_t)BE_64(value))

#endif /* DEVMAP_SYS_BYTEORDER_H */
