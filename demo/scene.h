/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the four programs of the demo draw, as a list of operations: the programs have the device
 * perform them, demo/check renders them itself, and both must come to the same picture.
 */
#ifndef DEMO_SCENE_H
#define DEMO_SCENE_H

#include <stdint.h>

/* The values of the registers from XFB_FOREGROUND to XFB_DST_OFFSET, in their order. */
struct op_state {
	uint32_t foreground, background, rop, pattern;
	int32_t src_x, src_y, dst_x, dst_y;
	uint32_t width, height;
	int32_t from_x, from_y, to_x, to_y;
	int32_t clip_x, clip_y;
	uint32_t clip_width, clip_height;
	uint32_t pitch, offset;
};

struct op {
	struct op_state state;
	uint32_t command; /* of XFB_COMMAND, or SCENE_STORE */
};

/* Not the engine's work: the program itself stores foreground into the rectangle. */
#define SCENE_STORE 0x100

/* Where a scene draws, and who takes its operations. */
struct canvas {
	int x, y, width, height; /* its part of the screen, also the clip rectangle */
	uint32_t pitch;		 /* of the screen */
	void (*emit)(struct canvas *c, const struct op *op);
};

/* Draws frame 0, 1, ...: each covers all of the canvas, whatever was there before. */
typedef void scene_fn(struct canvas *c, unsigned frame);

scene_fn scene_fill, scene_line, scene_copy, scene_xor;

#define SCENES	   4
#define SCENE_LAST 7 /* the frame that remains */

extern scene_fn *const scenes[SCENES];

/* Makes c the part of a screen of width and height that belongs to a scene. */
void scene_place(struct canvas *c, int scene, int width, int height);

#endif
