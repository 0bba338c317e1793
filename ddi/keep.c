/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap_keep_alloc(): the names. Where such memory is, is the engine's affair (port.h). */
#include <sys/errno.h>
#include <sys/param.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"

#define KEEP_NAME_MAX 64 /* of the driver's part */

struct kept {
	struct kept *next;
	void *memory;
	size_t len;
	void *token; /* the port's */
	char name[DRIVER_NAME_MAX + 16 + KEEP_NAME_MAX];
};

static kmutex_t keep_lock; /* guards the list; a leaf */
static struct kept *kept;

/* keep_lock held. */
static bool name_taken(const char *name)
{
	struct kept *k;

	ASSERT(MUTEX_HELD(&keep_lock));
	for (k = kept; k != NULL; k = k->next)
		if (strcmp(k->name, name) == 0)
			return true;
	return false;
}

static bool keep_list(struct kept *k)
{
	bool taken;

	mutex_enter(&keep_lock);
	taken = name_taken(k->name);
	if (!taken) {
		k->next = kept;
		kept = k;
	}
	mutex_exit(&keep_lock);
	return !taken;
}

static void keep_unlist(struct kept *k)
{
	struct kept **p;

	mutex_enter(&keep_lock);
	for (p = &kept; *p != k; p = &(*p)->next)
		;
	*p = k->next;
	mutex_exit(&keep_lock);
}

void *devmap_keep_alloc(dev_info_t *dip, const char *name, size_t len, int *found)
{
	const struct ddi_instance *di = (const struct ddi_instance *)dip;
	bool was = false;
	struct kept *k;

	if (found != NULL)
		*found = 0;
	if (name[0] == '\0' || strlen(name) >= KEEP_NAME_MAX || len == 0 || len > PTRDIFF_MAX) {
		driver_mistake(CALL_SITE(), "devmap_keep_alloc", "%s: '%s': %zu bytes", di->name,
			       name, len);
		return NULL;
	}
	k = port_alloc(sizeof(*k));
	if (k == NULL)
		return NULL;
	k->len = len;
	(void)snprintf(k->name, sizeof(k->name), "%s/%s", di->name, name);
	if (!keep_list(k)) {
		driver_mistake(CALL_SITE(), "devmap_keep_alloc", "'%s' is there already", k->name);
		port_free(k);
		return NULL;
	}
	k->memory = port_keep(k->name, len, &was, &k->token);
	if (k->memory == NULL) {
		keep_unlist(k);
		port_free(k);
		return NULL;
	}
	if (found != NULL)
		*found = was;
	return k->memory;
}

void devmap_keep_free(void *memory)
{
	struct kept **p, *k = NULL;

	if (memory == NULL)
		return;
	mutex_enter(&keep_lock);
	for (p = &kept; *p != NULL && (*p)->memory != memory; p = &(*p)->next)
		;
	if (*p != NULL) {
		k = *p;
		*p = k->next;
	}
	mutex_exit(&keep_lock);
	if (k == NULL) {
		driver_mistake(CALL_SITE(), "devmap_keep_free",
			       "%p is none of devmap_keep_alloc, or was freed already", memory);
		return;
	}
	port_keep_free(k->token, k->memory, k->len);
	port_free(k);
}

int devmap_resuming(void)
{
	return port_resuming();
}
