/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The configuration space of a PCI function, its register set 0: pci_config_setup(9F),
 * pci_config_get8(9F) and its relatives.
 */
#include <sys/pci.h>

#include "acc.h"
#include "port.h"

int pci_config_setup(dev_info_t *dip, ddi_acc_handle_t *handle)
{
	caddr_t base;

	*handle = NULL;
	if (port_pci_name(dip) == NULL)
		return DDI_FAILURE;
	return ddi_regs_map_setup(dip, 0, &base, 0, 0, NULL, handle);
}

void pci_config_teardown(ddi_acc_handle_t *handle)
{
	ddi_regs_map_free(handle);
}

static const char *at(ddi_acc_handle_t handle, off_t offset)
{
	return handle != NULL ? handle->base + offset : NULL;
}

#define CONFIG_ACCESSORS(bits)                                                                 \
	uint##bits##_t pci_config_get##bits(ddi_acc_handle_t handle, off_t offset)             \
	{                                                                                      \
		return (uint##bits##_t)acc_get(handle, at(handle, offset), (bits) / 8,         \
					       CALL_SITE(), "pci_config_get" #bits);           \
	}                                                                                      \
                                                                                               \
	void pci_config_put##bits(ddi_acc_handle_t handle, off_t offset, uint##bits##_t value) \
	{                                                                                      \
		acc_put(handle, at(handle, offset), (bits) / 8, value, CALL_SITE(),            \
			"pci_config_put" #bits);                                               \
	}

CONFIG_ACCESSORS(8)
CONFIG_ACCESSORS(16)
CONFIG_ACCESSORS(32)
CONFIG_ACCESSORS(64)
