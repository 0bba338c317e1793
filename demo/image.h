/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Pictures of 0x00RRGGBB pixels, without gaps between the rows. Errors are reported on stderr. */
#ifndef DEMO_IMAGE_H
#define DEMO_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

bool image_save(const char *path, const uint32_t *pixels, int width, int height);
/* Returns pixels to be freed, or NULL. */
uint32_t *image_load(const char *path, int *width, int *height);

#endif
