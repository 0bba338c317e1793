/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stddef.h>

#include "rv100-scene.h"

static rv_figure_fn bricks, waves, carpet, rings;

rv_figure_fn *const rv_figures[RV_FIGURES] = { bricks, waves, carpet, rings };
const char *const rv_figure_names[RV_FIGURES] = { "bricks", "waves", "carpet", "rings" };

static struct rv_surface screen(const struct rv_canvas *c)
{
	return (struct rv_surface){ 0, c->pitch };
}

/* The screen without what is above row y, which has to be even, for offsets are. */
static struct rv_surface screen_from(const struct rv_canvas *c, int y)
{
	return (struct rv_surface){ (uint32_t)y * c->pitch, c->pitch };
}

/* The screen from 1024 bytes on. */
static struct rv_surface screen_bytes(const struct rv_canvas *c)
{
	return (struct rv_surface){ 1024, c->pitch };
}

/* Memory that is not shown, with shorter rows. */
static struct rv_surface hidden(const struct rv_canvas *c)
{
	return (struct rv_surface){ c->scratch, 256 };
}

/* Every other row of the screen, from the first or from the third one on. */
static struct rv_surface every_other(const struct rv_canvas *c, int skip)
{
	return (struct rv_surface){ (uint32_t)skip * c->pitch, c->pitch * 2 };
}

/* Behind the screen there is a piece of memory for each figure, from 4 MiB on. */
void rv_place(struct rv_canvas *c, int figure, int width, int height, uint32_t pitch)
{
	c->width = width / 2;
	c->height = height / 2;
	c->x = figure % 2 * c->width;
	c->y = figure / 2 * c->height;
	c->pitch = pitch;
	c->scratch = 0x400000 + (uint32_t)figure * RV_SCRATCH_SIZE;
	c->usual = figure == 0 ? screen(c) :
		   figure == 1 ? screen_bytes(c) :
		   figure == 2 ? screen_from(c, c->y) :
				 hidden(c);
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

/* Cuts [*begin, *begin + *length) to [from, to); the engine does not, it draws all it is told. */
static void cut(int *begin, int *length, int from, int to)
{
	int end = *begin + *length;

	if (*begin < from)
		*begin = from;
	if (end > to)
		end = to;
	*length = end > *begin ? end - *begin : 0;
}

static void rect(struct rv_canvas *c, enum rv_kind kind, uint32_t colour, int x, int y, int w,
		 int h)
{
	struct rv_op op = { .kind = kind, .depth = 32, .colour = colour, .dst = screen(c) };

	op.x = c->x + x;
	op.y = c->y + y;
	op.width = w;
	op.height = h;
	cut(&op.x, &op.width, c->x, c->x + c->width);
	cut(&op.y, &op.height, c->y, c->y + c->height);
	if (op.width > 0 && op.height > 0)
		c->emit(c, &op);
}

/* A frame around the canvas, stored by the program itself. */
static void border(struct rv_canvas *c, uint32_t colour)
{
	rect(c, RV_STORE, colour, 0, 0, c->width, 2);
	rect(c, RV_STORE, colour, 0, c->height - 2, c->width, 2);
	rect(c, RV_STORE, colour, 0, 2, 2, c->height - 4);
	rect(c, RV_STORE, colour, c->width - 2, 2, 2, c->height - 4);
}

/* Pixels of 32 bits on the screen as it is: a wall whose bricks change their colour. */
static void bricks(struct rv_canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), w = 40, h = 16;

	rect(c, RV_FILL, rgb(40, 36, 32), 0, 0, c->width, c->height);
	for (int row = 0; row * h < c->height; row++) {
		for (int col = -1; col * w < c->width; col++) {
			int shade = wave(row * 34 + col * 46 + t * 8) / 3;

			rect(c, RV_FILL, rgb(168 + shade, 64 + shade, 32 + row * 3),
			     col * w + row % 2 * (w / 2) + 1, row * h + 1, w - 2, h - 2);
			rect(c, RV_FILL, rgb(224 + shade / 3, 110 + shade, 70 + row * 3),
			     col * w + row % 2 * (w / 2) + 1, row * h + 1, w - 2, 2);
		}
	}
	border(c, rgb(255, 224, 160));
}

/*
 * The bytes of a pixel one at a time, red by fills of pixels of 8 bits, green and blue together by
 * those of 16 bits, on a surface that begins 1024 bytes into the screen.
 */
static void channel(struct rv_canvas *c, int depth, uint32_t colour, int x, int y, int h)
{
	struct rv_op op = { .kind = RV_FILL, .depth = depth, .colour = colour };
	int first = (c->x + x) * 4 - 1024; /* byte of the pixel's blue; red is two behind it */

	op.dst = screen_bytes(c);
	op.x = depth == 8 ? first + 2 : first / 2;
	op.width = 1;
	op.y = c->y + y;
	op.height = h;
	cut(&op.y, &op.height, c->y, c->y + c->height);
	if (op.height > 0)
		c->emit(c, &op);
}

static void waves(struct rv_canvas *c, unsigned frame)
{
	int t = (int)(frame % 64);

	rect(c, RV_FILL, rgb(8, 12, 40), 0, 0, c->width, c->height);
	for (int x = 0; x < c->width; x++) {
		int crest = wave(x * 4 + t * 8) / 4, swell = wave(x * 3 + 200 - t * 8) / 3;

		channel(c, 16, (uint32_t)(wave(x * 2) / 2 << 8 | 200), x, 70 + crest, 170);
		channel(c, 8, (uint32_t)(255 - crest), x, 40 + swell, 24);
	}
	border(c, rgb(160, 255, 255));
}

static void copy(struct rv_canvas *c, struct rv_surface dst, struct rv_surface src, int sx, int sy,
		 int x, int y, int w, int h)
{
	struct rv_op op = { .kind = RV_COPY, .depth = 32, .dst = dst, .src = src };

	op.src_x = sx;
	op.src_y = sy;
	op.x = x;
	op.y = y;
	op.width = w;
	op.height = h;
	/* Where both overlap, what is read must be read before it is drawn on. */
	op.leftwards = x > sx;
	op.upwards = y > sy;
	c->emit(c, &op);
}

/* A copy within the canvas, in its own coordinates, on the surface that begins above it. */
static void move(struct rv_canvas *c, int sx, int sy, int x, int y, int w, int h)
{
	struct rv_surface own = screen_from(c, c->y);

	cut(&x, &w, 0, c->width);
	cut(&y, &h, 0, c->height);
	if (w > 0 && h > 0)
		copy(c, own, own, c->x + sx, sy, c->x + x, y, w, h);
}

/* One motif that is copied until it fills the canvas, then moved over itself, in each direction. */
static void carpet(struct rv_canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), size = 40;

	rect(c, RV_FILL, rgb(24, 32, 24), 0, 0, c->width, c->height);
	for (int i = 0; i < size / 2; i += 2)
		rect(c, RV_FILL, rgb(40 + i * 10, 220 - i * 8, wave(t * 8 + i * 16)), i, i,
		     size - 2 * i, size - 2 * i);
	for (int i = 0; i < size; i++)
		rect(c, RV_FILL, rgb(255, 255, 255), i, size - 1 - i, 1, 1);
	for (int w = size; w < c->width; w *= 2)
		move(c, 0, 0, w, 0, w, size);
	for (int h = size; h < c->height; h *= 2)
		move(c, 0, 0, 0, h, c->width, h);
	move(c, 0, 0, 5 + t % 16, 3, c->width, c->height);
	move(c, 90, 60, 81, 51, 200, 140);
	move(c, 60, 80, 52, 91, 160, 100);
	move(c, 20, 120, 33, 110, 240, 70);
	border(c, rgb(96, 255, 96));
}

/* A sprite, where it is not seen. */
static struct rv_surface sprite(struct rv_canvas *c, int size, int t)
{
	struct rv_op op = { .kind = RV_FILL, .depth = 32, .dst = hidden(c) };

	for (int i = 0; i < size / 2; i += 3) {
		op.kind = i % 2 != 0 ? RV_BLACK : RV_FILL;
		op.colour = rgb(255 - i * 5, wave(i * 20 + t * 8), 200);
		op.x = op.y = i;
		op.width = op.height = size - 2 * i;
		c->emit(c, &op);
	}
	return op.dst;
}

/* Frames within frames on every other row, one half in each colour, and sprites upon them. */
static void rings(struct rv_canvas *c, unsigned frame)
{
	int t = (int)(frame % 64), size = 48, half = c->height / 2;
	struct rv_op op = { .kind = RV_FILL, .depth = 32 };
	struct rv_surface s;

	rect(c, RV_BLACK, 0, 0, 0, c->width, c->height);
	for (int i = 0; i < half; i += 5) {
		op.dst = every_other(c, i % 2 * 2);
		op.colour = rgb(wave(i * 8 + t * 8), 24, 255 - i);
		op.x = c->x + i;
		op.y = c->y / 2 + i / 2;
		op.width = c->width - 2 * i;
		op.height = half - i - 1;
		c->emit(c, &op);
	}
	s = sprite(c, size, t);
	for (int i = 0; i < 5; i++)
		copy(c, screen_from(c, 64), s, 0, 0, c->x + 8 + i * 63,
		     c->y - 64 + 20 + wave(i * 90 + t * 8) * 160 / 255, size, size);
	border(c, rgb(192, 128, 255));
}
