// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory that outlives the engine: here an engine that dies takes the kernel with it. */
#include "linux.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "../../ddi/port.h"

void *port_keep(const char *name, size_t len, bool *found, void **token)
{
	(void)name;
	*found = false;
	*token = NULL;
	return kvzalloc(len, GFP_KERNEL);
}

void port_keep_free(void *token, void *memory, size_t len)
{
	(void)token;
	(void)len;
	kvfree(memory);
}

bool port_resuming(void)
{
	return false;
}
