/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/pci.h: the configuration space of a PCI function. pci_config_setup(9F), pci_config_get8(9F),
 * pci_config_put8(9F). It is register set 0 of a PCI instance too; its base address registers are
 * sets 1 and up, in their order, without those that are not there.
 */
#ifndef DEVMAP_SYS_PCI_H
#define DEVMAP_SYS_PCI_H

#include <sys/types.h>
#include <sys/dditypes.h>

/* DDI_FAILURE where the instance is not a PCI function. */
int pci_config_setup(dev_info_t *dip, ddi_acc_handle_t *handle);
void pci_config_teardown(ddi_acc_handle_t *handle);

/* offset in bytes, aligned to the width. What is not there reads as all ones. */
uint8_t pci_config_get8(ddi_acc_handle_t handle, off_t offset);
uint16_t pci_config_get16(ddi_acc_handle_t handle, off_t offset);
uint32_t pci_config_get32(ddi_acc_handle_t handle, off_t offset);
uint64_t pci_config_get64(ddi_acc_handle_t handle, off_t offset);
void pci_config_put8(ddi_acc_handle_t handle, off_t offset, uint8_t value);
void pci_config_put16(ddi_acc_handle_t handle, off_t offset, uint16_t value);
void pci_config_put32(ddi_acc_handle_t handle, off_t offset, uint32_t value);
void pci_config_put64(ddi_acc_handle_t handle, off_t offset, uint64_t value);

/* Offsets. */
#define PCI_CONF_VENID	   0x00
#define PCI_CONF_DEVID	   0x02
#define PCI_CONF_COMM	   0x04
#define PCI_CONF_STAT	   0x06
#define PCI_CONF_REVID	   0x08
#define PCI_CONF_PROGCLASS 0x09
#define PCI_CONF_SUBCLASS  0x0a
#define PCI_CONF_BASCLASS  0x0b
#define PCI_CONF_BASE0	   0x10
#define PCI_CONF_BASE1	   0x14
#define PCI_CONF_BASE2	   0x18
#define PCI_CONF_BASE3	   0x1c
#define PCI_CONF_BASE4	   0x20
#define PCI_CONF_BASE5	   0x24
#define PCI_CONF_SUBVENID  0x2c
#define PCI_CONF_SUBSYSID  0x2e

/* PCI_CONF_COMM */
#define PCI_COMM_IO  0x1
#define PCI_COMM_MAE 0x2
#define PCI_COMM_ME  0x4 /* bus master */

#endif /* DEVMAP_SYS_PCI_H */
