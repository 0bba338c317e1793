/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A register set that a driver has mapped. */
#ifndef DEVMAP_DDI_ACC_H
#define DEVMAP_DDI_ACC_H

#include "ddi.h"

#define ACC_MAGIC     0x61636368u
#define ACC_DMA_MAGIC 0x61636364u /* memory of ddi_dma_mem_alloc(9F) */

struct ddi_acc_handle {
	uint32_t magic;
	bool swap;	    /* the device's byte order is not ours */
	bool told;	    /* of an access outside it: one message is enough */
	void *set;	    /* for the port */
	const char *base;   /* of the whole set */
	size_t start, end;  /* what was mapped, as offsets from base */
	const char *driver; /* "xfb0" */
	uint_t rnumber;
};

/* regs.c: does the device have another byte order than this machine? */
bool acc_attr_swaps(const ddi_device_acc_attr_t *attr);

/*
 * acc.c: a load and a store of 1, 2, 4 or 8 bytes at addr, which counts from base. Outside what was
 * mapped there is a message, and all ones.
 */
uint64_t acc_get(struct ddi_acc_handle *h, const void *addr, unsigned int width, const void *site,
		 const char *call);
void acc_put(struct ddi_acc_handle *h, const void *addr, unsigned int width, uint64_t value,
	     const void *site, const char *call);

#endif
