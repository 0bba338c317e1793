/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/varargs.h: va_list and what works on it, as <stdarg.h> has it.
 */
#ifndef DEVMAP_SYS_VARARGS_H
#define DEVMAP_SYS_VARARGS_H

#include <sys/types.h>

#endif /* DEVMAP_SYS_VARARGS_H */
