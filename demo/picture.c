/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Writes what the screen shows as a PNG. Arguments: PICTURE [DEVICE]. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/fb.h>

#include "image.h"

static uint32_t *copy_screen(int fd, const struct fb_fix_screeninfo *fix,
			     const struct fb_var_screeninfo *var)
{
	size_t len = (size_t)fix->line_length * var->yres;
	uint32_t *pixels = calloc((size_t)var->xres * var->yres, sizeof(*pixels));
	char *screen = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	for (uint32_t y = 0; pixels != NULL && screen != MAP_FAILED && y < var->yres; y++)
		memcpy(pixels + y * var->xres, screen + (size_t)y * fix->line_length,
		       var->xres * sizeof(*pixels));
	if (screen == MAP_FAILED) {
		free(pixels);
		return NULL;
	}
	(void)munmap(screen, len);
	return pixels;
}

static uint32_t *read_screen(const char *path, int *width, int *height)
{
	struct fb_fix_screeninfo fix;
	struct fb_var_screeninfo var;
	uint32_t *pixels;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) || ioctl(fd, FBIOGET_VSCREENINFO, &var))
		return NULL;
	pixels = copy_screen(fd, &fix, &var);
	close(fd);
	*width = (int)var.xres;
	*height = (int)var.yres;
	return pixels;
}

int main(int argc, char **argv)
{
	const char *device = argc > 2 ? argv[2] : "/dev/xfb0";
	uint32_t *pixels;
	int width, height;
	bool ok;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: picture PICTURE [DEVICE]\n");
		return 2;
	}
	pixels = read_screen(device, &width, &height);
	if (pixels == NULL) {
		fprintf(stderr, "picture: %s: %s\n", device, strerror(errno));
		return 1;
	}
	ok = image_save(argv[1], pixels, width, height);
	free(pixels);
	return ok ? 0 : 1;
}
