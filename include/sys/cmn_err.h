/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/cmn_err.h: messages of drivers, and the end of the world. cmn_err(9F), vcmn_err(9F),
 * dev_err(9F).
 */
#ifndef DEVMAP_SYS_CMN_ERR_H
#define DEVMAP_SYS_CMN_ERR_H

#include <sys/types.h>
#include <sys/dditypes.h>

#define CE_CONT	  0 /* continues a message, or a plain one; no newline added */
#define CE_NOTE	  1 /* "NOTICE: ..." */
#define CE_WARN	  2 /* "WARNING: ..." */
#define CE_PANIC  3 /* does not return: ends the engine, or in the kernel the thread */
#define CE_IGNORE 4 /* nothing is printed */

/* A first character '!' (log only), '^' (console only) or '?' of the format is not printed. */
void cmn_err(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vcmn_err(int level, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
void dev_err(dev_info_t *dip, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifndef __KERNEL__ /* Linux has a panic() of its own */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
#endif

#endif /* DEVMAP_SYS_CMN_ERR_H */
