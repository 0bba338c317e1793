/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Instances and their minor nodes: ddi_get_instance(9F), ddi_create_minor_node(9F), and which
 * driver a device number means. drivers_lock guards the list of drivers and every driver's list of
 * minor nodes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/sunddi.h>

#include "devinfo.h"

pthread_mutex_t drivers_lock = PTHREAD_MUTEX_INITIALIZER;
struct driver *drivers;

static struct driver root_driver = { .name = "rootnex" };
static dev_info_t root = { .driver = &root_driver, .name = "rootnex0", .attached = true };

dev_info_t *ddi_root_node(void)
{
	return &root;
}

static void (*minor_added)(struct minor_node *);
static void (*minor_removed)(struct minor_node *);

void driver_set_minor_hook(void (*added)(struct minor_node *), void (*removed)(struct minor_node *))
{
	minor_added = added;
	minor_removed = removed;
}

/* Major numbers: of our own, above those that Linux gives out, and the same in each run. */

#define MAJOR_FIRST 512
#define MAJOR_COUNT 3584 /* 12 bits in all, as Linux has it */

static major_t major_of_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return MAJOR_FIRST + hash % MAJOR_COUNT;
}

/* Called with drivers_lock held. */
static struct driver *driver_of_major(major_t maj)
{
	struct driver *d;

	ASSERT_HELD(&drivers_lock);
	for (d = drivers; d != NULL && d->major != maj; d = d->next)
		;
	return d;
}

void driver_list(struct driver *d)
{
	(void)pthread_mutex_lock(&drivers_lock);
	d->major = major_of_name(d->name);
	while (driver_of_major(d->major) != NULL)
		d->major = MAJOR_FIRST + (d->major + 1 - MAJOR_FIRST) % MAJOR_COUNT;
	d->next = drivers;
	drivers = d;
	(void)pthread_mutex_unlock(&drivers_lock);
}

void driver_unlist(struct driver *d)
{
	struct driver **dp;

	(void)pthread_mutex_lock(&drivers_lock);
	for (dp = &drivers; *dp != NULL; dp = &(*dp)->next) {
		if (*dp == d) {
			*dp = d->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&drivers_lock);
}

/* Minor nodes. */

struct minor_node *driver_minor_after(struct driver *d, struct minor_node *m)
{
	(void)pthread_mutex_lock(&drivers_lock);
	m = m != NULL ? m->next : d->minors;
	(void)pthread_mutex_unlock(&drivers_lock);
	return m;
}

struct minor_node *driver_minors(struct driver *d)
{
	return driver_minor_after(d, NULL);
}

struct minor_node *driver_minor(dev_t dev)
{
	struct minor_node *m = NULL;
	struct driver *d;

	(void)pthread_mutex_lock(&drivers_lock);
	d = driver_of_major(getmajor(dev));
	if (d != NULL)
		for (m = d->minors; m != NULL && m->dev != dev; m = m->next)
			;
	(void)pthread_mutex_unlock(&drivers_lock);
	return m;
}

/* Called with drivers_lock held. */
static bool minor_name_taken(const char *name)
{
	ASSERT_HELD(&drivers_lock);
	for (struct driver *d = drivers; d != NULL; d = d->next)
		for (struct minor_node *m = d->minors; m != NULL; m = m->next)
			if (strcmp(m->name, name) == 0)
				return true;
	return false;
}

/*
 * Called with drivers_lock held. The given name if it is free, else one with the instance before
 * it.
 */
static bool minor_set_name(struct node *n, const dev_info_t *dip)
{
	int len;

	ASSERT_HELD(&drivers_lock);
	(void)snprintf(n->minor.name, sizeof(n->minor.name), "%s", n->given);
	if (!minor_name_taken(n->minor.name))
		return true;
	len = snprintf(n->minor.name, sizeof(n->minor.name), "%.32s:%s", dip->name, n->given);
	return len < (int)sizeof(n->minor.name) && !minor_name_taken(n->minor.name);
}

/* Called with drivers_lock held. At the end: nodes are listed in the order of their making. */
static void minor_append(struct driver *d, struct minor_node *m)
{
	struct minor_node **mp;

	ASSERT_HELD(&drivers_lock);
	for (mp = &d->minors; *mp != NULL; mp = &(*mp)->next)
		;
	*mp = m;
}

static struct node *minor_new(dev_info_t *dip, const char *name, minor_t minor_num)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	(void)snprintf(n->given, sizeof(n->given), "%s", name);
	n->minor.dip = dip;
	n->minor.dev = makedevice(dip->driver->major, minor_num);
	return n;
}

/* What is wrong with the arguments of ddi_create_minor_node(9F), or NULL. */
static const char *minor_refusal(const char *name, int spec_type)
{
	if (spec_type != S_IFCHR)
		return "only S_IFCHR is served";
	if (strchr(name, '/') != NULL || name[0] == '.')
		return "a name has no '/', and no '.' at its beginning";
	return strlen(name) >= MINOR_NAME_MAX ? "the name is too long" : NULL;
}

/* mode 0: the server's default. site: the place in the driver's code. */
static int minor_create(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			mode_t mode, const void *site)
{
	const char *wrong;
	struct node *n;
	bool named;

	if (name == NULL || name[0] == '\0')
		name = dip->name;
	wrong = minor_refusal(name, spec_type);
	if (wrong != NULL) {
		driver_mistake(site, "ddi_create_minor_node", "%s: '%s': %s", dip->name, name,
			       wrong);
		return DDI_FAILURE;
	}
	n = minor_new(dip, name, minor_num);
	if (n == NULL)
		return DDI_FAILURE;
	n->minor.mode = mode;
	(void)pthread_mutex_lock(&drivers_lock);
	named = minor_set_name(n, dip);
	if (named)
		minor_append(dip->driver, &n->minor);
	(void)pthread_mutex_unlock(&drivers_lock);
	if (!named) {
		driver_mistake(site, "ddi_create_minor_node", "%s: there is a '%s' already",
			       dip->name, name);
		free(n);
		return DDI_FAILURE;
	}
	if (minor_added != NULL)
		minor_added(&n->minor);
	return DDI_SUCCESS;
}

int ddi_create_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			  const char *node_type, int flag)
{
	(void)node_type;
	(void)flag;
	return minor_create(dip, name, spec_type, minor_num, 0, CALL_SITE());
}

int ddi_create_priv_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			       const char *node_type, int flag, const char *read_priv,
			       const char *write_priv, mode_t priv_mode)
{
	(void)node_type;
	(void)read_priv;
	(void)write_priv;
	return minor_create(dip, name, spec_type, minor_num,
			    flag & PRIVONLY_DEV ? priv_mode & 0777 : 0, CALL_SITE());
}

/* Takes one node of dip off the list, or gives NULL. name NULL: whichever. */
static struct node *minor_take(dev_info_t *dip, const char *name)
{
	struct node *found = NULL;
	struct minor_node **mp;

	(void)pthread_mutex_lock(&drivers_lock);
	for (mp = &dip->driver->minors; *mp != NULL; mp = &(*mp)->next) {
		struct node *n = (struct node *)*mp;

		if (n->minor.dip == dip && (name == NULL || strcmp(n->given, name) == 0)) {
			*mp = n->minor.next;
			found = n;
			break;
		}
	}
	(void)pthread_mutex_unlock(&drivers_lock);
	return found;
}

void ddi_remove_minor_node(dev_info_t *dip, const char *name)
{
	struct node *n;

	if (name != NULL && name[0] == '\0')
		name = dip->name;
	while ((n = minor_take(dip, name)) != NULL) {
		if (minor_removed != NULL)
			minor_removed(&n->minor);
		free(n);
	}
}

/* Which instance a device number means. */

static dev_info_t *dip_of_minor(struct driver *d, dev_t dev)
{
	struct minor_node *m;
	dev_info_t *dip;

	(void)pthread_mutex_lock(&drivers_lock);
	for (m = d->minors; m != NULL && m->dev != dev; m = m->next)
		;
	dip = m != NULL ? m->dip : NULL; /* m may be removed as soon as the lock is free */
	(void)pthread_mutex_unlock(&drivers_lock);
	return dip;
}

/* A number that open(9E) made up: only the driver knows. */
static dev_info_t *dip_of_getinfo(struct driver *d, dev_t dev)
{
	int (*getinfo)(dev_info_t *, ddi_info_cmd_t, void *, void **) = d->ops->devo_getinfo;
	void *result = NULL;

	if (getinfo == NULL ||
	    getinfo(NULL, DDI_INFO_DEVT2DEVINFO, (void *)dev, &result) != DDI_SUCCESS)
		return NULL;
	for (int i = 0; i < d->ninstances; i++)
		if (d->instances[i] == result)
			return d->instances[i];
	return NULL;
}

int engine_driver(dev_t dev, struct engine_driver *out)
{
	struct driver *d;
	dev_info_t *dip;

	(void)pthread_mutex_lock(&drivers_lock);
	d = driver_of_major(getmajor(dev));
	(void)pthread_mutex_unlock(&drivers_lock);
	if (d == NULL || d->ops == NULL)
		return ENXIO;
	dip = dip_of_minor(d, dev);
	if (dip == NULL)
		dip = dip_of_getinfo(d, dev);
	if (dip == NULL && d->ninstances == 1)
		dip = d->instances[0];
	if (dip == NULL)
		return ENXIO;
	*out = (struct engine_driver){ .cb = d->ops->devo_cb_ops, .dip = dip, .name = d->name };
	return 0;
}
