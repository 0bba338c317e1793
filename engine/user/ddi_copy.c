/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memory of the process that is being served (ddi/port.h): it comes from the caller that the
 * server sets around a call of the driver.
 */
#include <errno.h>
#include <stdint.h>

#include <sys/sunddi.h>

#include "caller.h"
#include "devinfo.h"

/* Faults, fork and munmap have no thread at hand whose memory could be asked for. */
static const struct client_memory *memory_of_client(const void *site, const char *call)
{
	struct caller *c = caller_get();

	if (c == NULL)
		driver_mistake(site, call, "this thread serves no process");
	else if (c->memory == NULL)
		driver_mistake(site, call,
			       "not in devmap_access(9E), devmap_dup(9E), devmap_unmap(9E)");
	return c != NULL ? c->memory : NULL;
}

int port_copyin(const void *user, void *to, size_t len, const void *site, const char *call)
{
	const struct client_memory *m = memory_of_client(site, call);

	if (m == NULL || m->in == NULL)
		return -EFAULT;
	return len == 0 ? 0 : m->in(m->arg, (uintptr_t)user, to, len);
}

int port_copyout(const void *from, void *user, size_t len, const void *site, const char *call)
{
	const struct client_memory *m = memory_of_client(site, call);

	if (m == NULL || m->out == NULL)
		return -EFAULT;
	return len == 0 ? 0 : m->out(m->arg, from, (uintptr_t)user, len);
}
