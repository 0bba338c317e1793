/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the four programs of the kernel engine's demo draw on an RV100, as a list of operations:
 * rv100-draw has the 2D engine perform them, rv100-check renders them itself, and both must come to
 * the same picture. The figures differ in every register: pixels of 8, 16 and 32 bits, surfaces
 * that begin in different places, rows of different lengths, directions, raster operations.
 */
#ifndef DEMO_RV100_SCENE_H
#define DEMO_RV100_SCENE_H

#include <stdbool.h>
#include <stdint.h>

/* A part of video memory that is drawn on, or copied from. */
struct rv_surface {
	uint32_t offset, pitch; /* bytes; multiples of 1024 and of 64 */
};

enum rv_kind { RV_FILL, RV_BLACK, RV_COPY, RV_STORE }; /* RV_STORE: by the program itself */

struct rv_op {
	enum rv_kind kind;
	int depth;	 /* bits a pixel: 8, 16 or 32 */
	uint32_t colour; /* of RV_FILL, RV_STORE; smaller pixels: its low bits */
	struct rv_surface dst, src;
	int x, y, width, height; /* on dst, in its pixels, from the corner at the top left */
	int src_x, src_y;	 /* of RV_COPY, on src */
	bool leftwards, upwards; /* of RV_COPY: which of its pixels are the first */
};

/* Where a figure is drawn, and who takes its operations. */
struct rv_canvas {
	int x, y, width, height; /* its part of the screen */
	uint32_t pitch;		 /* bytes, of the screen */
	uint32_t scratch;	 /* offset of a piece of memory that is not shown, its own */
	struct rv_surface usual; /* the one to be the default; each figure has another */
	void (*emit)(struct rv_canvas *c, const struct rv_op *op);
};

#define RV_SCRATCH_SIZE 0x40000

/* Draws frame 0, 1, ...: each covers all of the canvas, whatever was there before. */
typedef void rv_figure_fn(struct rv_canvas *c, unsigned frame);

#define RV_FIGURES 4
#define RV_LAST	   7 /* the frame that remains */

extern rv_figure_fn *const rv_figures[RV_FIGURES];
extern const char *const rv_figure_names[RV_FIGURES];

/* Makes c the part of a screen of width, height and pitch that belongs to a figure. */
void rv_place(struct rv_canvas *c, int figure, int width, int height, uint32_t pitch);

#endif
