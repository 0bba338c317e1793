/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/id_space.h: identifiers, each of which one has at a time. id_space(9F). One that comes back is
 * given out again as late as possible; with ff as soon as it is the lowest. id_t is libc's, which has
 * no sign: so the functions have int.
 */
#ifndef DEVMAP_SYS_ID_SPACE_H
#define DEVMAP_SYS_ID_SPACE_H

#include <sys/types.h>
#include <sys/vmem.h>

typedef struct vmem id_space_t;

id_space_t *id_space_create(const char *name, int low, int high); /* from low to high - 1 */
void id_space_destroy(id_space_t *idspace);			  /* which nobody has any of */
int id_alloc(id_space_t *idspace);				  /* waits */
int id_alloc_nosleep(id_space_t *idspace);			  /* -1: there is none */
int id_allocff(id_space_t *idspace);
int id_allocff_nosleep(id_space_t *idspace);
int id_alloc_specific_nosleep(id_space_t *idspace, int id); /* -1: somebody has it */
void id_free(id_space_t *idspace, int id);

#endif /* DEVMAP_SYS_ID_SPACE_H */
