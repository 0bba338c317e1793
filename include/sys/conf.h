/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/conf.h: a driver's entry points. cb_ops(9S), dev_ops(9S). All of it is in sys/devops.h.
 */
#ifndef DEVMAP_SYS_CONF_H
#define DEVMAP_SYS_CONF_H

#include <sys/devops.h>

#endif /* DEVMAP_SYS_CONF_H */
