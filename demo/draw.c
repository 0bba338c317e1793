/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An ordinary program that draws with an accelerated frame buffer: it opens the device, maps it, and
 * loads and stores as if it were alone. It knows nothing of devmap, and nothing here waits for, or
 * tells, any other program.
 *
 * All the while it reads its registers back. Whatever is not what it stored there is a wrong value.
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

#include "../drivers/xfb.h"
#include "draw.h"
#include "scene.h"

#define STATE_WORDS (sizeof(struct op_state) / 4)
#define LOCAL_WORDS 8
#define PATIENCE    20.0 /* seconds for one operation */

struct draw {
	struct canvas canvas; /* first: emit() gets back to its draw */
	const char *name;
	volatile uint32_t *regs;
	volatile uint32_t *screen;
	uint32_t fence;
	uint32_t local; /* what this program keeps in the local memory */
	unsigned long operations, wrong;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static volatile uint32_t *reg(struct draw *d, unsigned offset)
{
	return d->regs + offset / 4;
}

static void expect(struct draw *d, unsigned offset, uint32_t want)
{
	uint32_t got = *reg(d, offset);

	if (got == want)
		return;
	if (d->wrong++ < 5)
		fprintf(stderr, "%s: register 0x%03x is 0x%08x, should be 0x%08x\n", d->name,
			offset, got, want);
}

static void expect_state(struct draw *d, const uint32_t *words)
{
	for (unsigned i = 0; i < STATE_WORDS; i++)
		expect(d, XFB_STATE + i * 4, words[i]);
	for (unsigned i = 0; i < LOCAL_WORDS; i++)
		expect(d, XFB_LOCAL + i * 4, d->local ^ i);
	expect(d, XFB_ERROR, 0);
}

/* Stores every register, starts the engine, and checks until the fence says that it is done. */
static void engine(struct draw *d, const struct op *op)
{
	uint32_t words[STATE_WORDS];
	double begun = now();

	memcpy(words, &op->state, sizeof(words));
	for (unsigned i = 0; i < STATE_WORDS; i++)
		*reg(d, XFB_STATE + i * 4) = words[i];
	*reg(d, XFB_COMMAND) = op->command;
	do {
		expect_state(d, words);
		if (now() - begun > PATIENCE) {
			fprintf(stderr, "%s: the engine does not answer\n", d->name);
			exit(1);
		}
	} while (*reg(d, XFB_FENCE) == d->fence);
	d->fence++;
	expect(d, XFB_FENCE, d->fence);
	expect_state(d, words);
	d->operations++;
}

static void store(struct draw *d, const struct op_state *s)
{
	for (uint32_t y = 0; y < s->height; y++) {
		volatile uint32_t *row =
			d->screen + ((uint32_t)s->dst_y + y) * (s->pitch / 4) + s->dst_x;

		for (uint32_t x = 0; x < s->width; x++)
			row[x] = s->foreground;
	}
	d->operations++;
}

static void emit(struct canvas *c, const struct op *op)
{
	struct draw *d = (struct draw *)c;

	if (op->command == SCENE_STORE)
		store(d, &op->state);
	else
		engine(d, op);
}

static void begin(struct draw *d)
{
	d->fence = *reg(d, XFB_FENCE);
	d->local = (uint32_t)getpid() << 8;
	for (unsigned i = 0; i < LOCAL_WORDS; i++)
		*reg(d, XFB_LOCAL + i * 4) = d->local ^ i;
	*reg(d, XFB_ERROR) = 0;
}

/* fbdev's way: the screen at offset 0, the registers on the page after it. */
static bool map_device(struct draw *d, const char *path, int scene)
{
	struct fb_fix_screeninfo fix;
	struct fb_var_screeninfo var;
	off_t mmio;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) || ioctl(fd, FBIOGET_VSCREENINFO, &var))
		return false;
	mmio = (off_t)((fix.smem_len + 4095UL) & ~4095UL);
	d->screen = mmap(NULL, fix.smem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	d->regs = mmap(NULL, fix.mmio_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, mmio);
	close(fd);
	if (d->screen == MAP_FAILED || d->regs == MAP_FAILED)
		return false;
	d->canvas.pitch = fix.line_length;
	d->canvas.emit = emit;
	scene_place(&d->canvas, scene, (int)var.xres, (int)var.yres);
	return true;
}

int draw_main(int argc, char **argv, const char *name, int scene)
{
	struct draw d = { .name = name };
	double seconds = 3, begun = now();
	const char *path;
	int opt;

	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't') {
			fprintf(stderr, "usage: %s [-t SECONDS] [DEVICE]\n", name);
			return 2;
		}
		seconds = atof(optarg);
	}
	path = optind < argc ? argv[optind] : "/dev/xfb0";
	if (!map_device(&d, path, scene)) {
		fprintf(stderr, "%s: %s: %s\n", name, path, strerror(errno));
		return 1;
	}
	begin(&d);
	for (unsigned frame = 0; now() - begun < seconds; frame++)
		scenes[scene](&d.canvas, frame);
	scenes[scene](&d.canvas, SCENE_LAST);
	printf("%s: %lu operations, %lu wrong values\n", name, d.operations, d.wrong);
	return d.wrong == 0 ? 0 : 1;
}
