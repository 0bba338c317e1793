/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Small things of the DDI: entry points for drivers that lack them, pages. */
#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/poll.h>

#include "ddi.h"

/* With void, beside the header's prototype-less declarations. */
int(nodev)(void);
int(nulldev)(void);

int(nodev)(void)
{
	return ENXIO;
}

int(nulldev)(void)
{
	return 0;
}

int ddi_no_info(dev_info_t *dip, ddi_info_cmd_t cmd, void *arg, void **resultp)
{
	(void)dip;
	(void)cmd;
	(void)arg;
	(void)resultp;
	return DDI_FAILURE;
}

int ddi_quiesce_not_needed(dev_info_t *dip)
{
	(void)dip;
	return DDI_SUCCESS;
}

int ddi_quiesce_not_supported(dev_info_t *dip)
{
	(void)dip;
	return DDI_FAILURE;
}

int nochpoll(dev_t dev, short events, int anyyet, short *reventsp, struct pollhead **phpp)
{
	(void)dev;
	(void)events;
	(void)anyyet;
	(void)reventsp;
	(void)phpp;
	return ENXIO;
}

unsigned long ptob(unsigned long numpages)
{
	return numpages << PAGESHIFT;
}

unsigned long btop(unsigned long numbytes)
{
	return numbytes >> PAGESHIFT;
}

unsigned long btopr(unsigned long numbytes)
{
	return (numbytes >> PAGESHIFT) + ((numbytes & PAGEOFFSET) != 0);
}

unsigned long ddi_ptob(dev_info_t *dip, unsigned long pages)
{
	(void)dip;
	return ptob(pages);
}

unsigned long ddi_btop(dev_info_t *dip, unsigned long bytes)
{
	(void)dip;
	return btop(bytes);
}

unsigned long ddi_btopr(dev_info_t *dip, unsigned long bytes)
{
	(void)dip;
	return btopr(bytes);
}
