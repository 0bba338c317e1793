/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The pretended frame buffer gx: what programs map. */
#ifndef GX_H
#define GX_H

#define GX_REGS	       0       /* offset of the registers, which each process has for itself */
#define GX_REGS_SIZE   0x2000  /* the first GX_CONTEXT words of each page are its context */
#define GX_SCREEN      0x10000 /* offset of the screen, which all share */
#define GX_SCREEN_SIZE 0x4000
#define GX_CONTEXT     16

#define GX_SWITCHES \
	(('g' << 8) | 1) /* how often the registers went to another context: the result */
#define GX_CONTEXTS (('g' << 8) | 2) /* how many there are */

#endif
