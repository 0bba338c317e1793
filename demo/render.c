/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../drivers/xfb.h"
#include "render.h"

struct surface {
	uint32_t *pixels;
	int64_t width, height, stride; /* in pixels */
};

static bool find_surface(const struct op_state *s, uint32_t *memory, size_t size,
			 struct surface *out)
{
	if (s->pitch == 0 || s->pitch % 4 || s->offset % 4 || s->offset >= size)
		return false;
	out->pixels = memory + s->offset / 4;
	out->width = out->stride = s->pitch / 4;
	out->height = (int64_t)((size - s->offset) / s->pitch);
	return out->height > 0;
}

static bool within(int64_t v, int64_t begin, int64_t length)
{
	return v >= begin && v - begin < length;
}

static bool clipped(const struct op_state *s, int64_t x, int64_t y)
{
	return !within(x, s->clip_x, s->clip_width) || !within(y, s->clip_y, s->clip_height);
}

static uint32_t combine(uint32_t rop, uint32_t s, uint32_t d)
{
	switch (rop) {
	case 0x0:
		return 0;
	case 0x1:
		return s & d;
	case 0x2:
		return s & ~d;
	case 0x3:
		return s;
	case 0x4:
		return ~s & d;
	case 0x5:
		return d;
	case 0x6:
		return s ^ d;
	case 0x7:
		return s | d;
	case 0x8:
		return ~(s | d);
	case 0x9:
		return ~(s ^ d);
	case 0xa:
		return ~d;
	case 0xb:
		return s | ~d;
	case 0xc:
		return ~s;
	case 0xd:
		return ~s | d;
	case 0xe:
		return ~(s & d);
	default:
		return ~0U;
	}
}

static void put(const struct surface *f, const struct op_state *s, int64_t x, int64_t y, uint32_t v)
{
	uint32_t *p = &f->pixels[y * f->stride + x];

	*p = combine(s->rop, v, *p);
}

static void fill(const struct surface *f, const struct op_state *s)
{
	for (int64_t y = 0; y < f->height; y++) {
		for (int64_t x = 0; x < f->width; x++) {
			if (within(x, s->dst_x, s->width) && within(y, s->dst_y, s->height) &&
			    !clipped(s, x, y))
				put(f, s, x, y, s->foreground);
		}
	}
}

/* From a photograph of the surface, so that nothing depends on the order. */
static void copy(const struct surface *f, const struct op_state *s)
{
	size_t bytes = (size_t)(f->stride * f->height) * 4;
	uint32_t *before = malloc(bytes);

	if (before == NULL)
		abort();
	memcpy(before, f->pixels, bytes);
	for (int64_t y = 0; y < f->height; y++) {
		for (int64_t x = 0; x < f->width; x++) {
			int64_t from_x = x - s->dst_x + s->src_x, from_y = y - s->dst_y + s->src_y;

			if (within(x, s->dst_x, s->width) && within(y, s->dst_y, s->height) &&
			    within(from_x, 0, f->width) && within(from_y, 0, f->height) &&
			    !clipped(s, x, y))
				put(f, s, x, y, before[from_y * f->stride + from_x]);
		}
	}
	free(before);
}

static int64_t magnitude(int64_t v)
{
	return v < 0 ? -v : v;
}

static int64_t sign(int64_t v)
{
	return (v > 0) - (v < 0);
}

/* Along the shorter axis step i of n is i * extent / n, rounded, a half up. */
static int64_t part(int64_t i, int64_t n, int64_t extent)
{
	if (n == 0)
		return 0;
	return sign(extent) * ((2 * i * magnitude(extent) + n) / (2 * n));
}

static void line(const struct surface *f, const struct op_state *s)
{
	int64_t dx = (int64_t)s->to_x - s->from_x, dy = (int64_t)s->to_y - s->from_y;
	int64_t n = magnitude(dx) > magnitude(dy) ? magnitude(dx) : magnitude(dy);
	int64_t far = XFB_COORD_MAX;

	if (magnitude(s->from_x) > far || magnitude(s->from_y) > far || magnitude(s->to_x) > far ||
	    magnitude(s->to_y) > far)
		return;
	for (int64_t i = 0; i <= n; i++) {
		int64_t x = s->from_x + part(i, n, dx), y = s->from_y + part(i, n, dy);

		if (within(x, 0, f->width) && within(y, 0, f->height) && !clipped(s, x, y))
			put(f, s, x, y, s->pattern & 1U << i % 32 ? s->foreground : s->background);
	}
}

void render(const struct op *op, uint32_t *memory, size_t size)
{
	struct surface f;

	if (op->state.rop > XFB_ROP_SET || !find_surface(&op->state, memory, size, &f))
		return;
	if (op->command == XFB_FILL || op->command == SCENE_STORE)
		fill(&f, &op->state);
	else if (op->command == XFB_COPY)
		copy(&f, &op->state);
	else if (op->command == XFB_LINE)
		line(&f, &op->state);
}
