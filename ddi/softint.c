/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Soft interrupts: ddi_intr_add_softint(9F), and ddi_add_softintr(9F) of older drivers. */
#include <sys/kmem.h>

#include "intr.h"
#include "port.h"

struct ddi_softint {
	struct line line; /* first */
	struct ddi_softint *next;
	dev_info_t *dip;
	uint_t pri;
};

static struct ddi_softint *softints; /* by intr_lock */

/* NULL: no thread. */
static ddi_softint_handle_t add(dev_info_t *dip, uint_t pri, const struct handler *handler)
{
	struct ddi_softint *h = kmem_zalloc(sizeof(*h), KM_SLEEP);

	h->dip = dip;
	h->pri = pri;
	h->line.handler = *handler;
	if (!line_start(&h->line, ddi_instance_of(dip)->name)) {
		kmem_free(h, sizeof(*h));
		return NULL;
	}
	mutex_enter(&intr_lock);
	h->next = softints;
	softints = h;
	mutex_exit(&intr_lock);
	return h;
}

static void take(ddi_softint_handle_t h)
{
	struct ddi_softint **at = &softints;

	mutex_enter(&intr_lock);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	mutex_exit(&intr_lock);
	line_stop(&h->line);
	kmem_free(h, sizeof(*h));
}

/* False: it was to be called already. */
static bool trigger(ddi_softint_handle_t h, caddr_t arg2)
{
	bool first;

	mutex_enter(&intr_lock);
	first = !h->line.raised;
	if (first) {
		h->line.handler.arg2 = arg2;
		line_raise(&h->line);
	}
	mutex_exit(&intr_lock);
	return first;
}

static bool pri_is_right(uint_t pri)
{
	return pri >= DDI_INTR_SOFTPRI_MIN && pri <= DDI_INTR_SOFTPRI_MAX;
}

int ddi_intr_add_softint(dev_info_t *dip, ddi_softint_handle_t *hp, int soft_pri,
			 ddi_intr_handler_t handler, void *arg1)
{
	const struct handler how = { .fn = handler, .arg1 = arg1 };

	if (handler == NULL || !pri_is_right((uint_t)soft_pri))
		return DDI_EINVAL;
	*hp = add(dip, (uint_t)soft_pri, &how);
	return *hp != NULL ? DDI_SUCCESS : DDI_FAILURE;
}

int ddi_intr_remove_softint(ddi_softint_handle_t h)
{
	if (h == NULL || line_is_own(&h->line, CALL_SITE(), "ddi_intr_remove_softint"))
		return DDI_EINVAL;
	take(h);
	return DDI_SUCCESS;
}

int ddi_intr_trigger_softint(ddi_softint_handle_t h, void *arg2)
{
	if (h == NULL)
		return DDI_EINVAL;
	return trigger(h, arg2) ? DDI_SUCCESS : DDI_EPENDING;
}

int ddi_intr_get_softint_pri(ddi_softint_handle_t h, uint_t *prip)
{
	if (h == NULL)
		return DDI_EINVAL;
	*prip = h->pri;
	return DDI_SUCCESS;
}

int ddi_intr_set_softint_pri(ddi_softint_handle_t h, uint_t pri)
{
	if (h == NULL || !pri_is_right(pri))
		return DDI_EINVAL;
	h->pri = pri;
	return DDI_SUCCESS;
}

/* Of older drivers */

int ddi_get_soft_iblock_cookie(dev_info_t *dip, int preference, ddi_iblock_cookie_t *iblock_cookiep)
{
	(void)dip;
	(void)preference;
	*iblock_cookiep = DDI_INTR_PRI(DDI_INTR_SOFTPRI_DEFAULT);
	return DDI_SUCCESS;
}

int ddi_add_softintr(dev_info_t *dip, int preference, ddi_softintr_t *idp,
		     ddi_iblock_cookie_t *iblock_cookiep, ddi_idevice_cookie_t *idevice_cookiep,
		     uint_t (*int_handler)(caddr_t arg), caddr_t int_handler_arg)
{
	const struct handler how = { .old = int_handler, .arg1 = int_handler_arg };

	if (int_handler == NULL)
		return DDI_FAILURE;
	*idp = add(dip, DDI_INTR_SOFTPRI_DEFAULT, &how);
	if (*idp == NULL)
		return DDI_FAILURE;
	if (iblock_cookiep != NULL)
		(void)ddi_get_soft_iblock_cookie(dip, preference, iblock_cookiep);
	if (idevice_cookiep != NULL)
		idevice_cookiep->idev_softint = (uint_t)preference;
	return DDI_SUCCESS;
}

void ddi_remove_softintr(ddi_softintr_t id)
{
	ddi_softint_handle_t h = id;

	if (h != NULL && !line_is_own(&h->line, CALL_SITE(), "ddi_remove_softintr"))
		take(h);
}

void ddi_trigger_softintr(ddi_softintr_t id)
{
	if (id != NULL)
		(void)trigger(id, NULL);
}

/* The instance goes. */
void softints_forget(dev_info_t *dip)
{
	struct ddi_softint *h;

	for (;;) {
		mutex_enter(&intr_lock);
		for (h = softints; h != NULL && h->dip != dip; h = h->next)
			;
		mutex_exit(&intr_lock);
		if (h == NULL)
			return;
		port_log(PORT_LOG_MISTAKE, "%s: ddi_intr_remove_softint: never called for one",
			 ddi_instance_of(dip)->name);
		take(h);
	}
}
