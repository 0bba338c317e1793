/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An ordinary program that draws with the 2D engine of an RV100: it opens the device, maps it, and
 * loads and stores as if it were alone. It knows nothing of devmap, and nothing here waits for, or
 * tells, any other program. Arguments: [-t SECONDS] [-d DEVICE] FIGURE; FIGURE is 0 to 3.
 *
 * A register is stored only when it is to change: what was stored long ago must still be there. All
 * the while every register is read back. Whatever is not what was stored is a wrong value.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/fb.h>

#include "../drivers/rv100.h"
#include "rv100-scene.h"

#define PATIENCE 20.0 /* seconds for one operation */

enum {
	DST_WIDTH,
	DST_HEIGHT,
	DST_X,
	DST_Y,
	SRC_X,
	SRC_Y,
	DST_OFFSET,
	DST_PITCH,
	SRC_OFFSET,
	SRC_PITCH,
	DEFAULT_PITCH_OFFSET,
	DEFAULT_SC_BOTTOM_RIGHT,
	BRUSH_BKGD,
	BRUSH_FRGD,
	WRITE_MASK,
	CNTL,
	MASTER_CNTL,
	DATATYPE,
	MIX,
	REGS
};

static const uint16_t addresses[REGS] = {
	[DST_WIDTH] = RV100_DST_WIDTH,
	[DST_HEIGHT] = RV100_DST_HEIGHT,
	[DST_X] = RV100_DST_X,
	[DST_Y] = RV100_DST_Y,
	[SRC_X] = RV100_SRC_X,
	[SRC_Y] = RV100_SRC_Y,
	[DST_OFFSET] = RV100_DST_OFFSET,
	[DST_PITCH] = RV100_DST_PITCH,
	[SRC_OFFSET] = RV100_SRC_OFFSET,
	[SRC_PITCH] = RV100_SRC_PITCH,
	[DEFAULT_PITCH_OFFSET] = RV100_DEFAULT_PITCH_OFFSET,
	[DEFAULT_SC_BOTTOM_RIGHT] = RV100_DEFAULT_SC_BOTTOM_RIGHT,
	[BRUSH_BKGD] = RV100_DP_BRUSH_BKGD_CLR,
	[BRUSH_FRGD] = RV100_DP_BRUSH_FRGD_CLR,
	[WRITE_MASK] = RV100_DP_WRITE_MASK,
	[CNTL] = RV100_DP_CNTL,
	[MASTER_CNTL] = RV100_DP_GUI_MASTER_CNTL,
	[DATATYPE] = RV100_DP_DATATYPE,
	[MIX] = RV100_DP_MIX,
};

struct draw {
	struct rv_canvas canvas; /* first: emit() gets back to its draw */
	const char *name;
	int figure;
	volatile uint32_t *regs;
	volatile uint32_t *screen;
	uint32_t have[REGS]; /* what this program stored, as it must load */
	unsigned long operations, wrong;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static volatile uint32_t *reg(struct draw *d, unsigned address)
{
	return d->regs + (address - RV100_REGISTERS) / 4;
}

/* An operation moves the destination's coordinates, how far is the chip's affair. */
static void expect(struct draw *d, bool after)
{
	for (int i = 0; i < REGS; i++) {
		uint32_t got;

		if (after && (i == DST_X || i == DST_Y))
			continue;
		got = *reg(d, addresses[i]);
		if (got != d->have[i] && d->wrong++ < 5)
			fprintf(stderr, "%s: register 0x%04x is 0x%08x, should be 0x%08x\n",
				d->name, addresses[i], got, d->have[i]);
	}
}

static void set(struct draw *d, int index, uint32_t value)
{
	if (d->have[index] == value)
		return;
	d->have[index] = value;
	*reg(d, addresses[index]) = value;
}

/* Both at once where the figure's number says so: the device must keep the halves apart as well. */
static void set_surface(struct draw *d, int offset_index, unsigned both, struct rv_surface s)
{
	int pitch_index = offset_index + 1;

	if (d->figure % 2 != 0) {
		set(d, offset_index, s.offset);
		set(d, pitch_index, s.pitch);
	} else if (d->have[offset_index] != s.offset || d->have[pitch_index] != s.pitch) {
		d->have[offset_index] = s.offset;
		d->have[pitch_index] = s.pitch;
		*reg(d, both) = RV100_PITCH_OFFSET(s.pitch, s.offset);
	}
}

static void set_master(struct draw *d, uint32_t value)
{
	uint32_t datatype = (value & 0xf00) >> 8 | (value & 0x30f0) << 4 | (value & 0x4000) << 16;
	uint32_t mix = (value & RV100_GMC_ROP3_MASK) | (value & 0x07000000) >> 16;
	uint32_t own = value & RV100_GMC_OWN;

	if (d->have[MASTER_CNTL] == own && d->have[DATATYPE] == datatype && d->have[MIX] == mix)
		return;
	d->have[MASTER_CNTL] = own;
	d->have[DATATYPE] = datatype;
	d->have[MIX] = mix;
	*reg(d, RV100_DP_GUI_MASTER_CNTL) = value;
}

static uint32_t depth_bits(int depth)
{
	return depth == 8  ? RV100_GMC_DST_8BPP :
	       depth == 16 ? RV100_GMC_DST_16BPP :
			     RV100_GMC_DST_32BPP;
}

static uint32_t rop_bits(enum rv_kind kind)
{
	return kind == RV_COPY	? RV100_ROP3_SRCCOPY :
	       kind == RV_BLACK ? RV100_ROP3_BLACKNESS :
				  RV100_ROP3_PATCOPY;
}

/* Where the destination happens to be the default surface, the engine is told to take that. */
static uint32_t master(struct draw *d, const struct rv_op *op)
{
	const struct rv_surface *usual = &d->canvas.usual;
	uint32_t value = RV100_GMC_BRUSH_SOLID | RV100_GMC_SRC_DSTCOLOR | RV100_GMC_SRC_RECT |
			 RV100_GMC_SRC_PITCH_OFFSET | RV100_GMC_CLR_CMP_CLEAR |
			 RV100_GMC_WRITE_MASK_SET;

	if (d->figure >= 2)
		value |= RV100_GMC_AUX_CLIP_CLEAR;
	if (op->dst.offset != usual->offset || op->dst.pitch != usual->pitch)
		value |= RV100_GMC_DST_PITCH_OFFSET;
	return value | depth_bits(op->depth) | rop_bits(op->kind);
}

static void set_positions(struct draw *d, const struct rv_op *op)
{
	uint32_t right = op->leftwards ? (uint32_t)op->width - 1 : 0;
	uint32_t down = op->upwards ? (uint32_t)op->height - 1 : 0;
	uint32_t x = (uint32_t)op->x + right, y = (uint32_t)op->y + down;

	set(d, SRC_X, (uint32_t)op->src_x + (op->kind == RV_COPY ? right : 0));
	set(d, SRC_Y, (uint32_t)op->src_y + (op->kind == RV_COPY ? down : 0));
	d->have[DST_X] = x;
	d->have[DST_Y] = y;
	if (d->figure == 0) {
		*reg(d, RV100_DST_Y_X) = y << 16 | x;
	} else if (d->figure == 1) {
		*reg(d, RV100_DST_X_Y) = x << 16 | y;
	} else {
		*reg(d, RV100_DST_X) = x;
		*reg(d, RV100_DST_Y) = y;
	}
}

/* Each figure in another of the ways that there are. */
static void start(struct draw *d, const struct rv_op *op)
{
	uint32_t w = (uint32_t)op->width, h = (uint32_t)op->height;

	d->have[DST_WIDTH] = w;
	d->have[DST_HEIGHT] = h;
	if (d->figure == 0) {
		*reg(d, RV100_DST_HEIGHT_WIDTH) = h << 16 | w;
	} else if (d->figure == 1) {
		*reg(d, RV100_DST_WIDTH_HEIGHT) = w << 16 | h;
	} else if (d->figure == 2) {
		*reg(d, RV100_DST_HEIGHT) = h;
		*reg(d, RV100_DST_WIDTH) = w;
	} else {
		*reg(d, RV100_DST_HEIGHT_Y) = h << 16 | d->have[DST_Y];
		*reg(d, RV100_DST_WIDTH_X) = w << 16 | d->have[DST_X];
	}
}

/* Stores what changes, starts the engine, and checks until it says that it is done. */
static void engine(struct draw *d, const struct rv_op *op)
{
	double begun = now();

	set_surface(d, DST_OFFSET, RV100_DST_PITCH_OFFSET, op->dst);
	if (op->kind == RV_COPY)
		set_surface(d, SRC_OFFSET, RV100_SRC_PITCH_OFFSET, op->src);
	else
		set(d, BRUSH_FRGD, op->colour);
	set(d, CNTL,
	    (op->leftwards ? 0 : RV100_LEFT_TO_RIGHT) | (op->upwards ? 0 : RV100_TOP_TO_BOTTOM));
	set_master(d, master(d, op));
	set_positions(d, op);
	set(d, BRUSH_BKGD, (uint32_t)d->figure << 28 | (uint32_t)d->operations);
	expect(d, false);
	start(d, op);
	do {
		expect(d, true);
		if (now() - begun > PATIENCE) {
			fprintf(stderr, "%s: the engine does not answer\n", d->name);
			exit(1);
		}
	} while (*reg(d, RV100_GUI_STAT) & RV100_GUI_ACTIVE);
	d->operations++;
}

static void store(struct draw *d, const struct rv_op *op)
{
	for (int y = op->y; y < op->y + op->height; y++) {
		for (int x = op->x; x < op->x + op->width; x++)
			d->screen[(uint32_t)y * (op->dst.pitch / 4) + (uint32_t)x] = op->colour;
	}
	d->operations++;
}

static void emit(struct rv_canvas *c, const struct rv_op *op)
{
	struct draw *d = (struct draw *)c;

	if (op->kind == RV_STORE)
		store(d, op);
	else
		engine(d, op);
}

/* What is there at first may be anything. What the engine does not look at is made a mark. */
static void begin(struct draw *d)
{
	uint32_t mark = (uint32_t)d->figure + 1;

	for (int i = 0; i < REGS; i++)
		d->have[i] = *reg(d, addresses[i]);
	set(d, DEFAULT_PITCH_OFFSET,
	    RV100_PITCH_OFFSET(d->canvas.usual.pitch, d->canvas.usual.offset));
	set(d, DEFAULT_SC_BOTTOM_RIGHT, mark << 16 | mark);
	set(d, WRITE_MASK, ~(mark << 24));
}

/* fbdev's way: the screen at offset 0, the registers behind it; here in one piece. */
static bool map_device(struct draw *d, const char *path)
{
	struct fb_fix_screeninfo fix;
	struct fb_var_screeninfo var;
	char *map;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) || ioctl(fd, FBIOGET_VSCREENINFO, &var))
		return false;
	map = mmap(NULL, fix.smem_len + fix.mmio_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	d->screen = (volatile uint32_t *)(void *)map;
	d->regs = (volatile uint32_t *)(void *)(map + fix.smem_len);
	d->canvas.emit = emit;
	rv_place(&d->canvas, d->figure, (int)var.xres, (int)var.yres, fix.line_length);
	return true;
}

static bool parse(int argc, char **argv, double *seconds, const char **path, int *figure)
{
	int opt;

	while ((opt = getopt(argc, argv, "t:d:")) != -1) {
		if (opt == 't')
			*seconds = atof(optarg);
		else if (opt == 'd')
			*path = optarg;
		else
			return false;
	}
	*figure = optind + 1 == argc ? atoi(argv[optind]) : -1;
	return *figure >= 0 && *figure < RV_FIGURES;
}

int main(int argc, char **argv)
{
	const char *path = "/dev/rv1000";
	double seconds = 3, begun = now();
	struct draw d = { .name = NULL };

	if (!parse(argc, argv, &seconds, &path, &d.figure)) {
		fprintf(stderr, "usage: rv100-draw [-t SECONDS] [-d DEVICE] FIGURE\n");
		return 2;
	}
	d.name = rv_figure_names[d.figure];
	if (!map_device(&d, path)) {
		fprintf(stderr, "%s: %s: %s\n", d.name, path, strerror(errno));
		return 1;
	}
	begin(&d);
	for (unsigned frame = 0; now() - begun < seconds; frame++)
		rv_figures[d.figure](&d.canvas, frame);
	rv_figures[d.figure](&d.canvas, RV_LAST);
	printf("%s: %lu operations, %lu wrong values\n", d.name, d.operations, d.wrong);
	return d.wrong == 0 ? 0 : 1;
}
