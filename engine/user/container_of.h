/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The object of this type whose member p points at. */
#ifndef DEVMAP_ENGINE_USER_CONTAINER_OF_H
#define DEVMAP_ENGINE_USER_CONTAINER_OF_H

#include <stddef.h>

#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

#endif
