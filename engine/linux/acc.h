/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A register set that a driver has mapped: what ddi_regs.c, ddi_acc.c and pci_config.c share. */
#ifndef DEVMAP_ENGINE_LINUX_ACC_H
#define DEVMAP_ENGINE_LINUX_ACC_H

#include "linux.h"

#define ACC_MAGIC	0x61636368u
#define ACC_DMA_MAGIC	0x61636364u	/* memory of ddi_dma_mem_alloc(9F) */
#define ACC_CONFIG_BASE	0x1000		/* "addresses" in configuration space begin here */

enum acc_kind { ACC_PAGES, ACC_MMIO, ACC_PORTS, ACC_CONFIG };

struct ddi_acc_handle {
	uint32_t magic;
	enum acc_kind kind;
	bool swap;			/* the device's byte order is not ours */
	bool told;			/* of an access outside it: one message is enough */
	struct devmap_model *model;	/* ACC_PAGES: or NULL */
	struct pci_dev *pci;		/* ACC_CONFIG */
	const char *base;		/* of the whole set */
	size_t start, end;		/* what was mapped, as offsets from base */
	const char *driver;		/* "xfb0" */
	uint_t rnumber;
};

#endif
