/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Small things that the DDI asks of an operating system: see ddi/port.h. */
#include <errno.h>
#include <stdlib.h>

#include <sys/ddi.h>

#include "../../ddi/port.h"

void *port_alloc(size_t size)
{
	return calloc(1, size);
}

void port_free(void *p)
{
	free(p);
}

const char *port_pci_name(dev_info_t *dip)
{
	(void)dip;
	return NULL;
}

/* There is no hardware, so nothing but models has interrupts. */

int port_intr_count(dev_info_t *dip, int type)
{
	(void)dip;
	(void)type;
	return 0;
}

int port_intr_alloc(dev_info_t *dip, int type, int least, int most)
{
	(void)dip;
	(void)type;
	(void)least;
	(void)most;
	return 0;
}

void port_intr_free(dev_info_t *dip)
{
	(void)dip;
}

int port_intr_attach(dev_info_t *dip, int number, bool (*serve)(void *arg), void *arg)
{
	(void)dip;
	(void)number;
	(void)serve;
	(void)arg;
	return -ENXIO;
}

void port_intr_detach(dev_info_t *dip, int number)
{
	(void)dip;
	(void)number;
}

/* min(9F), max(9F): Linux has them as macros. */

int(min)(int int1, int int2)
{
	return int1 < int2 ? int1 : int2;
}

int(max)(int int1, int int2)
{
	return int1 > int2 ? int1 : int2;
}
