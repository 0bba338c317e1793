/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Fans of lines. demo/scene.c has the picture, demo/draw.c the work. */
#include "draw.h"

int main(int argc, char **argv)
{
	return draw_main(argc, argv, "draw-line", 1);
}
