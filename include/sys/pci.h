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
#define PCI_CONF_VENID	       0x00
#define PCI_CONF_DEVID	       0x02
#define PCI_CONF_COMM	       0x04
#define PCI_CONF_STAT	       0x06
#define PCI_CONF_REVID	       0x08
#define PCI_CONF_PROGCLASS     0x09
#define PCI_CONF_SUBCLASS      0x0a
#define PCI_CONF_BASCLASS      0x0b
#define PCI_CONF_CACHE_LINESZ  0x0c
#define PCI_CONF_LATENCY_TIMER 0x0d
#define PCI_CONF_HEADER	       0x0e
#define PCI_CONF_BIST	       0x0f
#define PCI_CONF_BASE0	       0x10
#define PCI_CONF_BASE1	       0x14
#define PCI_CONF_BASE2	       0x18
#define PCI_CONF_BASE3	       0x1c
#define PCI_CONF_BASE4	       0x20
#define PCI_CONF_BASE5	       0x24
#define PCI_CONF_CIS	       0x28
#define PCI_CONF_SUBVENID      0x2c
#define PCI_CONF_SUBSYSID      0x2e
#define PCI_CONF_ROM	       0x30
#define PCI_CONF_CAP_PTR       0x34
#define PCI_CONF_ILINE	       0x3c
#define PCI_CONF_IPIN	       0x3d
#define PCI_CONF_MIN_G	       0x3e
#define PCI_CONF_MAX_L	       0x3f

/* PCI_CONF_COMM */
#define PCI_COMM_IO		0x1
#define PCI_COMM_MAE		0x2
#define PCI_COMM_ME		0x4 /* bus master */
#define PCI_COMM_SPEC_CYC	0x8
#define PCI_COMM_MEMWR_INVAL	0x10
#define PCI_COMM_PALETTE_SNOOP	0x20
#define PCI_COMM_PARITY_DETECT	0x40
#define PCI_COMM_WAIT_CYC_ENAB	0x80
#define PCI_COMM_SERR_ENABLE	0x100
#define PCI_COMM_BACK2BACK_ENAB 0x200
#define PCI_COMM_INTX_DISABLE	0x400

/* PCI_CONF_STAT */
#define PCI_STAT_INTR	   0x8
#define PCI_STAT_CAP	   0x10
#define PCI_STAT_66MHZ	   0x20
#define PCI_STAT_UDF	   0x40
#define PCI_STAT_FBBC	   0x80
#define PCI_STAT_S_PERROR  0x100
#define PCI_STAT_DEVSELT   0x600
#define PCI_STAT_S_TARG_AB 0x800
#define PCI_STAT_R_TARG_AB 0x1000
#define PCI_STAT_R_MAST_AB 0x2000
#define PCI_STAT_S_SYSERR  0x4000
#define PCI_STAT_PERROR	   0x8000

/* PCI_CONF_BASE0 ... */
#define PCI_BASE_SPACE_M    0x1
#define PCI_BASE_SPACE_IO   0x1
#define PCI_BASE_SPACE_MEM  0x0
#define PCI_BASE_TYPE_M	    0x6
#define PCI_BASE_TYPE_MEM   0x0
#define PCI_BASE_TYPE_LOW   0x2
#define PCI_BASE_TYPE_ALL   0x4
#define PCI_BASE_TYPE_RES   0x6
#define PCI_BASE_PREF_M	    0x8
#define PCI_BASE_M_ADDR_M   0xfffffff0
#define PCI_BASE_IO_ADDR_M  0xfffffffe
#define PCI_BASE_ROM_ADDR_M 0xfffff800
#define PCI_BASE_ROM_ENABLE 0x1

/* PCI_CONF_HEADER */
#define PCI_HEADER_MULTI   0x80
#define PCI_HEADER_ZERO	   0x00
#define PCI_HEADER_ONE	   0x01
#define PCI_HEADER_PPB	   PCI_HEADER_ONE
#define PCI_HEADER_TWO	   0x02
#define PCI_HEADER_CARDBUS PCI_HEADER_TWO
#define PCI_HEADER_TYPE_M  0x7f

/* PCI_CONF_BASCLASS */
#define PCI_CLASS_NONE	  0x0
#define PCI_CLASS_MASS	  0x1
#define PCI_CLASS_NET	  0x2
#define PCI_CLASS_DISPLAY 0x3
#define PCI_CLASS_MM	  0x4
#define PCI_CLASS_MEM	  0x5
#define PCI_CLASS_BRIDGE  0x6
#define PCI_CLASS_COMM	  0x7
#define PCI_CLASS_PERIPH  0x8
#define PCI_CLASS_INPUT	  0x9
#define PCI_CLASS_DOCK	  0xa

#define PCI_DISPLAY_VGA	  0x00
#define PCI_DISPLAY_XGA	  0x01
#define PCI_DISPLAY_3D	  0x02
#define PCI_DISPLAY_OTHER 0x80

/* Capabilities: a list that begins at PCI_CONF_CAP_PTR. */
#define PCI_CAP_ID	   0x0
#define PCI_CAP_NEXT_PTR   0x1
#define PCI_CAP_PTR_OFF	   0x40
#define PCI_CAP_PTR_MASK   0xfc
#define PCI_CAP_MAX_PTR	   0x30
#define PCI_CAP_ID_PM	   0x01
#define PCI_CAP_ID_AGP	   0x02
#define PCI_CAP_ID_VPD	   0x03
#define PCI_CAP_ID_SLOT_ID 0x04
#define PCI_CAP_ID_MSI	   0x05
#define PCI_CAP_ID_PCIX	   0x07
#define PCI_CAP_ID_HT	   0x08
#define PCI_CAP_ID_VS	   0x09
#define PCI_CAP_ID_PCI_E   0x10
#define PCI_CAP_ID_MSI_X   0x11

/* Power management. */
#define PCI_PMCAP	     0x2
#define PCI_PMCSR	     0x4
#define PCI_PMCSR_D0	     0x0
#define PCI_PMCSR_D1	     0x1
#define PCI_PMCSR_D2	     0x2
#define PCI_PMCSR_D3HOT	     0x3
#define PCI_PMCSR_STATE_MASK 0x3
#define PCI_PMCSR_PME_EN     0x100
#define PCI_PMCSR_PME_STAT   0x8000

/* Messages instead of interrupts. */
#undef PCI_MSIX_PBA_OFFSET /* Linux has a mask of this name */
#define PCI_MSI_CTRL	       0x02
#define PCI_MSI_ADDR_OFFSET    0x04
#define PCI_MSI_32BIT_DATA     0x08
#define PCI_MSI_64BIT_DATA     0x0c
#define PCI_MSI_ENABLE_BIT     0x1
#define PCI_MSI_MMC_MASK       0xe
#define PCI_MSI_MMC_SHIFT      1
#define PCI_MSI_MME_MASK       0x70
#define PCI_MSI_MME_SHIFT      4
#define PCI_MSI_64BIT_MASK     0x80
#define PCI_MSI_PVM_MASK       0x100
#define PCI_MSIX_CTRL	       0x02
#define PCI_MSIX_TBL_OFFSET    0x04
#define PCI_MSIX_PBA_OFFSET    0x08
#define PCI_MSIX_TBL_BIR_MASK  0x7
#define PCI_MSIX_PBA_BIR_MASK  0x7
#define PCI_MSIX_TBL_SIZE_MASK 0x7ff
#define PCI_MSIX_FUNCTION_MASK 0x4000
#define PCI_MSIX_ENABLE_BIT    0x8000
#define PCI_MSIX_VECTOR_SIZE   16

/* What the property "reg" has one of for each register set. */
typedef struct pci_phys_spec {
	uint_t pci_phys_hi;
	uint_t pci_phys_mid;
	uint_t pci_phys_low;
	uint_t pci_size_hi;
	uint_t pci_size_low;
} pci_regspec_t;

/* pci_phys_hi */
#define PCI_REG_REG_M	   0xff
#define PCI_REG_FUNC_M	   0x700
#define PCI_REG_DEV_M	   0xf800
#define PCI_REG_BUS_M	   0xff0000
#define PCI_REG_ADDR_M	   0x3000000
#define PCI_REG_ALIAS_M	   0x20000000
#define PCI_REG_PF_M	   0x40000000
#define PCI_REG_REL_M	   0x80000000
#define PCI_REG_BDFR_M	   0xffffff
#define PCI_REG_FUNC_SHIFT 8
#define PCI_REG_DEV_SHIFT  11
#define PCI_REG_BUS_SHIFT  16
#define PCI_REG_ADDR_SHIFT 24
#define PCI_REG_REG_G(x)   ((x)&PCI_REG_REG_M)
#define PCI_REG_FUNC_G(x)  (((x)&PCI_REG_FUNC_M) >> PCI_REG_FUNC_SHIFT)
#define PCI_REG_DEV_G(x)   (((x)&PCI_REG_DEV_M) >> PCI_REG_DEV_SHIFT)
#define PCI_REG_BUS_G(x)   (((x)&PCI_REG_BUS_M) >> PCI_REG_BUS_SHIFT)
#define PCI_REG_ADDR_G(x)  (((x)&PCI_REG_ADDR_M) >> PCI_REG_ADDR_SHIFT)
#define PCI_REG_BDFR_G(x)  ((x)&PCI_REG_BDFR_M)

#define PCI_ADDR_MASK	   0x3000000
#define PCI_ADDR_CONFIG	   0x0000000
#define PCI_ADDR_IO	   0x1000000
#define PCI_ADDR_MEM32	   0x2000000
#define PCI_ADDR_MEM64	   0x3000000
#define PCI_ALIAS_B	   PCI_REG_ALIAS_M
#define PCI_PREFETCH_B	   PCI_REG_PF_M
#define PCI_RELOCAT_B	   PCI_REG_REL_M

#endif /* DEVMAP_SYS_PCI_H */
