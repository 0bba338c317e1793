// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Minor nodes: ddi_create_minor_node(9F). Each is a device of the class "devmap", which devtmpfs
 * shows under /dev, for its owner only; udev or chmod(1) may change that.
 */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include "internal.h"

static struct class *node_class;

static char *node_devnode(compat_devnode_device *dev, umode_t *mode)
{
	const struct minor_node *n = dev_get_drvdata(dev);

	if (mode != NULL)
		*mode = n != NULL && n->mode != 0 ? n->mode : 0600;
	return NULL;
}

int nodes_init(void)
{
	node_class = compat_class_create("devmap");
	if (IS_ERR(node_class))
		return PTR_ERR(node_class);
	node_class->devnode = node_devnode;
	node_class->dev_groups = devmap_stats_groups;
	return 0;
}

void nodes_fini(void)
{
	class_destroy(node_class);
}

static void node_put(struct minor_node *n)
{
	if (!refcount_dec_and_test(&n->refs))
		return;
	instance_put(n->dip);
	kfree(n);
}

/* Called with drivers_lock held. */
static bool node_name_taken(const char *name)
{
	struct minor_node *n;
	struct driver *d;

	lockdep_assert_held(&drivers_lock);
	list_for_each_entry(d, &drivers, link)
		list_for_each_entry(n, &d->nodes, link)
			if (strcmp(n->name, name) == 0)
				return true;
	return false;
}

/*
 * Called with drivers_lock held. The given name if it is free, else one with the instance before
 * it.
 */
static bool node_set_name(struct minor_node *n)
{
	int len;

	lockdep_assert_held(&drivers_lock);
	(void)snprintf(n->name, sizeof(n->name), "%s", n->given);
	if (!node_name_taken(n->name))
		return true;
	len = snprintf(n->name, sizeof(n->name), "%.32s:%s", n->dip->name, n->given);
	return len < (int)sizeof(n->name) && !node_name_taken(n->name);
}

/* Called with drivers_lock held. sysfs, and so the engine, has one node for each number. */
static const struct minor_node *node_of_dev(const struct driver *d, dev_t dev)
{
	const struct minor_node *n;

	lockdep_assert_held(&drivers_lock);
	list_for_each_entry(n, &d->nodes, link)
		if (n->dev == dev)
			return n;
	return NULL;
}

static struct minor_node *node_new(dev_info_t *dip, const char *name, minor_t minor_num)
{
	struct minor_node *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (n == NULL)
		return NULL;
	refcount_set(&n->refs, 1);
	LINUX_MUTEX_INIT(&n->open_lock);
	(void)snprintf(n->given, sizeof(n->given), "%s", name);
	n->dip = dip;
	refcount_inc(&dip->refs);
	n->dev = makedevice(dip->driver->major, minor_num);
	return n;
}

/* What is wrong with the arguments of ddi_create_minor_node(9F), or NULL. */
static const char *node_refusal(const char *name, int spec_type, minor_t minor_num)
{
	if (spec_type != S_IFCHR)
		return "only S_IFCHR is served";
	if (strpbrk(name, "/!") != NULL || name[0] == '.')
		return "a name has no '/' and no '!', and no '.' at its beginning";
	if (minor_num > MINORMASK)
		return "minor numbers have 20 bits";
	return strlen(name) >= NODE_NAME_MAX ? "the name is too long" : NULL;
}

/* Into the list, at its end. What keeps the node from it, or NULL. */
static const char *node_list(struct minor_node *n)
{
	struct driver *d = n->dip->driver;
	const char *wrong = NULL;

	mutex_lock(&drivers_lock);
	if (node_of_dev(d, n->dev) != NULL)
		wrong = "its minor number has a node already";
	else if (!node_set_name(n))
		wrong = "there is a node of this name already";
	else
		list_add_tail(&n->link, &d->nodes);
	mutex_unlock(&drivers_lock);
	return wrong;
}

static int node_show(struct minor_node *n)
{
	struct device *parent = n->dip->pci != NULL ? &n->dip->pci->dev : NULL;
	struct device *dev = device_create(node_class, parent, n->dev, n, "%s", n->name);

	if (IS_ERR(dev)) {
		pr_warn("%s: no device '%s': error %ld\n", n->dip->name, n->name, PTR_ERR(dev));
		mutex_lock(&drivers_lock);
		list_del(&n->link);
		mutex_unlock(&drivers_lock);
		node_put(n);
		return DDI_FAILURE;
	}
	n->device = dev;
	return DDI_SUCCESS;
}

/* mode 0: 0600. site: the place in the driver's code. */
static int node_create(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
		       umode_t mode, const void *site)
{
	struct minor_node *n = NULL;
	const char *wrong;

	if (name == NULL || name[0] == '\0')
		name = dip->name;
	wrong = node_refusal(name, spec_type, minor_num);
	if (wrong == NULL) {
		n = node_new(dip, name, minor_num);
		if (n == NULL)
			return DDI_FAILURE;
		n->mode = mode;
		wrong = node_list(n);
	}
	if (wrong != NULL) {
		driver_mistake(site, "ddi_create_minor_node", "%s: '%s', minor number %u: %s",
			       dip->name, name, minor_num, wrong);
		if (n != NULL)
			node_put(n);
		return DDI_FAILURE;
	}
	return node_show(n);
}

int ddi_create_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			  const char *node_type, int flag)
{
	(void)node_type;
	(void)flag;
	return node_create(dip, name, spec_type, minor_num, 0, CALL_SITE());
}
EXPORT_SYMBOL(ddi_create_minor_node);

int ddi_create_priv_minor_node(dev_info_t *dip, const char *name, int spec_type, minor_t minor_num,
			       const char *node_type, int flag, const char *read_priv,
			       const char *write_priv, mode_t priv_mode)
{
	(void)node_type;
	(void)read_priv;
	(void)write_priv;
	return node_create(dip, name, spec_type, minor_num,
			   flag & PRIVONLY_DEV ? priv_mode & 0777 : 0, CALL_SITE());
}
EXPORT_SYMBOL(ddi_create_priv_minor_node);

/* Takes one node of dip off the list, or gives NULL. name NULL: whichever. */
static struct minor_node *node_take(dev_info_t *dip, const char *name)
{
	struct minor_node *n, *found = NULL;

	mutex_lock(&drivers_lock);
	list_for_each_entry(n, &dip->driver->nodes, link) {
		if (n->dip == dip && (name == NULL || strcmp(n->given, name) == 0)) {
			found = n;
			break;
		}
	}
	if (found != NULL)
		list_del(&found->link);
	mutex_unlock(&drivers_lock);
	return found;
}

void ddi_remove_minor_node(dev_info_t *dip, const char *name)
{
	struct minor_node *n;

	if (name != NULL && name[0] == '\0')
		name = dip->name;
	while ((n = node_take(dip, name)) != NULL) {
		if (n->device != NULL)
			device_unregister(n->device);
		node_put(n);
	}
}
EXPORT_SYMBOL(ddi_remove_minor_node);

/* Called with drivers_lock held. EAGAIN: attach(9E), or loading, is still going on, and may fail. */
static int node_get(dev_t dev, struct minor_node **out)
{
	struct driver *d;
	struct minor_node *n;

	lockdep_assert_held(&drivers_lock);
	d = driver_of_major(getmajor(dev));
	if (d == NULL)
		return -ENXIO;
	if (!d->ready)
		return -EAGAIN;
	n = (struct minor_node *)node_of_dev(d, dev);
	if (n == NULL || n->dip->going)
		return -ENXIO;
	if (!n->dip->attached)
		return -EAGAIN;
	if (!try_module_get(d->module))
		return -ENXIO;
	refcount_inc(&n->refs);
	*out = n;
	return 0;
}

int node_open(dev_t dev, struct minor_node **out)
{
	int error;

	for (;;) {
		mutex_lock(&drivers_lock);
		error = node_get(dev, out);
		mutex_unlock(&drivers_lock);
		if (error != -EAGAIN)
			return error;
		if (msleep_interruptible(10) != 0)
			return -ERESTARTSYS;
	}
}

void node_close(struct minor_node *n)
{
	struct module *m = n->dip->driver->module;

	node_put(n);
	module_put(m);
}
