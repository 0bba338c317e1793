/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Small things that the DDI asks of an operating system: see ddi/port.h. */
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

/* min(9F), max(9F): Linux has them as macros. */

int(min)(int int1, int int2)
{
	return int1 < int2 ? int1 : int2;
}

int(max)(int int1, int int2)
{
	return int1 > int2 ? int1 : int2;
}
