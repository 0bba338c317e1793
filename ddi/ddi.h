/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the files of ddi/ share with each other and with the engines.
 *
 * LOCKS, outermost first; none is held across a call of a driver, a model or a hook
 *   soft_state's lock   changes of a table of soft state                     soft_state.c
 */
#ifndef DEVMAP_DDI_DDI_H
#define DEVMAP_DDI_DDI_H

#include <sys/types.h>
#include <sys/conf.h>
#include <sys/ddi.h>
#include <sys/modctl.h>
#include <sys/sunddi.h>

/*
 * A driver has made a mistake in a call of the DDI (C26): says so once for each place of the
 * driver's code, which `caller` is: CALLER() of the function that implements `call`.
 */
void driver_mistake(const void *caller, const char *call, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for mistakes that leave no way on. Does not return: see port_end(). */
void driver_panic(const void *caller, const char *call, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))) DEVMAP_NORETURN;

#define CALLER()	__builtin_return_address(0)

#endif
