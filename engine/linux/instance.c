// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Instances, from their making to detach(9E). */
#define pr_fmt(fmt) "devmap: " fmt

#include "linux.h"

/* Numbers count from 0, and one that has gone is used again. Called with drivers_lock held. */
static void instance_list(dev_info_t *dip)
{
	struct list_head *at = &dip->driver->instances;
	dev_info_t *other;

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

	if (entry_present((void *)ops->devo_probe))
		value = ops->devo_probe(dip);
	if (value == DDI_PROBE_FAILURE) {
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

/*
 * When a module is unloaded nothing can be open. A PCI function can be taken away at any time, and
 * Linux has no way to refuse: so it waits.
 */
static void instance_quiesce(dev_info_t *dip)
{
	mutex_lock(&drivers_lock);
	dip->going = true;
	mutex_unlock(&drivers_lock);
	while (wait_event_timeout(drivers_wait, READ_ONCE(dip->files) == 0, 10 * HZ) == 0)
		pr_warn("%s: is being removed, and waits for those who have it open or mapped\n",
		    dip->name);
	/* Whoever closed the last one has gone on when we get this. */
	mutex_lock(&drivers_lock);
	mutex_unlock(&drivers_lock);
}

void instance_detach(dev_info_t *dip)
{
	struct dev_ops *ops = dip->driver->ops;
	int value = DDI_FAILURE;

	instance_quiesce(dip);
	if (entry_present((void *)ops->devo_detach))
		value = ops->devo_detach(dip, DDI_DETACH);
	if (value != DDI_SUCCESS)
		pr_err("%s: detach(9E) refused with value %d, but Linux takes the device: what the "
		    "driver has not given back is lost, and what it has left running will fail\n",
		    dip->name, value);
	ddi_remove_minor_node(dip, NULL);
	devmap_instance_gone(dip);
	dip->attached = false;
}

void instance_free(dev_info_t *dip)
{
	/* Where attach(9E) has failed, or probe(9E) even: no node may outlive its instance. */
	ddi_remove_minor_node(dip, NULL);
	mutex_lock(&drivers_lock);
	list_del(&dip->link);
	mutex_unlock(&drivers_lock);
	if (dip->pci != NULL)
		pci_instance_fini(dip);
	model_detach(dip);
	regsets_free(dip);
	props_free(&dip->props);
	mutex_destroy(&dip->prop_lock);
	kfree(dip);
}

const char *port_pci_name(dev_info_t *dip)
{
	return dip->pci != NULL ? pci_name(dip->pci) : NULL;
}
