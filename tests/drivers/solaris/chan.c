/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * chan: a device of channels, each of which one process has for itself as long as it maps it. Written as
 * such drivers were for Solaris, from its manual pages and without anything of devmap's; that it compiles
 * and works as it is, is the test.
 *
 * FORK
 *   A child gets none of its parent's channels: its mappings are invalid from the beginning.
 *
 * POWER
 *   The device has one component of two levels. Without power it forgets its registers, so they are saved
 *   before, and no process reaches them. Who touches a channel then raises the power first. When it is
 *   switched off for good, all mappings end, and who still has one gets a signal.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/errno.h>
#include <sys/conf.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/mman.h>
#include <sys/modctl.h>
#include <sys/stat.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <sys/sunpm.h>

#include "chan.h"

#define WORDS	  (PAGESIZE / sizeof(uint32_t)) /* of a channel */

#define POWER	  0 /* the component, and its levels */
#define POWER_OFF 0
#define POWER_ON  1

typedef struct channel {
	devmap_cookie_t ch_dhp; /* NULL: it is free */
	int ch_number;
	int ch_ended; /* its mapping has been made invalid */
} channel_t;

static dev_info_t *chan_dip;
static ddi_acc_handle_t chan_acc;
static caddr_t chan_regs;
static kmutex_t chan_mutex; /* guards what follows */
static int chan_powered;
static int chan_wakes;
static channel_t channels[CHAN_CHANNELS];
static uint32_t *chan_saved; /* of all channels, without power */

static ddi_device_acc_attr_t chan_attr = { DDI_DEVICE_ATTR_V0, DDI_NEVERSWAP_ACC,
					   DDI_STRICTORDER_ACC };

static char *chan_components[] = { "NAME=channels", "0=off", "1=on" };

static offset_t where(channel_t *ch)
{
	return ((offset_t)ptob(ch->ch_number));
}

static uint32_t *chan_reg(size_t word)
{
	return ((uint32_t *)(void *)chan_regs + word);
}

/* The mutex is held in all that follow. */

static void chan_clear(channel_t *ch)
{
	size_t word = ch->ch_number * WORDS;
	size_t end = word + WORDS;

	for (; word < end; word++) {
		if (chan_powered)
			ddi_put32(chan_acc, chan_reg(word), 0);
		else
			chan_saved[word] = 0;
	}
}

/* Nobody reaches the registers, and they are lost. */
static void chan_down(void)
{
	int i;
	size_t word;

	if (!chan_powered)
		return;
	for (i = 0; i < CHAN_CHANNELS; i++)
		if (channels[i].ch_dhp != NULL)
			(void)devmap_unload(channels[i].ch_dhp, where(&channels[i]), PAGESIZE);
	for (word = 0; word < CHAN_CHANNELS * WORDS; word++) {
		chan_saved[word] = ddi_get32(chan_acc, chan_reg(word));
		ddi_put32(chan_acc, chan_reg(word), 0xdeadbeef);
	}
	chan_powered = 0;
}

static void chan_up(void)
{
	size_t word;

	if (chan_powered)
		return;
	for (word = 0; word < CHAN_CHANNELS * WORDS; word++)
		ddi_put32(chan_acc, chan_reg(word), chan_saved[word]);
	chan_powered = 1;
	chan_wakes++;
}

/* Whoever has a channel has it no more. */
static void chan_revoke(void)
{
	int i;

	for (i = 0; i < CHAN_CHANNELS; i++) {
		if (channels[i].ch_dhp == NULL || channels[i].ch_ended)
			continue;
		if (devmap_devmem_remap(channels[i].ch_dhp, chan_dip, 0, 0, PAGESIZE,
					PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_MAPPING_INVALID,
					NULL) != DDI_SUCCESS)
			cmn_err(CE_WARN, "chan: channel %d cannot be taken back", i);
		channels[i].ch_ended = 1;
	}
}

/* power(9E) */
static int chan_power(dev_info_t *dip, int component, int level)
{
	if (component != POWER)
		return (DDI_FAILURE);
	mutex_enter(&chan_mutex);
	if (level == POWER_ON)
		chan_up();
	else
		chan_down();
	mutex_exit(&chan_mutex);
	return (DDI_SUCCESS);
}

/* With the mutex held it returns 0, and the device has power; else an errno. */
static int chan_wake(void)
{
	mutex_enter(&chan_mutex);
	while (!chan_powered) {
		mutex_exit(&chan_mutex);
		if (pm_raise_power(chan_dip, POWER, POWER_ON) != DDI_SUCCESS)
			return (EIO);
		mutex_enter(&chan_mutex);
	}
	return (0);
}

static int chan_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len, uint_t type,
		       uint_t rw)
{
	int error = chan_wake();

	if (error != 0)
		return (error);
	error = devmap_load(dhp, off, len, type, rw);
	mutex_exit(&chan_mutex);
	return (error);
}

static int chan_map(devmap_cookie_t dhp, dev_t dev, uint_t flags, offset_t off, size_t len,
		    void **pvtp)
{
	channel_t *ch = &channels[btop(off)];

	if (!(flags & MAP_SHARED))
		return (EINVAL);
	mutex_enter(&chan_mutex);
	if (ch->ch_dhp != NULL) {
		mutex_exit(&chan_mutex);
		return (EBUSY);
	}
	ch->ch_dhp = dhp;
	ch->ch_ended = 0;
	chan_clear(ch);
	mutex_exit(&chan_mutex);
	(void)pm_busy_component(chan_dip, POWER);
	*pvtp = ch;
	return (0);
}

static int chan_dup(devmap_cookie_t dhp, void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	*new_pvtp = NULL;
	if (devmap_devmem_remap(new_dhp, chan_dip, 0, 0, PAGESIZE,
				PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_MAPPING_INVALID,
				NULL) != DDI_SUCCESS)
		return (EIO);
	return (0);
}

/* A handle is of one page, and goes whole. */
static void chan_unmap(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
		       devmap_cookie_t new_dhp1, void **new_pvtp1, devmap_cookie_t new_dhp2,
		       void **new_pvtp2)
{
	channel_t *ch = pvtp;

	if (ch == NULL)
		return; /* a child's */
	mutex_enter(&chan_mutex);
	ch->ch_dhp = NULL;
	mutex_exit(&chan_mutex);
	(void)pm_idle_component(chan_dip, POWER);
}

static struct devmap_callback_ctl chan_callbacks = { DEVMAP_OPS_REV, chan_map, chan_access,
						     chan_dup, chan_unmap };

static int chan_devmap(dev_t dev, devmap_cookie_t dhp, offset_t off, size_t len, size_t *maplen,
		       uint_t model)
{
	if (off < 0 || off >= (offset_t)ptob(CHAN_CHANNELS))
		return (ENXIO);
	*maplen = PAGESIZE;
	return (devmap_devmem_setup(dhp, chan_dip, &chan_callbacks, 0, off, PAGESIZE,
				    PROT_READ | PROT_WRITE | PROT_USER, DEVMAP_ALLOW_REMAP,
				    &chan_attr));
}

static int chan_taken(void)
{
	int i, n = 0;

	for (i = 0; i < CHAN_CHANNELS; i++)
		if (channels[i].ch_dhp != NULL)
			n++;
	return (n);
}

static int chan_ioctl(dev_t dev, int cmd, intptr_t arg, int mode, cred_t *credp, int *rvalp)
{
	mutex_enter(&chan_mutex);
	switch (cmd) {
	case CHAN_OFF:
		chan_revoke();
		/*FALLTHROUGH*/
	case CHAN_SLEEP:
		chan_down();
		mutex_exit(&chan_mutex);
		(void)pm_power_has_changed(chan_dip, POWER, POWER_OFF);
		return (0);
	case CHAN_WAKES:
		*rvalp = chan_wakes;
		break;
	case CHAN_TAKEN:
		*rvalp = chan_taken();
		break;
	default:
		mutex_exit(&chan_mutex);
		return (ENOTTY);
	}
	mutex_exit(&chan_mutex);
	return (0);
}

static int chan_add_power(dev_info_t *dip)
{
	if (ddi_prop_update_string_array(DDI_DEV_T_NONE, dip, "pm-components", chan_components,
					 3) != DDI_PROP_SUCCESS)
		return (DDI_FAILURE);
	return (pm_raise_power(dip, POWER, POWER_ON));
}

static int chan_attach(dev_info_t *dip, ddi_attach_cmd_t cmd)
{
	int i;

	if (cmd != DDI_ATTACH || chan_dip != NULL)
		return (DDI_FAILURE);
	if (ddi_regs_map_setup(dip, 0, &chan_regs, 0, ptob(CHAN_CHANNELS), &chan_attr, &chan_acc) !=
	    DDI_SUCCESS)
		return (DDI_FAILURE);
	mutex_init(&chan_mutex, NULL, MUTEX_DRIVER, NULL);
	for (i = 0; i < CHAN_CHANNELS; i++)
		channels[i].ch_number = i;
	chan_saved = kmem_zalloc(ptob(CHAN_CHANNELS), KM_SLEEP);
	chan_dip = dip;
	if (chan_add_power(dip) == DDI_SUCCESS &&
	    ddi_create_minor_node(dip, "chan", S_IFCHR, 0, DDI_PSEUDO, 0) == DDI_SUCCESS)
		return (DDI_SUCCESS);
	chan_dip = NULL;
	kmem_free(chan_saved, ptob(CHAN_CHANNELS));
	mutex_destroy(&chan_mutex);
	ddi_regs_map_free(&chan_acc);
	return (DDI_FAILURE);
}

static int chan_detach(dev_info_t *dip, ddi_detach_cmd_t cmd)
{
	if (cmd != DDI_DETACH)
		return (DDI_FAILURE);
	(void)pm_lower_power(dip, POWER, POWER_OFF);
	ddi_remove_minor_node(dip, NULL);
	ddi_prop_remove_all(dip);
	chan_dip = NULL;
	kmem_free(chan_saved, ptob(CHAN_CHANNELS));
	mutex_destroy(&chan_mutex);
	ddi_regs_map_free(&chan_acc);
	return (DDI_SUCCESS);
}

static struct cb_ops chan_cb_ops = {
	nulldev,	   /* open */
	nulldev,	   /* close */
	nodev,		   /* strategy */
	nodev,		   /* print */
	nodev,		   /* dump */
	nodev,		   /* read */
	nodev,		   /* write */
	chan_ioctl,	   /* ioctl */
	chan_devmap,	   /* devmap */
	nodev,		   /* mmap */
	ddi_devmap_segmap, /* segmap */
	nochpoll,	   /* chpoll */
	ddi_prop_op,	   /* prop_op */
	NULL,		   /* streamtab */
	D_NEW | D_MP | D_DEVMAP,
	CB_REV,
	nodev, /* aread */
	nodev, /* awrite */
};

static struct dev_ops chan_dev_ops = {
	DEVO_REV,    0,	    ddi_no_info,  nulldev, nulldev,    chan_attach,
	chan_detach, nodev, &chan_cb_ops, NULL,	   chan_power,
};

static struct modldrv chan_modldrv = { &mod_driverops, "channels, one process each",
				       &chan_dev_ops };

static struct modlinkage chan_modlinkage = { MODREV_1, { (void *)&chan_modldrv, NULL } };

int _init(void)
{
	return (mod_install(&chan_modlinkage));
}

int _fini(void)
{
	return (mod_remove(&chan_modlinkage));
}

int _info(struct modinfo *modinfop)
{
	return (mod_info(&chan_modlinkage, modinfop));
}
