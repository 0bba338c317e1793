/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEMO_RENDER_H
#define DEMO_RENDER_H

#include <stddef.h>
#include <stdint.h>

#include "scene.h"

/*
 * Performs op on size bytes of screen memory as doc/xfb.md says, and nothing for an operation with an
 * error. It knows nothing of the model: each pixel is asked whether the operation concerns it.
 */
void render(const struct op *op, uint32_t *memory, size_t size);

#endif
