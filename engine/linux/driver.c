// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Drivers, which are modules of Linux: <devmap/linux_module.h> is their side.
 *
 *   devmap_driver_enter: properties, a major number, _init(9E), then for each instance properties,
 *     model or PCI function, register sets, probe(9E), attach(9E).
 * Whatever fails is undone in the reverse order. Only then may the driver be opened: a module whose
 * init function fails is freed even if somebody holds it.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#define INSTANCES_MAX 4096

DEFINE_MUTEX(drivers_lock);
LIST_HEAD(drivers);
DECLARE_WAIT_QUEUE_HEAD(drivers_wait);

struct driver *driver_of_major(major_t maj)
{
	struct driver *d;

	lockdep_assert_held(&drivers_lock);
	list_for_each_entry(d, &drivers, link)
		if (d->major == maj)
			return d;
	return NULL;
}

/*
 * Which instance a device number means.
 */

/* Called with drivers_lock held. */
static dev_info_t *dip_of_minor(struct driver *d, dev_t dev)
{
	struct minor_node *n;

	lockdep_assert_held(&drivers_lock);
	list_for_each_entry(n, &d->nodes, link)
		if (n->dev == dev)
			return n->dip;
	return NULL;
}

/* A number that open(9E) made up: only the driver knows. */
static dev_info_t *dip_of_getinfo(struct driver *d, dev_t dev)
{
	int (*getinfo)(dev_info_t *, ddi_info_cmd_t, void *, void **) = d->ops->devo_getinfo;
	dev_info_t *dip, *found = NULL;
	void *result = NULL;

	if (entry_absent((void *)getinfo) ||
	    getinfo(NULL, DDI_INFO_DEVT2DEVINFO, (void *)(uintptr_t)dev, &result) != DDI_SUCCESS)
		return NULL;
	mutex_lock(&drivers_lock);
	list_for_each_entry(dip, &d->instances, link)
		if (dip == result && !dip->lost)
			found = dip;
	mutex_unlock(&drivers_lock);
	return found;
}

/* Called with drivers_lock held. NULL: there is none, or more than one. */
static dev_info_t *only_instance(struct driver *d)
{
	dev_info_t *dip, *only = NULL;

	lockdep_assert_held(&drivers_lock);
	list_for_each_entry(dip, &d->instances, link) {
		if (dip->lost)
			continue;
		if (only != NULL)
			return NULL;
		only = dip;
	}
	return only;
}

int engine_driver(dev_t dev, struct engine_driver *out)
{
	dev_info_t *dip = NULL, *only = NULL;
	struct driver *d;

	mutex_lock(&drivers_lock);
	d = driver_of_major(getmajor(dev));
	if (d != NULL && d->ops != NULL) {
		dip = dip_of_minor(d, dev);
		only = only_instance(d);
	}
	mutex_unlock(&drivers_lock);
	if (d == NULL || d->ops == NULL)
		return ENXIO;
	if (dip == NULL)
		dip = dip_of_getinfo(d, dev);
	if (dip == NULL)
		dip = only;
	if (dip == NULL)
		return ENXIO;
	*out = (struct engine_driver){ .cb = d->ops->devo_cb_ops, .dip = dip, .name = d->name };
	return 0;
}

/*
 * The driver's list of instances, where there is no bus.
 */

/* How many; -EINVAL with a message. */
static int instances_wanted(const struct driver *d)
{
	const struct prop *p = props_find(d->props, "instances");

	if (p == NULL)
		return 1;
	if (!p->is_int || p->integer < 1 || p->integer > INSTANCES_MAX) {
		pr_warn("%s: property 'instances=%s': a number from 1 to %d\n", d->name, p->text,
			INSTANCES_MAX);
		return -EINVAL;
	}
	return p->integer;
}

static int instance_add(struct driver *d)
{
	dev_info_t *dip;
	int error = instance_new(d, NULL, &dip);

	if (error != 0)
		return error;
	error = model_attach(dip);
	if (error == 0)
		error = instance_attach(dip);
	if (error != 0)
		instance_free(dip);
	return error;
}

/*
 * From the last on. Where there is no bus only this thread adds to the list, or takes from it: so
 * it is walked without drivers_lock.
 */
static void instances_remove(struct driver *d)
{
	dev_info_t *dip, *before;

	list_for_each_entry_safe_reverse(dip, before, &d->instances, link)
	{
		if (dip->lost)
			continue;
		instance_detach(dip);
		instance_free(dip);
	}
}

static int instances_make(struct driver *d)
{
	int i, error = 0, wanted = instances_wanted(d);

	if (wanted < 0)
		return wanted;
	for (i = 0; i < wanted && error == 0; i++)
		error = instance_add(d);
	if (error != 0)
		instances_remove(d);
	return error;
}

/*
 * The driver itself.
 */

static void driver_fini(struct driver *d, int (*fini)(void))
{
	int value = driver_call(d, fini);

	if (value != 0)
		pr_err("%s: _fini(9E) refused with value %d, but the module goes: what it has not "
		       "given back is lost, and what it has left running will fail\n",
		       d->name, value);
}

static int driver_begin(struct driver *d, int (*init)(void), int (*fini)(void))
{
	int value = driver_call(d, init);

	if (value != 0) {
		pr_warn("%s: _init(9E) failed with value %d\n", d->name, value);
		d->ops = NULL;
		return value > 0 && value <= MAX_ERRNO ? -value : -EINVAL;
	}
	if (d->ops == NULL) {
		pr_warn("%s: _init(9E) did not call mod_install(9F)\n", d->name);
		driver_fini(d, fini);
		return -EINVAL;
	}
	return 0;
}

static struct driver *driver_new(struct module *m)
{
	struct driver *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (d == NULL)
		return NULL;
	d->module = m;
	strscpy(d->name, m->name, sizeof(d->name));
	INIT_LIST_HEAD(&d->instances);
	INIT_LIST_HEAD(&d->nodes);
	return d;
}

/* A major number with all the minors that a dev_t has room for, and a place in the list. */
static int driver_list(struct driver *d)
{
	int major = __register_chrdev(0, 0, 1U << MINORBITS, d->name, &devmap_fops);

	if (major < 0) {
		pr_warn("%s: no major number: error %d\n", d->name, major);
		return major;
	}
	d->major = (major_t)major;
	mutex_lock(&drivers_lock);
	list_add_tail(&d->link, &drivers);
	mutex_unlock(&drivers_lock);
	return 0;
}

static void driver_unlist(struct driver *d)
{
	mutex_lock(&drivers_lock);
	list_del(&d->link);
	mutex_unlock(&drivers_lock);
	__unregister_chrdev(d->major, 0, 1U << MINORBITS, d->name);
}

/* Nobody finds d any more, or never has, so drivers_lock is not needed. */
static void driver_free(struct driver *d)
{
	dev_info_t *dip, *next;

	/* Those that it did not detach. */
	list_for_each_entry_safe(dip, next, &d->instances, link) {
		list_del(&dip->link);
		instance_put(dip);
	}
	kstats_forget(d->name);
	callouts_forget(d->module);
	driver_mistakes_forget(d->module);
	props_free(&d->props);
	kfree(d);
}

static void driver_ready(struct driver *d)
{
	mutex_lock(&drivers_lock);
	d->ready = true;
	mutex_unlock(&drivers_lock);
}

static int driver_start(struct driver *d, const char *pci_alias, int (*init)(void),
			int (*fini)(void))
{
	int error = driver_list(d);

	if (error != 0)
		return error;
	error = driver_begin(d, init, fini);
	if (error == 0) {
		error = pci_alias != NULL ? pci_driver_add(d, pci_alias) : instances_make(d);
		if (error != 0)
			driver_fini(d, fini);
	}
	if (error != 0)
		driver_unlist(d);
	else
		driver_ready(d);
	return error;
}

int devmap_driver_enter(struct module *m, const char *props, const char *pci_alias,
			int (*init)(void), int (*fini)(void))
{
	struct driver *d;
	int error;

	if (strlen(m->name) >= sizeof(d->name)) {
		pr_warn("%s: the driver's name is too long\n", m->name);
		return -ENAMETOOLONG;
	}
	d = driver_new(m);
	if (d == NULL)
		return -ENOMEM;
	error = props_parse(d->name, props, &d->props);
	if (error == 0)
		error = driver_start(d, pci_alias, init, fini);
	if (error != 0)
		driver_free(d);
	return error;
}
EXPORT_SYMBOL(devmap_driver_enter);

static struct driver *driver_of_module(const struct module *m)
{
	struct driver *d, *found = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry(d, &drivers, link)
		if (d->module == m)
			found = d;
	mutex_unlock(&drivers_lock);
	return found;
}

/* Nothing of the driver is open: files hold its module. */
void devmap_driver_leave(struct module *m, int (*fini)(void))
{
	struct driver *d = driver_of_module(m);

	if (WARN_ON(d == NULL))
		return;
	if (d->pci_driver != NULL)
		pci_driver_remove(d);
	else
		instances_remove(d);
	driver_fini(d, fini);
	driver_unlist(d);
	driver_free(d);
}
EXPORT_SYMBOL(devmap_driver_leave);
