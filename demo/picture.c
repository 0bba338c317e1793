/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Writes what the screen shows as a PNG. Arguments: PICTURE [DEVICE]. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/fb.h>

#include "image.h"

/* Reads one row of the screen. */
static bool read_row(int fd, uint32_t *row, size_t len, off_t off)
{
	char *to = (char *)row;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, off);

		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return false;
		}
		to += n;
		off += n;
		len -= (size_t)n;
	}
	return true;
}

static uint32_t *read_screen(const char *path, int *width, int *height)
{
	struct fb_fix_screeninfo fix;
	struct fb_var_screeninfo var;
	uint32_t *pixels;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) || ioctl(fd, FBIOGET_VSCREENINFO, &var))
		return NULL;
	pixels = calloc((size_t)var.xres * var.yres, sizeof(*pixels));
	for (uint32_t y = 0; pixels != NULL && y < var.yres; y++) {
		if (!read_row(fd, pixels + y * var.xres, var.xres * sizeof(*pixels),
			      (off_t)y * fix.line_length)) {
			free(pixels);
			pixels = NULL;
		}
	}
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
