/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* id_space(9F) over an arena, whose numbers are larger by one: it has no 0. */
#include <sys/id_space.h>

#include "ddi.h"

static int id_of(const void *number)
{
	return (int)(intptr_t)number - 1;
}

static void *number_of(int id)
{
	return (void *)((intptr_t)id + 1);
}

id_space_t *id_space_create(const char *name, int low, int high)
{
	if (low < 0 || low >= high) {
		driver_mistake(CALL_SITE(), "id_space_create", "from %d to %d", low, high);
		return NULL;
	}
	return vmem_create(name, number_of(low), (size_t)high - (size_t)low, 1, NULL, NULL, NULL, 0,
			   VM_SLEEP | VMC_IDENTIFIER);
}

void id_space_destroy(id_space_t *idspace)
{
	vmem_destroy(idspace);
}

int id_alloc(id_space_t *idspace)
{
	return id_of(vmem_alloc(idspace, 1, VM_SLEEP | VM_NEXTFIT));
}

int id_alloc_nosleep(id_space_t *idspace)
{
	return id_of(vmem_alloc(idspace, 1, VM_NOSLEEP | VM_NEXTFIT));
}

int id_allocff(id_space_t *idspace)
{
	return id_of(vmem_alloc(idspace, 1, VM_SLEEP | VM_FIRSTFIT));
}

int id_allocff_nosleep(id_space_t *idspace)
{
	return id_of(vmem_alloc(idspace, 1, VM_NOSLEEP | VM_FIRSTFIT));
}

int id_alloc_specific_nosleep(id_space_t *idspace, int id)
{
	return id_of(
		vmem_xalloc(idspace, 1, 1, 0, 0, number_of(id), number_of(id + 1), VM_NOSLEEP));
}

void id_free(id_space_t *idspace, int id)
{
	vmem_free(idspace, number_of(id), 1);
}
