/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Compares a dump of the screen with what the four programs of the kernel engine's demo leave on
 * it, as rendered here, pixel by pixel. Arguments: DUMP.ppm [PICTURE.png], where it is saved too.
 * Prints the number of wrong pixels; exit status 0 if there are none.
 *
 * The renderer knows nothing of registers: it puts one pixel after another into a memory of bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "rv100-scene.h"

#define WIDTH  640
#define HEIGHT 480
#define PITCH  (WIDTH * 4)
#define MEMORY (16 << 20)

struct paper {
	struct rv_canvas canvas; /* first: emit() gets back to its paper */
	unsigned char *memory;
	unsigned char *before; /* as much, for a copy */
};

static size_t place(const struct rv_surface *s, int depth, int x, int y)
{
	size_t at = s->offset + (size_t)y * s->pitch + (size_t)(x * (depth / 8));

	if (at + 4 > MEMORY)
		abort();
	return at;
}

static void put(struct paper *p, const struct rv_op *op, int x, int y)
{
	size_t to = place(&op->dst, op->depth, op->x + x, op->y + y);
	size_t from;

	switch (op->kind) {
	case RV_COPY:
		from = place(&op->src, op->depth, op->src_x + x, op->src_y + y);
		memcpy(p->memory + to, p->before + from, (size_t)op->depth / 8);
		break;
	case RV_BLACK:
		memset(p->memory + to, 0, (size_t)op->depth / 8);
		break;
	default:
		for (int i = 0; i < op->depth / 8; i++)
			p->memory[to + (size_t)i] = (unsigned char)(op->colour >> i * 8);
	}
}

/* A photograph of the source, so that nothing depends on the order. */
static void photograph(struct paper *p, const struct rv_op *op)
{
	for (int y = 0; y < op->height; y++) {
		size_t from = place(&op->src, op->depth, op->src_x, op->src_y + y);

		memcpy(p->before + from, p->memory + from, (size_t)(op->width * (op->depth / 8)));
	}
}

static void emit(struct rv_canvas *c, const struct rv_op *op)
{
	struct paper *p = (struct paper *)c;

	if (op->kind == RV_COPY)
		photograph(p, op);
	for (int y = 0; y < op->height; y++) {
		for (int x = 0; x < op->width; x++)
			put(p, op, x, y);
	}
}

static uint32_t *expected(void)
{
	struct paper p = { .canvas = { .emit = emit } };
	uint32_t *pixels = malloc(WIDTH * HEIGHT * sizeof(*pixels));

	p.memory = calloc(1, MEMORY);
	p.before = calloc(1, MEMORY);
	if (pixels == NULL || p.memory == NULL || p.before == NULL)
		abort();
	for (int i = 0; i < RV_FIGURES; i++) {
		rv_place(&p.canvas, i, WIDTH, HEIGHT, PITCH);
		rv_figures[i](&p.canvas, RV_LAST);
	}
	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
		pixels[i] = (uint32_t)(p.memory[i * 4] | p.memory[i * 4 + 1] << 8 |
				       p.memory[i * 4 + 2] << 16);
	free(p.memory);
	free(p.before);
	return pixels;
}

/* A binary PPM, of QEMU's or fbcat's making. NULL: it is none, or has another size. */
static uint32_t *load(const char *path)
{
	static unsigned char rgb[WIDTH * HEIGHT * 3];
	uint32_t *pixels = NULL;
	int width, height, depth;
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		fprintf(stderr, "rv100-check: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	if (fscanf(f, "P6 %d %d %d", &width, &height, &depth) == 3 && width == WIDTH &&
	    height == HEIGHT && depth == 255 && fgetc(f) != EOF &&
	    fread(rgb, sizeof(rgb), 1, f) == 1)
		pixels = malloc(WIDTH * HEIGHT * sizeof(*pixels));
	else
		fprintf(stderr, "rv100-check: %s: no picture of %d x %d\n", path, WIDTH, HEIGHT);
	for (size_t i = 0; pixels != NULL && i < (size_t)WIDTH * HEIGHT; i++)
		pixels[i] = (uint32_t)(rgb[i * 3] << 16 | rgb[i * 3 + 1] << 8 | rgb[i * 3 + 2]);
	fclose(f);
	return pixels;
}

int main(int argc, char **argv)
{
	uint32_t *seen, *want;
	size_t wrong = 0;
	bool saved = true;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: rv100-check DUMP.ppm [PICTURE.png]\n");
		return 2;
	}
	seen = load(argv[1]);
	if (seen == NULL)
		return 2;
	want = expected();
	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
		wrong += seen[i] != want[i];
	if (argc > 2)
		saved = image_save(argv[2], seen, WIDTH, HEIGHT);
	printf("rv100-check: %zu of %d wrong pixels\n", wrong, WIDTH * HEIGHT);
	free(seen);
	free(want);
	return wrong == 0 && saved ? 0 : 1;
}
