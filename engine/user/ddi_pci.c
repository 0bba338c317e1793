/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* pci_config_setup(9F) and what follows from it: no instance here is a PCI function. */
#include <sys/pci.h>
#include <sys/sunddi.h>

int pci_config_setup(dev_info_t *dip, ddi_acc_handle_t *handle)
{
	(void)dip;
	*handle = NULL;
	return DDI_FAILURE;
}

void pci_config_teardown(ddi_acc_handle_t *handle)
{
	*handle = NULL;
}

#define CONFIG_ACCESSORS(bits)								\
	uint##bits##_t pci_config_get##bits(ddi_acc_handle_t handle, off_t offset)	\
	{										\
		(void)handle;								\
		(void)offset;								\
		return (uint##bits##_t)UINT64_MAX;					\
	}										\
											\
	void pci_config_put##bits(ddi_acc_handle_t handle, off_t offset,		\
	    uint##bits##_t value)							\
	{										\
		(void)handle;								\
		(void)offset;								\
		(void)value;								\
	}

CONFIG_ACCESSORS(8)
CONFIG_ACCESSORS(16)
CONFIG_ACCESSORS(32)
CONFIG_ACCESSORS(64)
