/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * edint: computes factorials on QEMU's edu device, whose interrupt says that one is done. Written as
 * such drivers were for Solaris, from its manual pages and without anything of devmap's; that it compiles and works as it is, is the test.
 *
 * One client computes at a time, the others wait. The interrupt handler asks the device why it was
 * called, makes it silent, and leaves the rest to a soft interrupt.
 *
 * PROPERTIES
 *   old-interrupts   bits of instances that use ddi_add_intr(9F); the others use ddi_intr_alloc(9F),
 *                    and messages where there are any
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/file.h>
#include <sys/ioccom.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/kstat.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>

#include "edint.h"

#define REG_FACTORIAL 0x08
#define REG_STATUS    0x20
#define REG_WHY	      0x24
#define REG_RAISE     0x60
#define REG_ACK	      0x64

#define STATUS_BUSY   0x01
#define STATUS_TELL   0x80
#define WHY_DONE      0x01

#define PATIENCE      30 /* seconds that a computation may take */

typedef struct edint {
	dev_info_t *ed_dip;
	ddi_acc_handle_t ed_acc;
	caddr_t ed_regs;
	kmutex_t ed_mutex; /* of the interrupt; guards what follows */
	kcondvar_t ed_cv;
	int ed_busy;	/* a client computes */
	int ed_done;	/* its result is there */
	uint_t ed_new;	/* what interrupts have said and the soft one has not seen */
	uint_t ed_seen; /* since a client has asked for it */
	uint_t ed_last;
	int ed_is_new; /* interrupts by ddi_intr_alloc(9F) */
	int ed_is_message;
	ddi_iblock_cookie_t ed_iblock;
	ddi_softintr_t ed_soft_id;
	ddi_intr_handle_t ed_intr;
	ddi_softint_handle_t ed_softint;
	kstat_t *ed_intr_stat;
	kstat_t *ed_io_stat; /* clients that wait, and that compute */
} edint_t;

static void *edint_state;

static ddi_device_acc_attr_t edint_attr = {
	DDI_DEVICE_ATTR_V0,
	DDI_STRUCTURE_LE_ACC,
	DDI_STRICTORDER_ACC,
};

static uint32_t get(edint_t *ed, int reg)
{
	return (ddi_get32(ed->ed_acc, (uint32_t *)(void *)(ed->ed_regs + reg)));
}

static void put(edint_t *ed, int reg, uint32_t value)
{
	ddi_put32(ed->ed_acc, (uint32_t *)(void *)(ed->ed_regs + reg), value);
}

/* Interrupts */

/* The mutex is held. */
static int edint_ask(edint_t *ed)
{
	uint_t why = get(ed, REG_WHY);

	if (why == 0) {
		KSTAT_INTR_PTR(ed->ed_intr_stat)->intrs[KSTAT_INTR_SPURIOUS]++;
		return (0);
	}
	put(ed, REG_ACK, why);
	KSTAT_INTR_PTR(ed->ed_intr_stat)->intrs[KSTAT_INTR_HARD]++;
	ed->ed_new |= why;
	ed->ed_last = why;
	return (1);
}

static void edint_tell(edint_t *ed)
{
	mutex_enter(&ed->ed_mutex);
	KSTAT_INTR_PTR(ed->ed_intr_stat)->intrs[KSTAT_INTR_SOFT]++;
	if (ed->ed_new & WHY_DONE)
		ed->ed_done = 1;
	ed->ed_seen |= ed->ed_new;
	ed->ed_new = 0;
	cv_broadcast(&ed->ed_cv);
	mutex_exit(&ed->ed_mutex);
}

static uint_t edint_old_intr(caddr_t arg)
{
	edint_t *ed = (edint_t *)(void *)arg;
	int mine;

	mutex_enter(&ed->ed_mutex);
	mine = edint_ask(ed);
	mutex_exit(&ed->ed_mutex);
	if (!mine)
		return (DDI_INTR_UNCLAIMED);
	ddi_trigger_softintr(ed->ed_soft_id);
	return (DDI_INTR_CLAIMED);
}

static uint_t edint_old_soft(caddr_t arg)
{
	edint_tell((edint_t *)(void *)arg);
	return (DDI_INTR_CLAIMED);
}

static uint_t edint_intr(caddr_t arg1, caddr_t arg2)
{
	edint_t *ed = (edint_t *)(void *)arg1;
	int mine;

	mutex_enter(&ed->ed_mutex);
	mine = edint_ask(ed);
	mutex_exit(&ed->ed_mutex);
	if (!mine)
		return (DDI_INTR_UNCLAIMED);
	(void)ddi_intr_trigger_softint(ed->ed_softint, arg2);
	return (DDI_INTR_CLAIMED);
}

static uint_t edint_soft(caddr_t arg1, caddr_t arg2)
{
	if (arg2 != NULL)
		return (DDI_INTR_UNCLAIMED);
	edint_tell((edint_t *)(void *)arg1);
	return (DDI_INTR_CLAIMED);
}

static int edint_add_old(edint_t *ed)
{
	if (ddi_intr_hilevel(ed->ed_dip, 0) != 0 ||
	    ddi_get_iblock_cookie(ed->ed_dip, 0, &ed->ed_iblock) != DDI_SUCCESS)
		return (DDI_FAILURE);
	mutex_init(&ed->ed_mutex, NULL, MUTEX_DRIVER, (void *)ed->ed_iblock);
	if (ddi_add_softintr(ed->ed_dip, DDI_SOFTINT_LOW, &ed->ed_soft_id, NULL, NULL,
			     edint_old_soft, (caddr_t)ed) != DDI_SUCCESS) {
		mutex_destroy(&ed->ed_mutex);
		return (DDI_FAILURE);
	}
	if (ddi_add_intr(ed->ed_dip, 0, NULL, NULL, edint_old_intr, (caddr_t)ed) != DDI_SUCCESS) {
		ddi_remove_softintr(ed->ed_soft_id);
		mutex_destroy(&ed->ed_mutex);
		return (DDI_FAILURE);
	}
	return (DDI_SUCCESS);
}

static int edint_alloc(edint_t *ed, int type)
{
	int count, avail, actual;

	if (ddi_intr_get_nintrs(ed->ed_dip, type, &count) != DDI_SUCCESS || count < 1 ||
	    ddi_intr_get_navail(ed->ed_dip, type, &avail) != DDI_SUCCESS || avail < 1)
		return (DDI_FAILURE);
	if (ddi_intr_alloc(ed->ed_dip, &ed->ed_intr, type, 0, 1, &actual, DDI_INTR_ALLOC_STRICT) !=
	    DDI_SUCCESS)
		return (DDI_FAILURE);
	ed->ed_is_message = type == DDI_INTR_TYPE_MSI;
	return (DDI_SUCCESS);
}

static int edint_add_new(edint_t *ed)
{
	int types;
	uint_t pri;

	if (ddi_intr_get_supported_types(ed->ed_dip, &types) != DDI_SUCCESS)
		return (DDI_FAILURE);
	if ((!(types & DDI_INTR_TYPE_MSI) || edint_alloc(ed, DDI_INTR_TYPE_MSI) != DDI_SUCCESS) &&
	    (!(types & DDI_INTR_TYPE_FIXED) || edint_alloc(ed, DDI_INTR_TYPE_FIXED) != DDI_SUCCESS))
		return (DDI_FAILURE);
	if (ddi_intr_get_pri(ed->ed_intr, &pri) != DDI_SUCCESS || pri >= ddi_intr_get_hilevel_pri())
		goto no_pri;
	mutex_init(&ed->ed_mutex, NULL, MUTEX_DRIVER, DDI_INTR_PRI(pri));
	if (ddi_intr_add_softint(ed->ed_dip, &ed->ed_softint, DDI_INTR_SOFTPRI_DEFAULT, edint_soft,
				 (caddr_t)ed) != DDI_SUCCESS)
		goto no_softint;
	if (ddi_intr_add_handler(ed->ed_intr, edint_intr, (caddr_t)ed, NULL) != DDI_SUCCESS)
		goto no_handler;
	if (ddi_intr_enable(ed->ed_intr) == DDI_SUCCESS)
		return (DDI_SUCCESS);
	(void)ddi_intr_remove_handler(ed->ed_intr);
no_handler:
	(void)ddi_intr_remove_softint(ed->ed_softint);
no_softint:
	mutex_destroy(&ed->ed_mutex);
no_pri:
	(void)ddi_intr_free(ed->ed_intr);
	return (DDI_FAILURE);
}

static void edint_remove(edint_t *ed)
{
	put(ed, REG_STATUS, 0);
	if (ed->ed_is_new) {
		(void)ddi_intr_disable(ed->ed_intr);
		(void)ddi_intr_remove_handler(ed->ed_intr);
		(void)ddi_intr_free(ed->ed_intr);
		(void)ddi_intr_remove_softint(ed->ed_softint);
	} else {
		ddi_remove_intr(ed->ed_dip, 0, ed->ed_iblock);
		ddi_remove_softintr(ed->ed_soft_id);
	}
}

/* Clients */

/* Waits until *what. The mutex is held. 0, EINTR or EIO. */
static int edint_wait(edint_t *ed, uint_t *what, uint_t bits)
{
	clock_t end = ddi_get_lbolt() + drv_usectohz(PATIENCE * 1000000);
	clock_t left;

	while ((*what & bits) != bits) {
		left = cv_timedwait_sig(&ed->ed_cv, &ed->ed_mutex, end);
		if (left == 0)
			return (EINTR);
		if (left < 0) {
			cmn_err(CE_WARN, "edint%d: no interrupt comes",
				ddi_get_instance(ed->ed_dip));
			return (EIO);
		}
	}
	return (0);
}

/* The mutex is held. */
static int edint_begin(edint_t *ed)
{
	int error = 0;

	kstat_waitq_enter(KSTAT_IO_PTR(ed->ed_io_stat));
	while (ed->ed_busy && error == 0)
		if (cv_wait_sig(&ed->ed_cv, &ed->ed_mutex) == 0)
			error = EINTR;
	if (error != 0) {
		kstat_waitq_exit(KSTAT_IO_PTR(ed->ed_io_stat));
		return (error);
	}
	kstat_waitq_to_runq(KSTAT_IO_PTR(ed->ed_io_stat));
	ed->ed_busy = 1;
	return (0);
}

static void edint_end(edint_t *ed)
{
	KSTAT_IO_PTR(ed->ed_io_stat)->reads++;
	kstat_runq_exit(KSTAT_IO_PTR(ed->ed_io_stat));
	ed->ed_busy = 0;
	cv_broadcast(&ed->ed_cv);
}

static int edint_factorial(edint_t *ed, struct edint_job *job)
{
	int error;

	mutex_enter(&ed->ed_mutex);
	if ((error = edint_begin(ed)) == 0) {
		ed->ed_done = 0;
		put(ed, REG_STATUS, STATUS_TELL);
		put(ed, REG_FACTORIAL, job->operand);
		error = edint_wait(ed, (uint_t *)&ed->ed_done, 1);
		job->result = get(ed, REG_FACTORIAL);
		edint_end(ed);
	}
	mutex_exit(&ed->ed_mutex);
	return (error);
}

static int edint_raise(edint_t *ed, uint_t bits)
{
	int error;

	mutex_enter(&ed->ed_mutex);
	if ((error = edint_begin(ed)) == 0) {
		ed->ed_seen = 0;
		put(ed, REG_RAISE, bits);
		error = edint_wait(ed, &ed->ed_seen, bits);
		edint_end(ed);
	}
	mutex_exit(&ed->ed_mutex);
	return (error);
}

static void edint_count(edint_t *ed, struct edint_counts *counts)
{
	uint_t *intrs = KSTAT_INTR_PTR(ed->ed_intr_stat)->intrs;

	mutex_enter(&ed->ed_mutex);
	counts->hard = intrs[KSTAT_INTR_HARD];
	counts->spurious = intrs[KSTAT_INTR_SPURIOUS];
	counts->soft = intrs[KSTAT_INTR_SOFT];
	counts->last = ed->ed_last;
	counts->message = ed->ed_is_message;
	mutex_exit(&ed->ed_mutex);
}

static int edint_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	edint_t *ed = ddi_get_soft_state(edint_state, getminor(dev));
	struct edint_job job;
	struct edint_counts counts;
	int error;

	if (ed == NULL)
		return (ENXIO);
	switch (cmd) {
	case (int)EDINT_FACTORIAL:
		if (ddi_copyin((void *)arg, &job, sizeof(job), mode) != 0)
			return (EFAULT);
		if ((error = edint_factorial(ed, &job)) != 0)
			return (error);
		return (ddi_copyout(&job, (void *)arg, sizeof(job), mode) != 0 ? EFAULT : 0);
	case (int)EDINT_RAISE:
		return (edint_raise(ed, (uint_t)arg));
	case (int)EDINT_COUNTS:
		edint_count(ed, &counts);
		return (ddi_copyout(&counts, (void *)arg, sizeof(counts), mode) != 0 ? EFAULT : 0);
	default:
		return (ENOTTY);
	}
}

/* Attach and detach */

static int edint_add_stats(edint_t *ed)
{
	int instance = ddi_get_instance(ed->ed_dip);

	ed->ed_intr_stat =
		kstat_create("edint", instance, "interrupts", "controller", KSTAT_TYPE_INTR, 1, 0);
	ed->ed_io_stat = kstat_create("edint", instance, "clients", "misc", KSTAT_TYPE_IO, 1, 0);
	if (ed->ed_intr_stat == NULL || ed->ed_io_stat == NULL)
		return (DDI_FAILURE);
	return (DDI_SUCCESS);
}

static void edint_remove_stats(edint_t *ed)
{
	if (ed->ed_intr_stat != NULL)
		kstat_delete(ed->ed_intr_stat);
	if (ed->ed_io_stat != NULL)
		kstat_delete(ed->ed_io_stat);
}

static int edint_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	char name[16];
	edint_t *ed;

	if (cmd != DDI_ATTACH || ddi_soft_state_zalloc(edint_state, instance) != DDI_SUCCESS)
		return (DDI_FAILURE);
	ed = ddi_get_soft_state(edint_state, instance);
	ed->ed_dip = dip;
	if (ddi_regs_map_setup(dip, 1, &ed->ed_regs, 0, 0, &edint_attr, &ed->ed_acc) != DDI_SUCCESS)
		goto no_regs;
	put(ed, REG_STATUS, 0);
	put(ed, REG_ACK, ~0U);
	cv_init(&ed->ed_cv, NULL, CV_DRIVER, NULL);
	if (edint_add_stats(ed) != DDI_SUCCESS)
		goto no_stats;
	ed->ed_is_new = !(ddi_getprop(DDI_DEV_T_ANY, dip, DDI_PROP_DONTPASS, "old-interrupts", 0) &
			  (1 << instance));
	if ((ed->ed_is_new ? edint_add_new(ed) : edint_add_old(ed)) != DDI_SUCCESS)
		goto no_stats;
	ed->ed_io_stat->ks_lock = &ed->ed_mutex;
	kstat_install(ed->ed_io_stat);
	ed->ed_intr_stat->ks_lock = &ed->ed_mutex;
	kstat_install(ed->ed_intr_stat);
	(void)sprintf(name, "edint%d", instance);
	if (ddi_create_minor_node(dip, name, S_IFCHR, instance, DDI_PSEUDO, 0) == DDI_SUCCESS) {
		ddi_report_dev(dip);
		return (DDI_SUCCESS);
	}
	edint_remove(ed);
	edint_remove_stats(ed);
	mutex_destroy(&ed->ed_mutex);
	goto no_more;
no_stats:
	edint_remove_stats(ed);
no_more:
	cv_destroy(&ed->ed_cv);
	ddi_regs_map_free(&ed->ed_acc);
no_regs:
	ddi_soft_state_free(edint_state, instance);
	return (DDI_FAILURE);
}

static int edint_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	int instance = ddi_get_instance(dip);
	edint_t *ed = ddi_get_soft_state(edint_state, instance);

	if (cmd != DDI_DETACH)
		return (DDI_FAILURE);
	ddi_remove_minor_node(dip, NULL);
	edint_remove(ed); /* its handlers count: nothing comes any more */
	edint_remove_stats(ed);
	mutex_destroy(&ed->ed_mutex);
	cv_destroy(&ed->ed_cv);
	ddi_regs_map_free(&ed->ed_acc);
	ddi_soft_state_free(edint_state, instance);
	return (DDI_SUCCESS);
}

static int edint_getinfo(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	int instance = getminor((dev_t)arg);
	edint_t *ed = ddi_get_soft_state(edint_state, instance);

	switch (cmd) {
	case DDI_INFO_DEVT2DEVINFO:
		if (ed == NULL)
			return (DDI_FAILURE);
		*resultp = ed->ed_dip;
		return (DDI_SUCCESS);
	case DDI_INFO_DEVT2INSTANCE:
		*resultp = (void *)(uintptr_t)instance;
		return (DDI_SUCCESS);
	default:
		return (DDI_FAILURE);
	}
}

static struct cb_ops edint_cb_ops = {
	nulldev, nulldev, nodev,    nodev,	 nodev, nodev,	      nodev,  edint_ioctl, nodev,
	nodev,	 nodev,	  nochpoll, ddi_prop_op, NULL,	D_NEW | D_MP, CB_REV, nodev,	   nodev,
};

static struct dev_ops edint_dev_ops = {
	DEVO_REV,     0,     edint_getinfo, nulldev, nulldev, edint_attach,
	edint_detach, nodev, &edint_cb_ops, NULL,    NULL,
};

static struct modldrv edint_modldrv = { &mod_driverops, "factorials", &edint_dev_ops };

static struct modlinkage edint_modlinkage = { MODREV_1, { (void *)&edint_modldrv, NULL } };

int _init(void)
{
	int error = ddi_soft_state_init(&edint_state, sizeof(edint_t), 1);

	if (error != 0)
		return (error);
	if ((error = mod_install(&edint_modlinkage)) != 0)
		ddi_soft_state_fini(&edint_state);
	return (error);
}

int _fini(void)
{
	int error = mod_remove(&edint_modlinkage);

	if (error == 0)
		ddi_soft_state_fini(&edint_state);
	return (error);
}

int _info(struct modinfo *modinfop)
{
	return (mod_info(&edint_modlinkage, modinfop));
}
