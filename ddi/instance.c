/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The instance itself: ddi_get_instance(9F), ddi_get_driver_private(9F), ddi_report_dev(9F) ... */
#include "ddi.h"
#include "port.h"

int ddi_get_instance(dev_info_t *dip)
{
	return ddi_instance_of(dip)->instance;
}

static struct ddi_driver *driver_of(dev_info_t *dip)
{
	return ddi_driver_of(ddi_instance_of(dip)->driver);
}

const char *ddi_driver_name(dev_info_t *dip)
{
	return driver_of(dip)->name;
}

char *ddi_get_name(dev_info_t *dip)
{
	return driver_of(dip)->name;
}

dev_info_t *ddi_get_parent(dev_info_t *dip)
{
	dev_info_t *root = ddi_root_node();

	return dip == root ? NULL : root;
}

void *ddi_get_driver_private(dev_info_t *dip)
{
	return ddi_instance_of(dip)->driver_private;
}

void ddi_set_driver_private(dev_info_t *dip, void *data)
{
	ddi_instance_of(dip)->driver_private = data;
}

void ddi_report_dev(dev_info_t *dip)
{
	const struct ddi_driver *d = driver_of(dip);
	const char *what = d->description != NULL ? d->description : d->name;
	const char *pci = port_pci_name(dip);

	port_log(PORT_LOG_CONT, "%s: %s%s%s", ddi_instance_of(dip)->name, what,
		 pci != NULL ? " at PCI " : "", pci != NULL ? pci : "");
}
