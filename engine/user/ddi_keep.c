/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Memory that outlives the engine: a memfd, of which the supervisor has a descriptor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "caller.h"
#include "keeper.h"
#include "pages_impl.h"
#include "resume.h"

#include "../../ddi/port.h"

/* Mapped, or NULL. The descriptor is closed. */
static void *map_kept(const char *name, size_t len, int fd, void *token)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED) {
		close(fd);
		return NULL;
	}
	(void)madvise(p, len, MADV_DONTFORK);
	keeper_memory(token, name, len, fd);
	close(fd);
	return p;
}

void *port_keep(const char *name, size_t len, bool *found, void **token)
{
	void *p;
	int fd;

	*found = false;
	*token = NULL;
	if (!keeper_resumes())
		return calloc(1, len);
	*token = malloc(1); /* an address that nobody else has */
	if (*token == NULL)
		return NULL;
	fd = resume_memory(name, len);
	*found = fd >= 0;
	if (fd < 0)
		fd = sealed_memfd(name, (len + PAGEOFFSET) >> PAGESHIFT);
	p = fd >= 0 ? map_kept(name, len, fd, *token) : NULL;
	if (p == NULL)
		free(*token);
	return p;
}

void port_keep_free(void *token, void *memory, size_t len)
{
	if (token == NULL) {
		free(memory);
		return;
	}
	keeper_gone(PARCEL_MEMORY_END, token);
	(void)munmap(memory, len);
	free(token);
}

bool port_resuming(void)
{
	const struct caller *c = caller_get();

	return c != NULL && c->resuming;
}
