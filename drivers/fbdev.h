/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a frame buffer of one mode, 32 bits a pixel, says to programs written for Linux's fbdev: the
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
#define FBDEV_BLANK	       0x4611
#define FBDEV_BLANK_MAX	       4 /* FB_BLANK_POWERDOWN; 0: FB_BLANK_UNBLANK */

#define FBDEV_VISUAL_TRUECOLOR 2
#define FBDEV_NCMAP	       256 /* entries of the colour map */

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

/* The frame buffer. A mapping has the screen at offset 0, and the registers from smem_len on. */
struct fbdev {
	const char *name;
	int instance;
	uint32_t width, height, pitch;
	size_t smem_len, mmio_len;
};

/* 60 Hz with the margins of VESA's 640x480: nothing depends on it but what fbset shows. */
static void fbdev_var(const struct fbdev *fb, struct fbdev_var *var)
{
	bzero(var, sizeof(*var));
	var->xres = var->xres_virtual = fb->width;
	var->yres = var->yres_virtual = fb->height;
	var->bits_per_pixel = 32;
	var->red.offset = 16;
	var->green.offset = 8;
	var->red.length = var->green.length = var->blue.length = 8;
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

static void fbdev_fix(const struct fbdev *fb, struct fbdev_fix *fix)
{
	bzero(fix, sizeof(*fix));
	(void)snprintf(fix->id, sizeof(fix->id), "%s%d", fb->name, fb->instance);
	fix->smem_len = (uint32_t)fb->smem_len;
	fix->visual = FBDEV_VISUAL_TRUECOLOR;
	fix->line_length = fb->pitch;
	fix->mmio_len = (uint32_t)fb->mmio_len;
}

static int fbdev_get_var(const struct fbdev *fb, intptr_t arg, int mode)
{
	struct fbdev_var var;

	fbdev_var(fb, &var);
	return ddi_copyout(&var, (void *)arg, sizeof(var), mode) != 0 ? EFAULT : 0;
}

static int fbdev_get_fix(const struct fbdev *fb, intptr_t arg, int mode)
{
	struct fbdev_fix fix;

	fbdev_fix(fb, &fix);
	return ddi_copyout(&fix, (void *)arg, sizeof(fix), mode) != 0 ? EFAULT : 0;
}

/* There is one mode and nothing to pan over. EINVAL for a program that wants something else. */
static int fbdev_accept(const struct fbdev *fb, int cmd, intptr_t arg, int mode)
{
	struct fbdev_var want, have;

	if (ddi_copyin((void *)arg, &want, sizeof(want), mode) != 0)
		return EFAULT;
	fbdev_var(fb, &have);
	if (want.xoffset != 0 || want.yoffset != 0)
		return EINVAL;
	if (cmd == FBDEV_PUT_VAR &&
	    (want.xres != have.xres || want.yres != have.yres || want.xres_virtual > have.xres ||
	     want.yres_virtual > have.yres || want.bits_per_pixel != have.bits_per_pixel ||
	     want.grayscale != 0))
		return EINVAL;
	return ddi_copyout(&have, (void *)arg, sizeof(have), mode) != 0 ? EFAULT : 0;
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

/* ioctl(9E), but for FBDEV_BLANK, which is the hardware's. ENOTTY: not one of fbdev's. */
static int fbdev_ioctl(const struct fbdev *fb, int cmd, intptr_t arg, int mode)
{
	switch (cmd) {
	case FBDEV_GET_VAR:
		return fbdev_get_var(fb, arg, mode);
	case FBDEV_GET_FIX:
		return fbdev_get_fix(fb, arg, mode);
	case FBDEV_PUT_VAR:
	case FBDEV_PAN:
		return fbdev_accept(fb, cmd, arg, mode);
	case FBDEV_GET_CMAP:
	case FBDEV_PUT_CMAP:
		return fbdev_cmap(cmd, arg, mode);
	default:
		return ENOTTY;
	}
}

#endif
