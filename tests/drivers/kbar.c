// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A driver for tests/guest/programs/bar: QEMU's pci-testdev, with all its register sets. /dev/kbar
 * maps the largest, whose size read(2) gives.
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

DEVMAP_PCI_ALIAS(1B36,0005);

static dev_info_t *kbar_dip;
static uint_t kbar_set;
static off_t kbar_size;

static int kbar_read(dev_t dev, struct uio *uio, cred_t *cred)
{
	uint64_t size = (uint64_t)kbar_size;

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
	if (cmd != DDI_DETACH)
		return DDI_FAILURE;
	kbar_dip = NULL;
	kbar_size = 0;
	return DDI_SUCCESS;
}

static struct cb_ops kbar_cb_ops = {
	.cb_open = nulldev, .cb_close = nulldev, .cb_read = kbar_read, .cb_write = nodev,
	.cb_ioctl = nodev, .cb_devmap = kbar_devmap, .cb_segmap = ddi_devmap_segmap,
	.cb_flag = D_MP | D_DEVMAP, .cb_rev = CB_REV
};

static struct dev_ops kbar_dev_ops = {
	.devo_rev = DEVO_REV, .devo_attach = kbar_attach, .devo_detach = kbar_detach,
	.devo_cb_ops = &kbar_cb_ops
};

static struct modldrv kbar_modldrv = { &mod_driverops, "large registers", &kbar_dev_ops };
static struct modlinkage kbar_modlinkage = { MODREV_1, { &kbar_modldrv, NULL } };

int _init(void)
{
	return mod_install(&kbar_modlinkage);
}

int _fini(void)
{
	return mod_remove(&kbar_modlinkage);
}

int _info(struct modinfo *modinfop)
{
	return mod_info(&kbar_modlinkage, modinfop);
}
