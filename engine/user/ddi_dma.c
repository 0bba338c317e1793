/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* ddi_dma_alloc_handle(9F) and what follows from it: there is no bus, so there are no handles. */
#include <sys/sunddi.h>

int ddi_dma_alloc_handle(dev_info_t *dip, ddi_dma_attr_t *attr, int (*waitfp)(caddr_t), caddr_t arg,
			 ddi_dma_handle_t *handlep)
{
	(void)dip;
	(void)attr;
	(void)waitfp;
	(void)arg;
	*handlep = NULL;
	return DDI_DMA_BADATTR;
}

void ddi_dma_free_handle(ddi_dma_handle_t *handlep)
{
	*handlep = NULL;
}

int ddi_dma_mem_alloc(ddi_dma_handle_t handle, size_t length, ddi_device_acc_attr_t *accattrp,
		      uint_t flags, int (*waitfp)(caddr_t), caddr_t arg, caddr_t *kaddrp,
		      size_t *real_length, ddi_acc_handle_t *acc_handlep)
{
	(void)handle;
	(void)length;
	(void)accattrp;
	(void)flags;
	(void)waitfp;
	(void)arg;
	(void)kaddrp;
	(void)real_length;
	*acc_handlep = NULL;
	return DDI_FAILURE;
}

void ddi_dma_mem_free(ddi_acc_handle_t *acc_handlep)
{
	*acc_handlep = NULL;
}

int ddi_dma_addr_bind_handle(ddi_dma_handle_t handle, struct as *as, caddr_t addr, size_t len,
			     uint_t flags, int (*waitfp)(caddr_t), caddr_t arg,
			     ddi_dma_cookie_t *cookiep, uint_t *ccountp)
{
	(void)handle;
	(void)as;
	(void)addr;
	(void)len;
	(void)flags;
	(void)waitfp;
	(void)arg;
	(void)cookiep;
	*ccountp = 0;
	return DDI_DMA_NOMAPPING;
}

int ddi_dma_unbind_handle(ddi_dma_handle_t handle)
{
	(void)handle;
	return DDI_FAILURE;
}

int ddi_dma_sync(ddi_dma_handle_t handle, off_t offset, size_t length, uint_t type)
{
	(void)handle;
	(void)offset;
	(void)length;
	(void)type;
	return DDI_FAILURE;
}
