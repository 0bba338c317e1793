/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/inttypes.h: integer types of a width, their limits, and PRIx64 and its relatives.
 */
#ifndef DEVMAP_SYS_INTTYPES_H
#define DEVMAP_SYS_INTTYPES_H

#include <sys/types.h>
#ifndef __KERNEL__
#include <inttypes.h>
#else
/* Linux's 64 bits are long long. */
#define PRId8  "d"
#define PRIi8  "i"
#define PRIo8  "o"
#define PRIu8  "u"
#define PRIx8  "x"
#define PRIX8  "X"
#define PRId16 "d"
#define PRIi16 "i"
#define PRIo16 "o"
#define PRIu16 "u"
#define PRIx16 "x"
#define PRIX16 "X"
#define PRId32 "d"
#define PRIi32 "i"
#define PRIo32 "o"
#define PRIu32 "u"
#define PRIx32 "x"
#define PRIX32 "X"
#define PRId64 "lld"
#define PRIi64 "lli"
#define PRIo64 "llo"
#define PRIu64 "llu"
#define PRIx64 "llx"
#define PRIX64 "llX"
#endif

#endif /* DEVMAP_SYS_INTTYPES_H */
