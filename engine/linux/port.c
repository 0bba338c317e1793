// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Small things that the DDI asks of an operating system: see ddi/port.h. */
#include "linux.h"

#include <linux/slab.h>

void *port_alloc(size_t size)
{
	return size > INT_MAX ? NULL : kvzalloc(size, GFP_KERNEL);
}

void port_free(void *p)
{
	kvfree(p);
}
