/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Compares a picture with what the four programs of the demo leave on the screen, as rendered here,
 * pixel by pixel. Arguments: PICTURE. Prints the number of wrong pixels; exit status 0 if there are
 * none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "image.h"
#include "render.h"

struct paper {
	struct canvas canvas; /* first: emit() gets back to its paper */
	uint32_t *pixels;
	size_t size;
};

static void emit(struct canvas *c, const struct op *op)
{
	struct paper *p = (struct paper *)c;

	render(op, p->pixels, p->size);
}

static uint32_t *expected(int width, int height)
{
	struct paper p = { .canvas = { .pitch = (uint32_t)width * 4, .emit = emit } };

	p.size = (size_t)width * (size_t)height * 4;
	p.pixels = calloc(1, p.size);
	for (int i = 0; p.pixels != NULL && i < SCENES; i++) {
		scene_place(&p.canvas, i, width, height);
		scenes[i](&p.canvas, SCENE_LAST);
	}
	return p.pixels;
}

int main(int argc, char **argv)
{
	uint32_t *seen, *want;
	int width, height;
	size_t wrong = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: check PICTURE\n");
		return 2;
	}
	seen = image_load(argv[1], &width, &height);
	want = seen != NULL ? expected(width, height) : NULL;
	if (want == NULL)
		return 2;
	for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
		wrong += (seen[i] & 0xffffff) != (want[i] & 0xffffff);
	printf("check: %zu of %d wrong pixels\n", wrong, width * height);
	free(seen);
	free(want);
	return wrong == 0 ? 0 : 1;
}
