/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* ddi_add_intr(9F) and its relatives: the interrupts of older drivers, which are all fixed. */
#include "intr.h"
#include "port.h"

static ddi_iblock_cookie_t cookie_of(uint_t pri)
{
	return DDI_INTR_PRI(pri);
}

static bool is_there(dev_info_t *dip, uint_t inumber)
{
	const int n = intr_count(dip, DDI_INTR_TYPE_FIXED);

	return n > 0 && inumber < (uint_t)n;
}

int ddi_dev_nintrs(dev_info_t *dip, int *resultp)
{
	*resultp = intr_count(dip, DDI_INTR_TYPE_FIXED);
	return DDI_SUCCESS;
}

int ddi_get_iblock_cookie(dev_info_t *dip, uint_t inumber, ddi_iblock_cookie_t *iblock_cookiep)
{
	if (!is_there(dip, inumber))
		return DDI_INTR_NOTFOUND;
	*iblock_cookiep = cookie_of(INTR_PRI);
	return DDI_SUCCESS;
}

int ddi_intr_hilevel(dev_info_t *dip, uint_t inumber)
{
	(void)dip;
	(void)inumber;
	return 0;
}

static void tell(ddi_iblock_cookie_t *iblock_cookiep, ddi_idevice_cookie_t *idevice_cookiep,
		 uint_t number)
{
	if (iblock_cookiep != NULL)
		*iblock_cookiep = cookie_of(INTR_PRI);
	if (idevice_cookiep != NULL) {
		idevice_cookiep->idev_vector = (ushort_t)number;
		idevice_cookiep->idev_priority = INTR_PRI;
	}
}

int ddi_add_intr(dev_info_t *dip, uint_t inumber, ddi_iblock_cookie_t *iblock_cookiep,
		 ddi_idevice_cookie_t *idevice_cookiep, uint_t (*int_handler)(caddr_t arg),
		 caddr_t int_handler_arg)
{
	const struct handler handler = { .old = int_handler, .arg1 = int_handler_arg };
	ddi_intr_handle_t h;
	int n;

	if (!is_there(dip, inumber))
		return DDI_INTR_NOTFOUND;
	if (int_handler == NULL || ddi_intr_alloc(dip, &h, DDI_INTR_TYPE_FIXED, (int)inumber, 1, &n,
						  DDI_INTR_ALLOC_STRICT) != DDI_SUCCESS)
		return DDI_FAILURE;
	tell(iblock_cookiep, idevice_cookiep, inumber);
	if (intr_enable(h, &handler) == DDI_SUCCESS)
		return DDI_SUCCESS;
	(void)ddi_intr_remove_handler(h);
	(void)ddi_intr_free(h);
	return DDI_FAILURE;
}

void ddi_remove_intr(dev_info_t *dip, uint_t inumber, ddi_iblock_cookie_t iblock_cookie)
{
	ddi_intr_handle_t h = intr_find(dip, (int)inumber);

	(void)iblock_cookie;
	if (h == NULL) {
		driver_mistake(CALL_SITE(), "ddi_remove_intr", "%s has no interrupt %u",
			       ddi_instance_of(dip)->name, inumber);
		return;
	}
	if (ddi_intr_disable(h) == DDI_SUCCESS) {
		(void)ddi_intr_remove_handler(h);
		(void)ddi_intr_free(h);
	}
}
