/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/pm.h, sys/sunpm.h: components of a device and their power. pm_raise_power(9F),
 * pm_busy_component(9F), power(9E), pm-components(9P).
 *
 * Nobody manages power by himself here: a component goes to another level when its driver raises it, and
 * no driver is asked to lower one. Components are those of the property pm-components, numbered from 0,
 * and begin at an unknown level. Functions that return an int: DDI_SUCCESS, or DDI_FAILURE: there is no
 * such component or level, or what is said below.
 */
#ifndef DEVMAP_SYS_PM_H
#define DEVMAP_SYS_PM_H

#include <sys/types.h>
#include <sys/dditypes.h>

#define PM_LEVEL_UNKNOWN (-1)

/* Of PCI functions */
#define PM_LEVEL_D3	0
#define PM_LEVEL_D2	1
#define PM_LEVEL_D1	2
#define PM_LEVEL_D0	3
#define PM_LEVEL_D3_STR "0=Device D3 State"
#define PM_LEVEL_D2_STR "1=Device D2 State"
#define PM_LEVEL_D1_STR "2=Device D1 State"
#define PM_LEVEL_D0_STR "3=Device D0 State"

/* A component is in use, as often as it was not said to be idle again. DDI_FAILURE: it is not busy. */
int pm_busy_component(dev_info_t *dip, int component);
int pm_idle_component(dev_info_t *dip, int component);

/*
 * Afterwards the component is at least at that level: calls power(9E) if it is not. DDI_FAILURE: that
 * fails, or there is none. To be called without locks that power(9E) takes.
 */
int pm_raise_power(dev_info_t *dip, int component, int level);
int pm_lower_power(dev_info_t *dip, int component, int level);	     /* changes nothing */
int pm_power_has_changed(dev_info_t *dip, int component, int level); /* the device did it itself */
int pm_update_maxpower(dev_info_t *dip, int component, int level);
int pm_get_current_power(dev_info_t *dip, int component, int *levelp); /* DDI_FAILURE: unknown */

/* Of older drivers: n components of levels 0 and 1, without the property. */
int pm_create_components(dev_info_t *dip, int n);
void pm_destroy_components(dev_info_t *dip);
void pm_set_normal_power(dev_info_t *dip, int component, int level);
int pm_get_normal_power(dev_info_t *dip, int component);
int ddi_dev_is_needed(dev_info_t *dip, int component, int level); /* pm_raise_power() */
int ddi_removing_power(dev_info_t *dip); /* 0: a DDI_SUSPEND that is going on takes no power */

#endif /* DEVMAP_SYS_PM_H */
