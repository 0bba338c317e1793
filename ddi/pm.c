/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Components of a device: pm_raise_power(9F) and its relatives. They are made of the property
 * pm-components when a driver first asks for one.
 */
#include <sys/kmem.h>
#include <sys/pm.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"

#define COMPONENTS_MAX 64
#define LEVELS_MAX     32 /* of a component, as bits */

struct component {
	uint32_t levels; /* which there are */
	int now;	 /* PM_LEVEL_UNKNOWN */
	int most;
	int normal;
	int busy;
};

struct power {
	int n;
	struct component all[];
};

static kmutex_t pm_lock; /* guards all of it; a leaf, never held in power(9E) */
static kcondvar_t pm_left;

static struct power *power_new(int n)
{
	struct power *p = port_alloc(sizeof(*p) + (size_t)n * sizeof(p->all[0]));

	if (p == NULL)
		return NULL;
	p->n = n;
	for (int i = 0; i < n; i++) {
		p->all[i].now = PM_LEVEL_UNKNOWN;
		p->all[i].most = LEVELS_MAX - 1;
		p->all[i].normal = 1;
	}
	return p;
}

/* "LEVEL=NAME"; -1: it is none. */
static int level_of(const char *text)
{
	int level = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9' && level < LEVELS_MAX; text++)
		level = 10 * level + (*text - '0');
	return *text == '=' && level < LEVELS_MAX ? level : -1;
}

/* Fills components from strings of pm-components(9P). False: they are none. */
static bool fill(struct power *p, char **strings, uint_t n)
{
	int at = -1, level;

	for (uint_t i = 0; i < n; i++) {
		if (strncmp(strings[i], "NAME=", 5) == 0) {
			at++;
			continue;
		}
		level = level_of(strings[i]);
		if (at < 0 || level < 0)
			return false;
		p->all[at].levels |= 1U << level;
		p->all[at].most = level;
	}
	return true;
}

static struct power *power_of_property(dev_info_t *dip)
{
	struct power *p;
	char **strings;
	uint_t n;
	int components = 0;

	if (ddi_prop_lookup_string_array(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, "pm-components",
					 &strings, &n) != DDI_PROP_SUCCESS)
		return NULL;
	for (uint_t i = 0; i < n; i++)
		components += strncmp(strings[i], "NAME=", 5) == 0;
	p = components < 1 || components > COMPONENTS_MAX ? NULL : power_new(components);
	if (p != NULL && !fill(p, strings, n)) {
		port_log(PORT_LOG_MISTAKE,
			 "%s: pm-components: not of the form NAME=..., LEVEL=NAME",
			 ddi_instance_of(dip)->name);
		port_free(p);
		p = NULL;
	}
	ddi_prop_free(strings);
	return p;
}

/* pm_lock is held, and let go of meanwhile. NULL: there is no such component. */
static struct component *component_of(dev_info_t *dip, int number)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	struct power *p;

	ASSERT(MUTEX_HELD(&pm_lock));
	if (in->power == NULL) {
		mutex_exit(&pm_lock);
		p = power_of_property(dip);
		mutex_enter(&pm_lock);
		if (in->power == NULL)
			in->power = p;
		else
			port_free(p);
	}
	p = in->power;
	return p != NULL && number >= 0 && number < p->n ? &p->all[number] : NULL;
}

static bool has_level(const struct component *c, int level)
{
	return c != NULL && level >= 0 && level < LEVELS_MAX && c->levels & 1U << level;
}

int pm_busy_component(dev_info_t *dip, int component)
{
	struct component *c;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	if (c != NULL)
		c->busy++;
	mutex_exit(&pm_lock);
	return c != NULL ? DDI_SUCCESS : DDI_FAILURE;
}

int pm_idle_component(dev_info_t *dip, int component)
{
	struct component *c;
	bool was_busy;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	was_busy = c != NULL && c->busy > 0;
	if (was_busy)
		c->busy--;
	mutex_exit(&pm_lock);
	return was_busy ? DDI_SUCCESS : DDI_FAILURE;
}

/*
 * One thread at a time changes levels of a device, and goes on to do so in power(9E): who says meanwhile
 * that a level has changed says it of a later time. pm_lock is held, and let go of meanwhile.
 */
static void changing_begin(struct ddi_instance *in)
{
	const kt_did_t me = ddi_get_kt_did();

	ASSERT(MUTEX_HELD(&pm_lock));
	while (in->power_depth > 0 && in->power_changer != me)
		cv_wait(&pm_left, &pm_lock);
	in->power_changer = me;
	in->power_depth++;
}

static void changing_end(struct ddi_instance *in)
{
	ASSERT(MUTEX_HELD(&pm_lock));
	if (--in->power_depth == 0)
		cv_broadcast(&pm_left);
}

/* Sets the level, which there is. */
static int set_level(dev_info_t *dip, int number, int level)
{
	struct component *c;
	bool right;

	mutex_enter(&pm_lock);
	changing_begin(ddi_instance_of(dip));
	c = component_of(dip, number);
	right = has_level(c, level);
	if (right)
		c->now = level;
	changing_end(ddi_instance_of(dip));
	mutex_exit(&pm_lock);
	return right ? DDI_SUCCESS : DDI_FAILURE;
}

/* This thread changes levels. */
static int raise_level(dev_info_t *dip, int component, int level)
{
	struct dev_ops *ops = ddi_driver_of(ddi_instance_of(dip)->driver)->ops;
	struct component *c;
	bool right, there;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	right = has_level(c, level) && level <= c->most;
	there = right && c->now >= level;
	mutex_exit(&pm_lock);
	if (!right || there)
		return right ? DDI_SUCCESS : DDI_FAILURE;
	if (ops->devo_power == NULL || (void *)ops->devo_power == (void *)nodev ||
	    ops->devo_power(dip, component, level) != DDI_SUCCESS)
		return DDI_FAILURE;
	return set_level(dip, component, level);
}

int pm_raise_power(dev_info_t *dip, int component, int level)
{
	int value;

	mutex_enter(&pm_lock);
	changing_begin(ddi_instance_of(dip));
	mutex_exit(&pm_lock);
	value = raise_level(dip, component, level);
	mutex_enter(&pm_lock);
	changing_end(ddi_instance_of(dip));
	mutex_exit(&pm_lock);
	return value;
}

int pm_lower_power(dev_info_t *dip, int component, int level)
{
	bool right;

	mutex_enter(&pm_lock);
	right = has_level(component_of(dip, component), level);
	mutex_exit(&pm_lock);
	return right ? DDI_SUCCESS : DDI_FAILURE;
}

int pm_power_has_changed(dev_info_t *dip, int component, int level)
{
	return set_level(dip, component, level);
}

int pm_update_maxpower(dev_info_t *dip, int component, int level)
{
	struct component *c;
	bool right;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	right = has_level(c, level);
	if (right)
		c->most = level;
	mutex_exit(&pm_lock);
	return right ? DDI_SUCCESS : DDI_FAILURE;
}

int pm_get_current_power(dev_info_t *dip, int component, int *levelp)
{
	const struct component *c;
	int level = PM_LEVEL_UNKNOWN;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	if (c != NULL)
		level = c->now;
	mutex_exit(&pm_lock);
	if (level == PM_LEVEL_UNKNOWN)
		return DDI_FAILURE;
	*levelp = level;
	return DDI_SUCCESS;
}

/* Of older drivers */

int pm_create_components(dev_info_t *dip, int n)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	struct power *p = n < 1 || n > COMPONENTS_MAX ? NULL : power_new(n);
	bool taken;

	if (p == NULL)
		return DDI_FAILURE;
	for (int i = 0; i < n; i++)
		p->all[i].levels = 3;
	mutex_enter(&pm_lock);
	taken = in->power == NULL;
	if (taken)
		in->power = p;
	mutex_exit(&pm_lock);
	if (!taken)
		port_free(p);
	return taken ? DDI_SUCCESS : DDI_FAILURE;
}

void pm_destroy_components(dev_info_t *dip)
{
	struct power *p;

	mutex_enter(&pm_lock);
	p = ddi_instance_of(dip)->power;
	ddi_instance_of(dip)->power = NULL;
	mutex_exit(&pm_lock);
	port_free(p);
}

/* What is normal is a level of older devices, whatever it is called. */
void pm_set_normal_power(dev_info_t *dip, int component, int level)
{
	struct component *c;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	if (c != NULL && level >= 0 && level < LEVELS_MAX) {
		c->levels |= 1U << level;
		c->normal = level;
	}
	mutex_exit(&pm_lock);
}

int pm_get_normal_power(dev_info_t *dip, int component)
{
	const struct component *c;
	int level;

	mutex_enter(&pm_lock);
	c = component_of(dip, component);
	level = c != NULL ? c->normal : DDI_FAILURE;
	mutex_exit(&pm_lock);
	return level;
}

int ddi_dev_is_needed(dev_info_t *dip, int component, int level)
{
	return pm_raise_power(dip, component, level);
}

int ddi_removing_power(dev_info_t *dip)
{
	(void)dip;
	return 0;
}
