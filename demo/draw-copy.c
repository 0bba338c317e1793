/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A motif, copied over and over. demo/scene.c has the picture, demo/draw.c the work. */
#include "draw.h"

int main(int argc, char **argv)
{
	return draw_main(argc, argv, "draw-copy", 2);
}
