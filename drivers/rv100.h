/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * rv100: the 2D engine of the ATI Radeon RV100, as programs and the driver see it. doc/rv100.md
 * tells the rest.
 *
 * A mapping of the device has video memory at offset 0, with the screen at its begin (32 bits a
 * pixel, 0x00RRGGBB, RV100_PITCH bytes a row), followed by one page of registers: fbdev's smem and
 * mmio. Registers have 32 bits. Below are their offsets in the chip's register space, in bytes, of
 * which the page begins at RV100_REGISTERS: RV100_DP_CNTL is 0x6c0 bytes into it.
 */
#ifndef RV100_H
#define RV100_H

#define RV100_REGISTERS	     0x1000
#define RV100_REGISTERS_SIZE 0x1000

#define RV100_WIDTH	     640 /* of the screen, pixels */
#define RV100_HEIGHT	     480
#define RV100_PITCH	     (RV100_WIDTH * 4)

/* The state of the 2D engine: each process has its own. */
#define RV100_DST_OFFSET	      0x1404 /* a surface: where it begins, a multiple of 1024 */
#define RV100_DST_PITCH		      0x1408 /* bytes a row, a multiple of 16 */
#define RV100_DST_WIDTH		      0x140c /* of the rectangle; a store starts the engine */
#define RV100_DST_HEIGHT	      0x1410
#define RV100_SRC_X		      0x1414
#define RV100_SRC_Y		      0x1418
#define RV100_DST_X		      0x141c
#define RV100_DST_Y		      0x1420
#define RV100_DP_GUI_MASTER_CNTL      0x146c /* its own bits, DP_DATATYPE and DP_MIX at once */
#define RV100_DP_BRUSH_BKGD_CLR	      0x1478
#define RV100_DP_BRUSH_FRGD_CLR	      0x147c /* the colour of a fill */
#define RV100_SRC_OFFSET	      0x15ac
#define RV100_SRC_PITCH		      0x15b0
#define RV100_DP_CNTL		      0x16c0
#define RV100_DP_DATATYPE	      0x16c4
#define RV100_DP_MIX		      0x16c8
#define RV100_DP_WRITE_MASK	      0x16cc
#define RV100_DEFAULT_PITCH_OFFSET    0x16e0 /* of surfaces without one of their own */
#define RV100_DEFAULT_SC_BOTTOM_RIGHT 0x16e8

/* Other ways to store some of these, two at once. They cannot be loaded. */
#define RV100_SRC_PITCH_OFFSET 0x1428
#define RV100_DST_PITCH_OFFSET 0x142c
#define RV100_SRC_Y_X	       0x1434 /* named from the high half to the low one */
#define RV100_DST_Y_X	       0x1438
#define RV100_DST_HEIGHT_WIDTH 0x143c /* starts the engine */
#define RV100_DST_WIDTH_X      0x1588 /* starts the engine */
#define RV100_SRC_X_Y	       0x1590
#define RV100_DST_X_Y	       0x1594
#define RV100_DST_WIDTH_HEIGHT 0x1598 /* starts the engine */
#define RV100_DST_HEIGHT_Y     0x15a0

/* What the device is doing. */
#define RV100_GUI_STAT	 0x1740
#define RV100_GUI_ACTIVE 0x80000000

/* Both fields of RV100_SRC_PITCH_OFFSET and its like; pitch is a multiple of 64 here. */
#define RV100_PITCH_OFFSET(pitch, offset) ((pitch) / 64 << 22 | (offset) / 1024)

/* DP_GUI_MASTER_CNTL: what it keeps itself, and what can be loaded from it */
#define RV100_GMC_SRC_PITCH_OFFSET 0x00000001 /* not DEFAULT_PITCH_OFFSET */
#define RV100_GMC_DST_PITCH_OFFSET 0x00000002
#define RV100_GMC_CLR_CMP_CLEAR	   0x10000000
#define RV100_GMC_AUX_CLIP_CLEAR   0x20000000
#define RV100_GMC_WRITE_MASK_SET   0x40000000
#define RV100_GMC_OWN		   0xf800000f
/* ... what goes to DP_DATATYPE */
#define RV100_GMC_BRUSH_SOLID  0x000000d0
#define RV100_GMC_DST_8BPP     0x00000200
#define RV100_GMC_DST_16BPP    0x00000400
#define RV100_GMC_DST_32BPP    0x00000600
#define RV100_GMC_SRC_DSTCOLOR 0x00003000
/* ... and to DP_MIX */
#define RV100_GMC_ROP3_MASK 0x00ff0000
#define RV100_GMC_SRC_RECT  0x02000000

/* The raster operation of DP_GUI_MASTER_CNTL and DP_MIX. QEMU has the first four. */
#define RV100_ROP3_BLACKNESS 0x00000000
#define RV100_ROP3_SRCCOPY   0x00cc0000
#define RV100_ROP3_PATCOPY   0x00f00000
#define RV100_ROP3_WHITENESS 0x00ff0000
#define RV100_ROP3_NOOP	     0x00aa0000

/* DP_CNTL: where a rectangle goes from its X, Y. Without either, these are the last pixel. */
#define RV100_LEFT_TO_RIGHT 0x00000001
#define RV100_TOP_TO_BOTTOM 0x00000002

#endif
