/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddi_intr_alloc(9F) and its relatives: an instance's interrupts, which its hardware raises
 * (port_intr_attach()), or its model (intr_raise()).
 */
#include <sys/kmem.h>

#include "intr.h"
#include "port.h"

#define MSI_MAX	 32
#define MSIX_MAX 2048

struct ddi_intr {
	struct line line; /* of a model's; the handler of any. First */
	struct ddi_intr *next;
	dev_info_t *dip;
	int type, number;
	uint_t pri;
	bool has_handler, enabled;
};

static struct ddi_intr *intrs; /* by intr_lock */

static bool of_model(dev_info_t *dip)
{
	return ddi_instance_of(dip)->nintrs > 0;
}

int intr_count(dev_info_t *dip, int type)
{
	if (!of_model(dip))
		return port_intr_count(dip, type);
	return type == DDI_INTR_TYPE_FIXED || type == DDI_INTR_TYPE_MSI ?
		       ddi_instance_of(dip)->nintrs :
		       0;
}

/* intr_lock is held. */
static struct ddi_intr *find(dev_info_t *dip, int number)
{
	struct ddi_intr *h;

	ASSERT(MUTEX_HELD(&intr_lock));
	for (h = intrs; h != NULL; h = h->next)
		if (h->dip == dip && (number < 0 || h->number == number))
			break;
	return h;
}

ddi_intr_handle_t intr_find(dev_info_t *dip, int number)
{
	struct ddi_intr *h;

	mutex_enter(&intr_lock);
	h = find(dip, number);
	mutex_exit(&intr_lock);
	return h;
}

/* How many the instance has allocated, of any type. */
static int allocated(dev_info_t *dip)
{
	int n = 0;

	mutex_enter(&intr_lock);
	for (const struct ddi_intr *h = intrs; h != NULL; h = h->next)
		n += h->dip == dip;
	mutex_exit(&intr_lock);
	return n;
}

int ddi_intr_get_supported_types(dev_info_t *dip, int *typesp)
{
	int types = 0;

	for (int type = DDI_INTR_TYPE_FIXED; type <= DDI_INTR_TYPE_MSIX; type *= 2)
		types |= intr_count(dip, type) > 0 ? type : 0;
	*typesp = types;
	return types != 0 ? DDI_SUCCESS : DDI_INTR_NOTFOUND;
}

int ddi_intr_get_nintrs(dev_info_t *dip, int type, int *nintrsp)
{
	*nintrsp = intr_count(dip, type);
	return *nintrsp > 0 ? DDI_SUCCESS : DDI_INTR_NOTFOUND;
}

int ddi_intr_get_navail(dev_info_t *dip, int type, int *navailp)
{
	const int n = intr_count(dip, type), used = allocated(dip);

	if (n == 0)
		return DDI_INTR_NOTFOUND;
	*navailp = used == 0 ? n : of_model(dip) && used < n ? n - used : 0;
	return DDI_SUCCESS;
}

static bool number_is_right(int type, int inum, int count)
{
	const int most = type == DDI_INTR_TYPE_MSIX ? MSIX_MAX : MSI_MAX;

	if (inum < 0 || count < 1 || count > most || inum > most - count)
		return false;
	return type != DDI_INTR_TYPE_MSI || (count & (count - 1)) == 0;
}

/* How many of those that are wanted there can be now; of PCI they are taken. */
static int take(dev_info_t *dip, int type, int inum, int count, int least)
{
	int n = 0;

	if (!of_model(dip))
		return inum == 0 && allocated(dip) == 0 ? port_intr_alloc(dip, type, least, count) :
							  0;
	while (n < count && inum + n < intr_count(dip, type) && intr_find(dip, inum + n) == NULL)
		n++;
	return n;
}

static struct ddi_intr *intr_new(dev_info_t *dip, int type, int number)
{
	struct ddi_intr *h = kmem_zalloc(sizeof(*h), KM_SLEEP);

	h->dip = dip;
	h->type = type;
	h->number = number;
	h->pri = INTR_PRI;
	mutex_enter(&intr_lock);
	h->next = intrs;
	intrs = h;
	mutex_exit(&intr_lock);
	return h;
}

int ddi_intr_alloc(dev_info_t *dip, ddi_intr_handle_t *h_array, int type, int inum, int count,
		   int *actualp, int behavior)
{
	const int there = intr_count(dip, type);
	const bool strict = behavior == DDI_INTR_ALLOC_STRICT;
	int n;

	*actualp = 0;
	if (there == 0)
		return DDI_INTR_NOTFOUND;
	if (!number_is_right(type, inum, count) || count > there)
		return DDI_EINVAL;
	n = take(dip, type, inum, count, strict ? count : 1);
	if (n < (strict ? count : 1)) {
		*actualp = n;
		return DDI_EAGAIN;
	}
	for (int i = 0; i < n; i++)
		h_array[i] = intr_new(dip, type, inum + i);
	*actualp = n;
	return DDI_SUCCESS;
}

int ddi_intr_free(ddi_intr_handle_t h)
{
	struct ddi_intr **at = &intrs;

	if (h == NULL || h->has_handler)
		return DDI_EINVAL;
	mutex_enter(&intr_lock);
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	mutex_exit(&intr_lock);
	if (!of_model(h->dip) && allocated(h->dip) == 0)
		port_intr_free(h->dip);
	kmem_free(h, sizeof(*h));
	return DDI_SUCCESS;
}

int ddi_intr_get_cap(ddi_intr_handle_t h, int *flagsp)
{
	if (h == NULL)
		return DDI_EINVAL;
	*flagsp = h->type == DDI_INTR_TYPE_FIXED ? DDI_INTR_FLAG_LEVEL : DDI_INTR_FLAG_EDGE;
	return DDI_SUCCESS;
}

int ddi_intr_set_cap(ddi_intr_handle_t h, int flags)
{
	(void)flags;
	return h == NULL ? DDI_EINVAL : DDI_ENOTSUP;
}

uint_t ddi_intr_get_hilevel_pri(void)
{
	return 11;
}

int ddi_intr_get_pri(ddi_intr_handle_t h, uint_t *prip)
{
	if (h == NULL)
		return DDI_EINVAL;
	*prip = h->pri;
	return DDI_SUCCESS;
}

int ddi_intr_set_pri(ddi_intr_handle_t h, uint_t pri)
{
	if (h == NULL || h->has_handler || pri < DDI_INTR_PRI_MIN || pri > DDI_INTR_PRI_MAX)
		return DDI_EINVAL;
	h->pri = pri;
	return DDI_SUCCESS;
}

int ddi_intr_add_handler(ddi_intr_handle_t h, ddi_intr_handler_t handler, void *arg1, void *arg2)
{
	if (h == NULL || handler == NULL || h->has_handler)
		return DDI_EINVAL;
	h->line.handler = (struct handler){ .fn = handler, .arg1 = arg1, .arg2 = arg2 };
	h->has_handler = true;
	return DDI_SUCCESS;
}

int ddi_intr_remove_handler(ddi_intr_handle_t h)
{
	if (h == NULL || !h->has_handler || h->enabled)
		return DDI_EINVAL;
	h->has_handler = false;
	return DDI_SUCCESS;
}

int ddi_intr_dup_handler(ddi_intr_handle_t org, int vector, ddi_intr_handle_t *dupp)
{
	(void)vector;
	(void)dupp;
	return org == NULL || org->type != DDI_INTR_TYPE_MSIX ? DDI_EINVAL : DDI_FAILURE;
}

/* Of the hardware. */
static bool serve(void *arg)
{
	const struct ddi_intr *h = arg;

	return handler_call(&h->line.handler) != DDI_INTR_UNCLAIMED;
}

/* What was raised before is served now. */
static bool model_enable(ddi_intr_handle_t h)
{
	struct ddi_instance *in = ddi_instance_of(h->dip);

	if (!line_start(&h->line, in->name))
		return false;
	mutex_enter(&intr_lock);
	h->enabled = true;
	if (in->raised & 1U << h->number) {
		in->raised &= ~(1U << h->number);
		line_raise(&h->line);
	}
	mutex_exit(&intr_lock);
	return true;
}

int ddi_intr_enable(ddi_intr_handle_t h)
{
	if (h == NULL || !h->has_handler || h->enabled)
		return DDI_EINVAL;
	if (of_model(h->dip))
		return model_enable(h) ? DDI_SUCCESS : DDI_FAILURE;
	/* Its handler may run before this returns, and look. */
	h->enabled = true;
	if (port_intr_attach(h->dip, h->number, serve, h) == 0)
		return DDI_SUCCESS;
	h->enabled = false;
	return DDI_FAILURE;
}

static void disable(ddi_intr_handle_t h)
{
	mutex_enter(&intr_lock);
	h->enabled = false;
	mutex_exit(&intr_lock);
	if (of_model(h->dip))
		line_stop(&h->line);
	else
		port_intr_detach(h->dip, h->number);
}

int ddi_intr_disable(ddi_intr_handle_t h)
{
	if (h == NULL || !h->enabled ||
	    (of_model(h->dip) && line_is_own(&h->line, CALL_SITE(), "ddi_intr_disable")))
		return DDI_EINVAL;
	disable(h);
	return DDI_SUCCESS;
}

int ddi_intr_block_enable(ddi_intr_handle_t *h_array, int count)
{
	int i, value = DDI_SUCCESS;

	for (i = 0; i < count && value == DDI_SUCCESS; i++)
		value = ddi_intr_enable(h_array[i]);
	if (value != DDI_SUCCESS)
		for (i--; i > 0; i--)
			(void)ddi_intr_disable(h_array[i - 1]);
	return value;
}

int ddi_intr_block_disable(ddi_intr_handle_t *h_array, int count)
{
	int value = DDI_SUCCESS;

	for (int i = 0; i < count && value == DDI_SUCCESS; i++)
		value = ddi_intr_disable(h_array[i]);
	return value;
}

int ddi_intr_set_mask(ddi_intr_handle_t h)
{
	return h == NULL ? DDI_EINVAL : DDI_ENOTSUP;
}

int ddi_intr_clr_mask(ddi_intr_handle_t h)
{
	return h == NULL ? DDI_EINVAL : DDI_ENOTSUP;
}

int ddi_intr_get_pending(ddi_intr_handle_t h, int *pendingp)
{
	(void)pendingp;
	return h == NULL ? DDI_EINVAL : DDI_ENOTSUP;
}

int ddi_intr_set_nreq(dev_info_t *dip, int nreq)
{
	(void)dip;
	(void)nreq;
	return DDI_ENOTSUP;
}

/* As ddi_add_intr(9F) does it. */
int intr_enable(ddi_intr_handle_t h, const struct handler *handler)
{
	h->line.handler = *handler;
	h->has_handler = true;
	return ddi_intr_enable(h);
}

/* Models, and the end. */

void intr_raise(dev_info_t *dip, int number)
{
	struct ddi_instance *in = ddi_instance_of(dip);
	struct ddi_intr *h;

	if (number < 0 || number >= in->nintrs)
		return;
	mutex_enter(&intr_lock);
	h = find(dip, number);
	if (h != NULL && h->enabled)
		line_raise(&h->line);
	else
		in->raised |= 1U << number;
	mutex_exit(&intr_lock);
}

void intrs_forget(dev_info_t *dip)
{
	ddi_intr_handle_t h;

	softints_forget(dip);
	while ((h = intr_find(dip, -1)) != NULL) {
		port_log(PORT_LOG_MISTAKE, "%s: ddi_intr_free: never called for interrupt %d",
			 ddi_instance_of(dip)->name, h->number);
		if (h->enabled)
			disable(h);
		h->has_handler = false;
		(void)ddi_intr_free(h);
	}
}
