/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <string.h>

#include "../drivers/xfb.h"
#include "scene.h"

scene_fn *const scenes[SCENES] = { scene_fill, scene_line, scene_copy, scene_xor };

void scene_place(struct canvas *c, int scene, int width, int height)
{
	c->width = width / 2;
	c->height = height / 2;
	c->x = scene % 2 * c->width;
	c->y = scene / 2 * c->height;
}

/* An operation with every register of its own, so that a mix-up of contexts shows. */
static struct op new_op(const struct canvas *c, uint32_t command, uint32_t colour, uint32_t rop)
{
	struct op op;

	memset(&op, 0, sizeof(op));
	op.command = command;
	op.state.foreground = colour;
	op.state.background = ~colour & 0xffffff;
	op.state.rop = rop;
	op.state.pattern = 0xffffffff;
	op.state.clip_x = c->x;
	op.state.clip_y = c->y;
	op.state.clip_width = (uint32_t)c->width;
	op.state.clip_height = (uint32_t)c->height;
	op.state.pitch = c->pitch;
	return op;
}

static void rect(struct canvas *c, uint32_t command, uint32_t colour, uint32_t rop, int x, int y,
		 int w, int h)
{
	struct op op = new_op(c, command, colour, rop);

	op.state.dst_x = c->x + x;
	op.state.dst_y = c->y + y;
	op.state.width = (uint32_t)w;
	op.state.height = (uint32_t)h;
	c->emit(c, &op);
}

static void fill(struct canvas *c, uint32_t colour, uint32_t rop, int x, int y, int w, int h)
{
	rect(c, XFB_FILL, colour, rop, x, y, w, h);
}

static void copy(struct canvas *c, uint32_t rop, int sx, int sy, int x, int y, int w, int h)
{
	struct op op = new_op(c, XFB_COPY, 0, rop);

	op.state.src_x = c->x + sx;
	op.state.src_y = c->y + sy;
	op.state.dst_x = c->x + x;
	op.state.dst_y = c->y + y;
	op.state.width = (uint32_t)w;
	op.state.height = (uint32_t)h;
	c->emit(c, &op);
}

static void line(struct canvas *c, uint32_t colour, uint32_t rop, uint32_t pattern, int x0, int y0,
		 int x1, int y1)
{
	struct op op = new_op(c, XFB_LINE, colour, rop);

	op.state.pattern = pattern;
	op.state.from_x = c->x + x0;
	op.state.from_y = c->y + y0;
	op.state.to_x = c->x + x1;
	op.state.to_y = c->y + y1;
	c->emit(c, &op);
}

/* A frame around the canvas, stored by the program itself. */
static void border(struct canvas *c, uint32_t colour)
{
	rect(c, SCENE_STORE, colour, XFB_ROP_COPY, 0, 0, c->width, 2);
	rect(c, SCENE_STORE, colour, XFB_ROP_COPY, 0, c->height - 2, c->width, 2);
	rect(c, SCENE_STORE, colour, XFB_ROP_COPY, 0, 2, 2, c->height - 4);
	rect(c, SCENE_STORE, colour, XFB_ROP_COPY, c->width - 2, 2, 2, c->height - 4);
}

static uint32_t rgb(int r, int g, int b)
{
	return (uint32_t)((r & 255) << 16 | (g & 255) << 8 | (b & 255));
}

/* Up and down between 0 and 255. */
static int wave(int t)
{
	t &= 511;
	return t < 256 ? t : 511 - t;
}

/* Tiles, each with a smaller one inside. Those of the last row and column are cut off. */
void scene_fill(struct canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), size = 28;

	fill(c, rgb(8, 16, 40), XFB_ROP_COPY, -3, -3, c->width + 9, c->height + 9);
	for (int y = 0; y * size < c->height; y++) {
		for (int x = 0; x * size < c->width; x++) {
			int inset = 3 + (x * 3 + y * 5 + t) % 8;

			fill(c, rgb(wave(x * 40 + t * 8), wave(y * 56), 160), XFB_ROP_COPY,
			     x * size + 1, y * size + 1, size - 2, size - 2);
			fill(c, rgb(240, wave(x * 24 + y * 24 + t * 8), 64), XFB_ROP_COPY,
			     x * size + inset, y * size + inset, size - 2 * inset,
			     size - 2 * inset);
		}
	}
	border(c, rgb(255, 255, 255));
}

/* Two fans of lines, one of them dashed, that run far out of the canvas on all sides. */
void scene_line(struct canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), w = c->width, h = c->height;

	fill(c, 0, XFB_ROP_COPY, 0, 0, w, h);
	for (int i = -w; i <= 2 * w; i += 11)
		line(c, rgb(wave(i * 2 + t * 4), 96, wave(512 - i)), XFB_ROP_COPY, 0xffffffff,
		     w / 2 + t, h / 3, i, h + 40);
	for (int i = 0; i <= h; i += 9) {
		line(c, rgb(255, 240 - i, 64), XFB_ROP_COPY, 0x00ff0f33, w + 20, i - t, -20, h - i);
		line(c, rgb(40, 200, 80), XFB_ROP_OR, 0xff00ff00, w / 4, -30, w - 1 - i, h / 2 + i);
	}
	border(c, rgb(255, 96, 96));
}

/* One motif that is copied until it fills the canvas, then moved over itself. */
void scene_copy(struct canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), size = 32;

	fill(c, rgb(24, 32, 24), XFB_ROP_COPY, 0, 0, c->width, c->height);
	for (int i = 0; i < size / 2; i += 2)
		fill(c, rgb(40 + i * 12, 220 - i * 8, wave(t * 8 + i * 16)), XFB_ROP_COPY, i, i,
		     size - 2 * i, size - 2 * i);
	line(c, rgb(255, 255, 255), XFB_ROP_COPY, 0xffffffff, 0, size - 1, size - 1, 0);
	for (int w = size; w < c->width; w *= 2)
		copy(c, XFB_ROP_COPY, 0, 0, w, 0, w, size);
	for (int h = size; h < c->height; h *= 2)
		copy(c, XFB_ROP_COPY, 0, 0, 0, h, c->width, h);
	copy(c, XFB_ROP_COPY, 0, 0, t % 16 + 5, 3, c->width, c->height);
	copy(c, XFB_ROP_COPY, 40, 20, 33, 20, c->width - 80, c->height - 40);
	copy(c, XFB_ROP_COPY, 30, 60, 41, 60, c->width - 90, 20);
	copy(c, XFB_ROP_COPY, 30, 50, 30, 39, c->width - 60, c->height - 70);
	copy(c, XFB_ROP_COPY_INVERTED, 0, 0, c->width / 3, c->height / 3, c->width / 3,
	     c->height / 3);
	border(c, rgb(96, 255, 96));
}

/* Squares upon squares; what is under them counts. */
void scene_xor(struct canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), w = c->width, h = c->height;

	fill(c, rgb(16, 0, 48), XFB_ROP_COPY, 0, 0, w, h);
	for (int r = w; r > 0; r -= 9) {
		fill(c, rgb(wave(r * 2), 32, 200), XFB_ROP_XOR, w / 3 + t - r / 2, h / 2 - r / 2, r,
		     r);
		fill(c, rgb(20, wave(r * 3), 90), XFB_ROP_XOR, w * 2 / 3 - t - r / 2, h / 2 - r / 2,
		     r, r);
	}
	for (int i = 0; i < w; i += 24)
		line(c, 0xffffff, XFB_ROP_XOR, 0x0f0f0f0f, i, 0, w - i, h);
	fill(c, 0, XFB_ROP_INVERT, w / 8, h / 8, w / 6, h / 6);
	fill(c, rgb(255, 128, 0), XFB_ROP_AND, w - w / 4, h / 8, w / 6, h / 6);
	fill(c, rgb(0, 64, 255), XFB_ROP_OR, w / 8, h - h / 4, w / 6, h / 6);
	fill(c, rgb(0, 255, 64), XFB_ROP_NAND, w - w / 4, h - h / 4, w / 6, h / 6);
	/* The unused byte of a pixel is not part of the picture. */
	fill(c, 0xffffff, XFB_ROP_AND, 0, 0, w, h);
	border(c, rgb(96, 160, 255));
}
