/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Soft interrupts, and the interrupts that this driver's device has not. */
#define DEVMAP_MODULE_PART
#include "check.h"

static struct {
	kmutex_t lock; /* guards what follows */
	kcondvar_t changed;
	boolean_t closed; /* the handler stays inside */
	int inside, n;
	caddr_t arg1, arg2;
	ddi_softint_handle_t handle;
	ddi_softintr_t id;
} soft;

static char one[1], two[1], three[1]; /* arguments, which are only compared */

static uint_t handler(caddr_t arg1, caddr_t arg2)
{
	mutex_enter(&soft.lock);
	soft.inside++;
	cv_broadcast(&soft.changed);
	while (soft.closed)
		cv_wait(&soft.changed, &soft.lock);
	soft.inside--;
	soft.n++;
	soft.arg1 = arg1;
	soft.arg2 = arg2;
	cv_broadcast(&soft.changed);
	mutex_exit(&soft.lock);
	return DDI_INTR_CLAIMED;
}

static uint_t old_handler(caddr_t arg)
{
	return handler(arg, NULL);
}

static void await_inside(void)
{
	mutex_enter(&soft.lock);
	while (soft.inside == 0)
		cv_wait(&soft.changed, &soft.lock);
	mutex_exit(&soft.lock);
}

static void set_closed(boolean_t closed)
{
	mutex_enter(&soft.lock);
	soft.closed = closed;
	cv_broadcast(&soft.changed);
	mutex_exit(&soft.lock);
}

static void await_calls(int n)
{
	mutex_enter(&soft.lock);
	while (soft.n < n)
		cv_wait(&soft.changed, &soft.lock);
	mutex_exit(&soft.lock);
}

void check_softints(struct check *c)
{
	ddi_softint_handle_t h;
	uint_t pri;
	int value;

	soft.n = 0;
	CHECK_EQ(c, ddi_intr_add_softint(c->dip, &h, 77, handler, NULL), DDI_EINVAL);
	CHECK_EQ(c, ddi_intr_add_softint(c->dip, &h, 3, handler, one), DDI_SUCCESS);
	CHECK_EQ(c, ddi_intr_get_softint_pri(h, &pri), DDI_SUCCESS);
	CHECK_EQ(c, pri, 3);
	CHECK_EQ(c, ddi_intr_set_softint_pri(h, 10), DDI_EINVAL);
	CHECK_EQ(c, ddi_intr_set_softint_pri(h, 9), DDI_SUCCESS);
	set_closed(B_TRUE);
	CHECK_EQ(c, ddi_intr_trigger_softint(h, two), DDI_SUCCESS);
	await_inside();
	CHECK_EQ(c, ddi_intr_trigger_softint(h, three), DDI_SUCCESS);
	value = ddi_intr_trigger_softint(h, two);
	set_closed(B_FALSE);
	await_calls(2);
	CHECK_EQ(c, value, DDI_EPENDING);
	CHECK(c, soft.arg1 == one && soft.arg2 == three);
	CHECK_EQ(c, ddi_intr_remove_softint(h), DDI_SUCCESS);
	CHECK_EQ(c, soft.n, 2);
	CHECK_EQ(c, ddi_intr_remove_softint(NULL), DDI_EINVAL);
}

void check_softints_old(struct check *c)
{
	ddi_iblock_cookie_t cookie = NULL;
	ddi_softintr_t id;

	soft.n = 0;
	CHECK_EQ(c, ddi_get_soft_iblock_cookie(c->dip, DDI_SOFTINT_LOW, &cookie), DDI_SUCCESS);
	CHECK(c, cookie != NULL);
	CHECK_EQ(c, ddi_add_softintr(c->dip, DDI_SOFTINT_MED, &id, &cookie, NULL, old_handler, one),
		 DDI_SUCCESS);
	ddi_trigger_softintr(id);
	await_calls(1);
	CHECK(c, soft.arg1 == one);
	set_closed(B_TRUE);
	ddi_trigger_softintr(id);
	await_inside();
	ddi_trigger_softintr(id);
	ddi_trigger_softintr(id);
	set_closed(B_FALSE);
	await_calls(3);
	ddi_remove_softintr(id);
	CHECK_EQ(c, soft.n, 3);
}

static uint_t removes_itself(caddr_t arg1, caddr_t arg2)
{
	return ddi_intr_remove_softint(soft.handle) == DDI_EINVAL ? handler(arg1, arg2) :
								    DDI_INTR_UNCLAIMED;
}

void check_softint_mistakes(struct check *c)
{
	soft.n = 0;
	CHECK_EQ(c, ddi_intr_add_softint(c->dip, &soft.handle, 1, removes_itself, NULL),
		 DDI_SUCCESS);
	CHECK_EQ(c, ddi_intr_trigger_softint(soft.handle, NULL), DDI_SUCCESS);
	await_calls(1);
	CHECK_EQ(c, ddi_intr_remove_softint(soft.handle), DDI_SUCCESS);
}

void check_intrs_none(struct check *c)
{
	ddi_iblock_cookie_t cookie;
	ddi_intr_handle_t h;
	int n = 7;

	CHECK_EQ(c, ddi_intr_get_supported_types(c->dip, &n), DDI_INTR_NOTFOUND);
	CHECK_EQ(c, ddi_intr_get_nintrs(c->dip, DDI_INTR_TYPE_MSI, &n), DDI_INTR_NOTFOUND);
	CHECK_EQ(c, n, 0);
	CHECK_EQ(c, ddi_intr_get_navail(c->dip, DDI_INTR_TYPE_FIXED, &n), DDI_INTR_NOTFOUND);
	CHECK_EQ(c,
		 ddi_intr_alloc(c->dip, &h, DDI_INTR_TYPE_FIXED, 0, 1, &n, DDI_INTR_ALLOC_NORMAL),
		 DDI_INTR_NOTFOUND);
	CHECK_EQ(c, ddi_dev_nintrs(c->dip, &n), DDI_SUCCESS);
	CHECK_EQ(c, n, 0);
	CHECK_EQ(c, ddi_get_iblock_cookie(c->dip, 0, &cookie), DDI_INTR_NOTFOUND);
	CHECK_EQ(c, ddi_add_intr(c->dip, 0, NULL, NULL, old_handler, NULL), DDI_INTR_NOTFOUND);
	ddi_remove_intr(c->dip, 0, NULL); /* a message */
	CHECK_EQ(c, ddi_intr_hilevel(c->dip, 0), 0);
	CHECK(c, ddi_intr_get_hilevel_pri() > 10);
	CHECK_EQ(c, ddi_intr_enable(NULL), DDI_EINVAL);
	CHECK_EQ(c, ddi_intr_free(NULL), DDI_EINVAL);
}
