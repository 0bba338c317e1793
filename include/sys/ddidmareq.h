/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/ddidmareq.h: memory that a device reaches by itself. ddi_dma_attr(9S), ddi_dma_cookie(9S);
 * and the cache attributes that ride in the flags of the devmap set-up functions.
 */
#ifndef DEVMAP_SYS_DDIDMAREQ_H
#define DEVMAP_SYS_DDIDMAREQ_H

#include <sys/types.h>
#include <sys/dditypes.h>

/* devmap_umem_setup(9F), devmap_devmem_setup(9F): 0 means cached; more than one is an error. */
#define IOMEM_DATA_CACHED	 0x10000
#define IOMEM_DATA_UC_WR_COMBINE 0x20000
#define IOMEM_DATA_UNCACHED	 0x40000
#define IOMEM_DATA_MASK		 0xF0000

typedef struct ddi_dma_handle *ddi_dma_handle_t;

/* What the device can reach, and how. */
typedef struct ddi_dma_attr {
	uint_t dma_attr_version;	     /* DMA_ATTR_V0 */
	unsigned long long dma_attr_addr_lo; /* first and last address; lo is to be 0 here */
	unsigned long long dma_attr_addr_hi;
	unsigned long long dma_attr_count_max; /* of a cookie, in bytes, less 1 */
	unsigned long long dma_attr_align;     /* of memory allocated; a page at most */
	uint_t dma_attr_burstsizes;
	uint32_t dma_attr_minxfer;
	unsigned long long dma_attr_maxxfer;
	unsigned long long dma_attr_seg; /* less 1: no cookie crosses a multiple of it */
	int dma_attr_sgllen;		 /* cookies that the device takes; 1 here */
	uint32_t dma_attr_granular;
	uint_t dma_attr_flags; /* 0 */
} ddi_dma_attr_t;

#define DMA_ATTR_V0 0

/* A stretch of addresses as the device sees them. */
typedef struct ddi_dma_cookie {
	union {
		uint64_t _dmac_ll;
		uint32_t _dmac_la[2]; /* little-endian */
	} _dmu;
	size_t dmac_size;
	uint_t dmac_type;
} ddi_dma_cookie_t;

#define dmac_laddress _dmu._dmac_ll
#define dmac_address  _dmu._dmac_la[0] /* of a device that has 32 bits */

/* callback of the functions that allocate */
#define DDI_DMA_DONTWAIT ((int (*)(caddr_t))0)
#define DDI_DMA_SLEEP	 ((int (*)(caddr_t))1)

/* flags of ddi_dma_mem_alloc(9F), ddi_dma_addr_bind_handle(9F) */
#define DDI_DMA_WRITE	   0x0001 /* memory to device */
#define DDI_DMA_READ	   0x0002 /* device to memory */
#define DDI_DMA_RDWR	   (DDI_DMA_READ | DDI_DMA_WRITE)
#define DDI_DMA_CONSISTENT 0x0010
#define DDI_DMA_STREAMING  0x0040

/* type of ddi_dma_sync(9F) */
#define DDI_DMA_SYNC_FORDEV    0x0
#define DDI_DMA_SYNC_FORCPU    0x1
#define DDI_DMA_SYNC_FORKERNEL 0x2

/* what ddi_dma_alloc_handle(9F), ddi_dma_addr_bind_handle(9F) return */
#define DDI_DMA_MAPPED	    0
#define DDI_DMA_NORESOURCES (-1)
#define DDI_DMA_NOMAPPING   (-2)
#define DDI_DMA_BADATTR	    (-8)
#define DDI_DMA_INUSE	    (-9)

#endif /* DEVMAP_SYS_DDIDMAREQ_H */
