// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The configuration space of a PCI function: pci_config_setup(9F), pci_config_get8(9F) ... */
#include "linux.h"

#include <sys/pci.h>

#include "acc.h"

int pci_config_setup(dev_info_t *dip, ddi_acc_handle_t *handle)
{
	caddr_t base;

	*handle = NULL;
	if (dip->pci == NULL)
		return DDI_FAILURE;
	return ddi_regs_map_setup(dip, 0, &base, 0, 0, NULL, handle);
}
EXPORT_SYMBOL(pci_config_setup);

void pci_config_teardown(ddi_acc_handle_t *handle)
{
	ddi_regs_map_free(handle);
}
EXPORT_SYMBOL(pci_config_teardown);

#define CONFIG_ACCESSORS(bits)							\
	uint##bits##_t pci_config_get##bits(ddi_acc_handle_t handle, off_t offset)	\
	{									\
		return ddi_get##bits(handle,					\
		    (uint##bits##_t *)(uintptr_t)(ACC_CONFIG_BASE + offset));	\
	}									\
	EXPORT_SYMBOL(pci_config_get##bits);					\
										\
	void pci_config_put##bits(ddi_acc_handle_t handle, off_t offset,	\
	    uint##bits##_t value)						\
	{									\
		ddi_put##bits(handle,						\
		    (uint##bits##_t *)(uintptr_t)(ACC_CONFIG_BASE + offset), value);	\
	}									\
	EXPORT_SYMBOL(pci_config_put##bits)

CONFIG_ACCESSORS(8);
CONFIG_ACCESSORS(16);
CONFIG_ACCESSORS(32);
CONFIG_ACCESSORS(64);
