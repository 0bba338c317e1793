// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A driver for tests/guest/programs/bar and unplug: QEMU's pci-testdev, with all its register sets.
 * /dev/kbar maps the largest, whose size read(2) gives. kbar.h has what else it does.
 */
#include <sys/types.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <sys/ksynch.h>
#include <sys/poll.h>
#include <sys/cmn_err.h>

#include "kbar.h"

DEVMAP_PCI_ALIAS(1B36, 0005);

static dev_info_t *kbar_dip;
static uint_t kbar_set;
static off_t kbar_size;
static boolean_t kbar_refuses;
static uint_t kbar_opens;
static kmutex_t kbar_lock;
static kcondvar_t kbar_never;
static struct pollhead kbar_poll;

static int kbar_open(dev_t *devp, int flag, int otyp, cred_t *cred)
{
	kbar_opens++;
	return 0;
}

static int kbar_close(dev_t dev, int flag, int otyp, cred_t *cred)
{
	if (kbar_dip == NULL)
		cmn_err(CE_WARN, "kbar: close(9E) after detach(9E)");
	kbar_opens = 0;
	return 0;
}

static int sleep_on(void)
{
	mutex_enter(&kbar_lock);
	while (cv_wait_sig(&kbar_never, &kbar_lock) != 0)
		;
	mutex_exit(&kbar_lock);
	return EINTR;
}

static int kbar_chpoll(dev_t dev, short events, int anyyet, short *reventsp, struct pollhead **phpp)
{
	*reventsp = 0;
	if (!anyyet)
		*phpp = &kbar_poll;
	return 0;
}

static int kbar_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *cred, int *rvalp)
{
	char c;

	switch (cmd) {
	case KBAR_COPY:
		return ddi_copyin((void *)arg, &c, 1, mode) == 0 ? 0 : EFAULT;
	case KBAR_REFUSE:
		kbar_refuses = B_TRUE;
		return 0;
	}
	return ENOTTY;
}

static int kbar_read(dev_t dev, struct uio *uio, cred_t *cred)
{
	uint64_t size = (uint64_t)kbar_size;

	if (uio->uio_loffset == KBAR_SLEEP)
		return sleep_on();
	return uiomove((caddr_t)&size, sizeof(size), UIO_READ, uio);
}

static int kbar_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		       uint_t model)
{
	*maplen = len;
	return devmap_devmem_setup(dhp, kbar_dip, NULL, kbar_set, off, len, PROT_ALL,
				   IOMEM_DATA_UC_WR_COMBINE, NULL);
}

/* What is in the set's first word does not matter: the kernel can go there. */
static int look_at(dev_info_t *dip, uint_t set)
{
	ddi_acc_handle_t handle;
	caddr_t addr;
	off_t size;

	if (ddi_dev_regsize(dip, set, &size) != DDI_SUCCESS ||
	    ddi_regs_map_setup(dip, set, &addr, 0, 0, NULL, &handle) != DDI_SUCCESS)
		return DDI_FAILURE;
	(void)ddi_get32(handle, (uint32_t *)addr);
	(void)ddi_get32(handle, (uint32_t *)(addr + size - 4));
	ddi_regs_map_free(&handle);
	if (size > kbar_size) {
		kbar_size = size;
		kbar_set = set;
	}
	return DDI_SUCCESS;
}

static int kbar_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int i, n;

	if (cmd != DDI_ATTACH || kbar_dip != NULL || ddi_dev_nregs(dip, &n) != DDI_SUCCESS)
		return DDI_FAILURE;
	for (i = 0; i < n; i++)
		if (look_at(dip, (uint_t)i) != DDI_SUCCESS)
			return DDI_FAILURE;
	kbar_dip = dip;
	return ddi_create_minor_node(dip, "kbar", S_IFCHR, 0, DDI_PSEUDO, 0);
}

static int kbar_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH || kbar_refuses)
		return DDI_FAILURE;
	if (kbar_opens > 0)
		cmn_err(CE_WARN, "kbar: detach(9E) before close(9E)");
	kbar_dip = NULL;
	kbar_size = 0;
	return DDI_SUCCESS;
}

static struct cb_ops kbar_cb_ops = { .cb_open = kbar_open,
				     .cb_close = kbar_close,
				     .cb_read = kbar_read,
				     .cb_write = nodev,
				     .cb_ioctl = kbar_ioctl,
				     .cb_chpoll = kbar_chpoll,
				     .cb_devmap = kbar_devmap,
				     .cb_segmap = ddi_devmap_segmap,
				     .cb_flag = D_MP | D_DEVMAP,
				     .cb_rev = CB_REV };

static struct dev_ops kbar_dev_ops = { .devo_rev = DEVO_REV,
				       .devo_attach = kbar_attach,
				       .devo_detach = kbar_detach,
				       .devo_cb_ops = &kbar_cb_ops };

static struct modldrv kbar_modldrv = { &mod_driverops, "large registers", &kbar_dev_ops };
static struct modlinkage kbar_modlinkage = { MODREV_1, { &kbar_modldrv, NULL } };

int _init(void)
{
	mutex_init(&kbar_lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&kbar_never, NULL, CV_DRIVER, NULL);
	return mod_install(&kbar_modlinkage);
}

int _fini(void)
{
	int error = mod_remove(&kbar_modlinkage);

	if (error == 0) {
		cv_destroy(&kbar_never);
		mutex_destroy(&kbar_lock);
	}
	return error;
}

int _info(struct modinfo *modinfop)
{
	return mod_info(&kbar_modlinkage, modinfop);
}
