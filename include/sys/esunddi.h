/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/esunddi.h: brings what it brings on Solaris; of its own functions there are none.
 */
#ifndef DEVMAP_SYS_ESUNDDI_H
#define DEVMAP_SYS_ESUNDDI_H

#include <sys/sunddi.h>
#include <sys/proc.h>
#include <sys/autoconf.h>
#include <sys/ddi_impldefs.h>
#include <sys/epm.h>

#endif /* DEVMAP_SYS_ESUNDDI_H */
