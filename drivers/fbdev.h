/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a frame buffer of one size, in true colour, says to programs written for Linux's fbdev: the
 * commands and structures of <linux/fb.h> for 64-bit programs, as documented, and the answers that
 * do not depend on the hardware. For drivers, after the headers of the DDI.
 */
#ifndef DRIVERS_FBDEV_H
#define DRIVERS_FBDEV_H

#define FBDEV_GET_VAR	       0x4600
#define FBDEV_PUT_VAR	       0x4601
#define FBDEV_GET_FIX	       0x4602
#define FBDEV_GET_CMAP	       0x4604
#define FBDEV_PUT_CMAP	       0x4605
#define FBDEV_PAN	       0x4606
#define FBDEV_GET_CON2FBMAP    0x460f
#define FBDEV_BLANK	       0x4611
#define FBDEV_GET_VBLANK       ((int)0x80204612)
#define FBDEV_WAITFORVSYNC     0x40044620
#define FBDEV_BLANK_MAX	       4 /* FB_BLANK_POWERDOWN; 0: FB_BLANK_UNBLANK */

#define FBDEV_VISUAL_TRUECOLOR 2
#define FBDEV_NCMAP	       256 /* entries of the colour map */
#define FBDEV_CONSOLES	       63
#define FBDEV_ACTIVATE_MASK    15
#define FBDEV_ACTIVATE_TEST    2

#define FBDEV_VBLANKING	       0x001
#define FBDEV_HAVE_VBLANK      0x004
#define FBDEV_HAVE_COUNT       0x010
#define FBDEV_HAVE_VCOUNT      0x020

struct fbdev_bitfield {
	uint32_t offset, length, msb_right;
};

struct fbdev_var {
	uint32_t xres, yres, xres_virtual, yres_virtual, xoffset, yoffset;
	uint32_t bits_per_pixel, grayscale;
	struct fbdev_bitfield red, green, blue, transp;
	uint32_t nonstd, activate;
	uint32_t height, width; /* millimetres */
	uint32_t accel_flags;
	uint32_t pixclock; /* picoseconds */
	uint32_t left_margin, right_margin, upper_margin, lower_margin, hsync_len, vsync_len;
	uint32_t sync, vmode, rotate, colorspace, reserved[4];
};

struct fbdev_fix {
	char id[16];
	uint64_t smem_start;
	uint32_t smem_len, type, type_aux, visual;
	uint16_t xpanstep, ypanstep, ywrapstep;
	uint32_t line_length;
	uint64_t mmio_start;
	uint32_t mmio_len, accel;
	uint16_t capabilities, reserved[2];
};

struct fbdev_cmap {
	uint32_t start, len;
	uint64_t channel[4]; /* where uint16_t are: red, green, blue, transp */
};

struct fbdev_vblank {
	uint32_t flags, count, vcount, hcount, reserved[4];
};

struct fbdev_con2fbmap {
	uint32_t console, framebuffer;
};

/* What a program can choose: how pixels lie in screen memory, and which are shown. */
struct fbdev_mode {
	uint32_t depth;	  /* bits a pixel */
	uint32_t pitch;	  /* bytes a row */
	uint32_t rows;	  /* to show some of: yres_virtual */
	uint32_t yoffset; /* the first that is shown */
};

/* The frame buffer. A mapping has the screen at offset 0, and the registers from smem_len on. */
struct fbdev {
	const char *name;
	int instance;
	uint32_t width, height; /* of what is shown */
	size_t smem_len, mmio_len;
	boolean_t fixed; /* it has no other mode, whatever fits into smem_len */
};

/* Bytes of a row. Rows begin at multiples of 64. */
static uint32_t fbdev_pitch(uint32_t width, uint32_t depth)
{
	return P2ROUNDUP(width * (depth / 8), 64U);
}

/* A depth is one that programs know: 16 (5, 6 and 5 bits), 24 or 32 (8 bits each). */
static boolean_t fbdev_is_depth(uint32_t depth)
{
	return depth == 16 || depth == 24 || depth == 32;
}

static void fbdev_colours(uint32_t depth, struct fbdev_var *var)
{
	var->bits_per_pixel = depth;
	var->red.length = var->green.length = var->blue.length = depth == 16 ? 5 : 8;
	if (depth == 16)
		var->green.length = 6;
	var->green.offset = var->blue.length;
	var->red.offset = var->green.offset + var->green.length;
}

/* 60 Hz with the margins of VESA's 640x480: nothing depends on it but what fbset shows. */
static void fbdev_var(const struct fbdev *fb, const struct fbdev_mode *m, struct fbdev_var *var)
{
	bzero(var, sizeof(*var));
	var->xres = var->xres_virtual = fb->width;
	var->yres = fb->height;
	var->yres_virtual = m->rows;
	var->yoffset = m->yoffset;
	fbdev_colours(m->depth, var);
	var->height = var->width = 0xffffffff;
	var->left_margin = 48;
	var->right_margin = 16;
	var->hsync_len = 96;
	var->upper_margin = 33;
	var->lower_margin = 10;
	var->vsync_len = 2;
	var->pixclock = (uint32_t)(1000000000000ULL / 60 / (fb->width + 48 + 16 + 96) /
				   (fb->height + 33 + 10 + 2));
}

static int fbdev_get_var(const struct fbdev *fb, const struct fbdev_mode *m, intptr_t arg, int mode)
{
	struct fbdev_var var;

	fbdev_var(fb, m, &var);
	return ddi_copyout(&var, (void *)arg, sizeof(var), mode) != 0 ? EFAULT : 0;
}

static int fbdev_get_fix(const struct fbdev *fb, const struct fbdev_mode *m, intptr_t arg, int mode)
{
	struct fbdev_fix fix;

	bzero(&fix, sizeof(fix));
	(void)snprintf(fix.id, sizeof(fix.id), "%s%d", fb->name, fb->instance);
	fix.smem_len = (uint32_t)fb->smem_len;
	fix.visual = FBDEV_VISUAL_TRUECOLOR;
	fix.line_length = m->pitch;
	fix.ypanstep = fb->fixed ? 0 : 1;
	fix.mmio_len = (uint32_t)fb->mmio_len;
	return ddi_copyout(&fix, (void *)arg, sizeof(fix), mode) != 0 ? EFAULT : 0;
}

/*
 * fbdev_change(): what becomes of the mode *m if a program wants `want`, by FBDEV_PUT_VAR or FBDEV_PAN.
 *
 * Returns 0, and *m is the new mode (with FBDEV_ACTIVATE_TEST too, which is the caller's to heed); or
 * EINVAL for what there is not. Of the rows that it wants it gets those that fit: programs want twice what
 * is shown, look at what they have got, and give up if they are refused.
 */
static int fbdev_change(const struct fbdev *fb, int cmd, const struct fbdev_var *want,
			struct fbdev_mode *m)
{
	struct fbdev_mode next = *m;

	if (cmd == FBDEV_PUT_VAR) {
		next.depth = want->bits_per_pixel;
		if (want->xres != fb->width || want->yres != fb->height ||
		    want->xres_virtual > fb->width || want->grayscale != 0 ||
		    !fbdev_is_depth(next.depth) || (fb->fixed && next.depth != m->depth))
			return EINVAL;
		if (!fb->fixed) {
			next.pitch = fbdev_pitch(fb->width, next.depth);
			next.rows = MIN(MAX(want->yres_virtual, fb->height),
					(uint32_t)(fb->smem_len / next.pitch));
		}
	}
	next.yoffset = want->yoffset;
	if (want->xoffset != 0 || next.yoffset > next.rows - fb->height)
		return EINVAL;
	*m = next;
	return 0;
}

/* No console is on it. But programs ask for the one they run on, and then open what they are told. */
static int fbdev_con2fbmap(const struct fbdev *fb, intptr_t arg, int mode)
{
	struct fbdev_con2fbmap map;

	if (ddi_copyin((void *)arg, &map, sizeof(map), mode) != 0)
		return EFAULT;
	if (map.console < 1 || map.console > FBDEV_CONSOLES)
		return EINVAL;
	map.framebuffer = (uint32_t)fb->instance;
	return ddi_copyout(&map, (void *)arg, sizeof(map), mode) != 0 ? EFAULT : 0;
}

/* Pixels are colours, so the map is fixed: a ramp. Programs may read it, and set it in vain. */
static int fbdev_cmap(int cmd, intptr_t arg, int mode)
{
	struct fbdev_cmap cmap;
	uint16_t ramp[FBDEV_NCMAP];
	int error = 0;

	if (ddi_copyin((void *)arg, &cmap, sizeof(cmap), mode) != 0)
		return EFAULT;
	if (cmap.start > FBDEV_NCMAP || cmap.len > FBDEV_NCMAP - cmap.start)
		return EINVAL;
	for (uint_t i = 0; i < NELEM(cmap.channel) && error == 0; i++) {
		void *user = (void *)(uintptr_t)cmap.channel[i];
		size_t len = cmap.len * sizeof(ramp[0]);

		for (uint_t j = 0; j < cmap.len; j++)
			ramp[j] = i < 3 ? (uint16_t)((cmap.start + j) * 0x101) : 0;
		if (user == NULL || len == 0)
			continue;
		error = cmd == FBDEV_GET_CMAP ? ddi_copyout(ramp, user, len, mode) :
						ddi_copyin(user, ramp, len, mode);
	}
	return error != 0 ? EFAULT : 0;
}

/*
 * ioctl(9E) for what is only asked, in mode *m: not FBDEV_PUT_VAR, FBDEV_PAN and FBDEV_BLANK, nor what the
 * display's clock is needed for. ENOTTY: not one of these.
 */
static int fbdev_ioctl(const struct fbdev *fb, const struct fbdev_mode *m, int cmd, intptr_t arg,
		       int mode)
{
	switch (cmd) {
	case FBDEV_GET_VAR:
		return fbdev_get_var(fb, m, arg, mode);
	case FBDEV_GET_FIX:
		return fbdev_get_fix(fb, m, arg, mode);
	case FBDEV_GET_CMAP:
	case FBDEV_PUT_CMAP:
		return fbdev_cmap(cmd, arg, mode);
	case FBDEV_GET_CON2FBMAP:
		return fbdev_con2fbmap(fb, arg, mode);
	default:
		return ENOTTY;
	}
}

#endif
