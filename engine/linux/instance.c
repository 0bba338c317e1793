// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Instances, from their making to detach(9E). */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

#include <sys/pm.h>

static struct driver root_driver = { .name = "rootnex" };
static dev_info_t root = {
	.driver = &root_driver,
	.name = "rootnex0",
	.attached = true,
	.gate = __SPIN_LOCK_UNLOCKED(root.gate),
	.files = LIST_HEAD_INIT(root.files),
};

dev_info_t *ddi_root_node(void)
{
	return &root;
}

/* Numbers count from 0, and one that has gone is used again. Called with drivers_lock held. */
static void instance_list(dev_info_t *dip)
{
	struct list_head *at = &dip->driver->instances;
	dev_info_t *other;

	lockdep_assert_held(&drivers_lock);
	list_for_each_entry(other, &dip->driver->instances, link) {
		if (other->instance != dip->instance)
			break;
		at = &other->link;
		dip->instance++;
	}
	list_add(&dip->link, at);
}

int instance_new(struct driver *d, struct pci_dev *pci, dev_info_t **out)
{
	dev_info_t *dip = kzalloc(sizeof(*dip), GFP_KERNEL);
	int error;

	if (dip == NULL)
		return -ENOMEM;
	refcount_set(&dip->refs, 1);
	spin_lock_init(&dip->gate);
	INIT_LIST_HEAD(&dip->files);
	dip->driver = d;
	dip->pci = pci;
	mutex_init(&dip->prop_lock, NULL, MUTEX_DRIVER, NULL);
	error = props_copy(&dip->props, d->props);
	if (error != 0) {
		props_free(&dip->props);
		kfree(dip);
		return error;
	}
	mutex_lock(&drivers_lock);
	instance_list(dip);
	(void)snprintf(dip->name, sizeof(dip->name), "%s%d", d->name, dip->instance);
	mutex_unlock(&drivers_lock);
	*out = dip;
	return 0;
}

int instance_attach(dev_info_t *dip)
{
	struct dev_ops *ops = dip->driver->ops;
	int value = DDI_PROBE_DONTCARE;

	if (!entry_absent((void *)ops->devo_probe))
		value = ops->devo_probe(dip);
	if (value != DDI_PROBE_SUCCESS && value != DDI_PROBE_DONTCARE &&
	    value != DDI_PROBE_PARTIAL) {
		pr_warn("%s: probe(9E) found no device\n", dip->name);
		return -ENXIO;
	}
	value = ops->devo_attach(dip, DDI_ATTACH);
	if (value != DDI_SUCCESS) {
		pr_warn("%s: attach(9E) failed with value %d\n", dip->name, value);
		return -ENXIO;
	}
	dip->attached = true;
	return 0;
}

void instance_detach(dev_info_t *dip)
{
	struct dev_ops *ops = dip->driver->ops;
	int value = DDI_FAILURE;

	instance_revoke(dip);
	if (!entry_absent((void *)ops->devo_detach))
		value = ops->devo_detach(dip, DDI_DETACH);
	dip->lost = value != DDI_SUCCESS;
	if (dip->lost)
		pr_err("%s: detach(9E) refused with value %d, but Linux takes the device: what the "
		       "driver has not given back is lost, and what it has left running will fail\n",
		       dip->name, value);
	ddi_remove_minor_node(dip, NULL);
	devmap_instance_gone(dip);
	dip->attached = false;
}

void instance_put(dev_info_t *dip)
{
	if (!refcount_dec_and_test(&dip->refs))
		return;
	mutex_destroy(&dip->prop_lock);
	kfree(dip);
}

/*
 * Who has a file open goes on to have its node, and so what the instance was. One that its driver
 * did not detach stays in the list: its number is taken, and the driver may go on to name it.
 */
void instance_free(dev_info_t *dip)
{
	/* Where attach(9E) has failed, or probe(9E) even: no node may outlive its instance. */
	ddi_remove_minor_node(dip, NULL);
	devmap_instance_gone(dip);
	intrs_forget(dip);
	pm_destroy_components(dip);
	if (dip->pci != NULL)
		pci_instance_fini(dip);
	model_detach(dip);
	regsets_free(dip);
	mutex_enter(&dip->prop_lock);
	props_free(&dip->props);
	mutex_exit(&dip->prop_lock);
	dip->pci = NULL;
	if (dip->lost)
		return;
	mutex_lock(&drivers_lock);
	list_del(&dip->link);
	mutex_unlock(&drivers_lock);
	instance_put(dip);
}

const char *port_pci_name(dev_info_t *dip)
{
	return dip->pci != NULL ? pci_name(dip->pci) : NULL;
}
