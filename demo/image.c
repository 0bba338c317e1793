/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

static png_image new_image(int width, int height)
{
	png_image image;

	memset(&image, 0, sizeof(image));
	image.version = PNG_IMAGE_VERSION;
	image.width = (png_uint_32)width;
	image.height = (png_uint_32)height;
	image.format = PNG_FORMAT_RGB;
	return image;
}

bool image_save(const char *path, const uint32_t *pixels, int width, int height)
{
	png_image image = new_image(width, height);
	size_t n = (size_t)width * (size_t)height;
	unsigned char *rgb = malloc(n * 3);
	bool ok = false;

	for (size_t i = 0; rgb != NULL && i < n; i++) {
		rgb[i * 3] = (unsigned char)(pixels[i] >> 16);
		rgb[i * 3 + 1] = (unsigned char)(pixels[i] >> 8);
		rgb[i * 3 + 2] = (unsigned char)pixels[i];
	}
	if (rgb == NULL)
		fprintf(stderr, "%s: %s\n", path, strerror(ENOMEM));
	else if (!png_image_write_to_file(&image, path, 0, rgb, 0, NULL))
		fprintf(stderr, "%s: %s\n", path, image.message);
	else
		ok = true;
	free(rgb);
	return ok;
}

static uint32_t *unpack(const unsigned char *rgb, size_t n)
{
	uint32_t *pixels = malloc(n * sizeof(*pixels));

	for (size_t i = 0; pixels != NULL && i < n; i++)
		pixels[i] = (uint32_t)rgb[i * 3] << 16 | (uint32_t)rgb[i * 3 + 1] << 8 |
			    rgb[i * 3 + 2];
	return pixels;
}

uint32_t *image_load(const char *path, int *width, int *height)
{
	png_image image = new_image(0, 0);
	unsigned char *rgb;
	uint32_t *pixels = NULL;

	if (!png_image_begin_read_from_file(&image, path)) {
		fprintf(stderr, "%s: %s\n", path, image.message);
		return NULL;
	}
	image.format = PNG_FORMAT_RGB;
	rgb = malloc(PNG_IMAGE_SIZE(image));
	if (rgb != NULL && png_image_finish_read(&image, NULL, rgb, 0, NULL))
		pixels = unpack(rgb, (size_t)image.width * image.height);
	else
		fprintf(stderr, "%s: %s\n", path, image.message);
	*width = (int)image.width;
	*height = (int)image.height;
	png_image_free(&image);
	free(rgb);
	return pixels;
}
