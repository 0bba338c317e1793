/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * xfb: an accelerated frame buffer, as programs and the driver see it. doc/xfb.md tells the rest.
 *
 * A mapping of the device has the screen at offset 0 (32 bits a pixel, 0x00RRGGBB, XFB_PITCH bytes
 * a row, unless the display has been told otherwise), followed, on the next page, by one page of
 * registers: fbdev's smem and mmio. Registers have 32 bits and the byte order of the CPU; below are
 * their offsets in the page, in bytes.
 */
#ifndef XFB_H
#define XFB_H

/* What the device is and does. Stores have no effect that lasts. */
#define XFB_ID	       0x000 /* XFB_MAGIC */
#define XFB_STATUS     0x004
#define XFB_WIDTH      0x008 /* of the screen, pixels */
#define XFB_HEIGHT     0x00c
#define XFB_PITCH      0x010 /* bytes from one row of the screen to the next, at 32 bits a pixel */
#define XFB_MEMORY     0x014 /* bytes of screen memory, whole pages */
#define XFB_OPERATIONS 0x018 /* operations ended since the device is there */

#define XFB_MAGIC      0x31626678 /* "xfb1" */

/* XFB_STATUS */
#define XFB_BUSY 0x1 /* an operation is in flight */

/* A store starts the operation. 0 when the engine has taken it. */
#define XFB_COMMAND 0x040

#define XFB_SYNC    1 /* nothing but the end of an operation */
#define XFB_FILL    2 /* rectangle XFB_DST, XFB_EXTENT in XFB_FOREGROUND */
#define XFB_COPY    3 /* rectangle XFB_SRC, XFB_EXTENT to XFB_DST */
#define XFB_LINE    4 /* from XFB_FROM to XFB_TO, both ends drawn */

/* The state: what belongs to the context of a process. From here to the end of the page. */
#define XFB_STATE	0x080
#define XFB_FOREGROUND	0x080
#define XFB_BACKGROUND	0x084
#define XFB_ROP		0x088
#define XFB_PATTERN	0x08c /* of lines: bit set: foreground; lowest bit first */
#define XFB_SRC_X	0x090
#define XFB_SRC_Y	0x094
#define XFB_DST_X	0x098
#define XFB_DST_Y	0x09c
#define XFB_EXTENT_X	0x0a0
#define XFB_EXTENT_Y	0x0a4
#define XFB_FROM_X	0x0a8
#define XFB_FROM_Y	0x0ac
#define XFB_TO_X	0x0b0
#define XFB_TO_Y	0x0b4
#define XFB_CLIP_X	0x0b8 /* nothing is drawn outside the clip rectangle */
#define XFB_CLIP_Y	0x0bc
#define XFB_CLIP_WIDTH	0x0c0
#define XFB_CLIP_HEIGHT 0x0c4
#define XFB_DST_PITCH	0x0c8 /* the surface drawn on: bytes a row, a multiple of 4 */
#define XFB_DST_OFFSET	0x0cc /* where it begins in screen memory, a multiple of 4 */
#define XFB_FENCE	0x0d0 /* goes up by 1 when an operation has ended */
#define XFB_ERROR	0x0d4 /* the last error; it stays until something is stored */

/* Memory that the engine does not look at, for the program's own use. */
#define XFB_LOCAL	   0x100
#define XFB_REGISTERS_SIZE 0x1000

/*
 * XFB_ROP: the truth table of the operation. Bit 0: the result where source and destination are 1,
 * bit 1: source 1 and destination 0, bit 2: source 0 and destination 1, bit 3: both 0.
 */
#define XFB_ROP_CLEAR	      0x0
#define XFB_ROP_AND	      0x1
#define XFB_ROP_COPY	      0x3
#define XFB_ROP_NOOP	      0x5
#define XFB_ROP_XOR	      0x6
#define XFB_ROP_OR	      0x7
#define XFB_ROP_NOR	      0x8
#define XFB_ROP_EQUIV	      0x9
#define XFB_ROP_INVERT	      0xa
#define XFB_ROP_COPY_INVERTED 0xc
#define XFB_ROP_NAND	      0xe
#define XFB_ROP_SET	      0xf

/* XFB_ERROR. An operation with an error draws nothing, and ends: the fence goes up. */
#define XFB_ERROR_COMMAND 1 /* no such command */
#define XFB_ERROR_ROP	  2 /* no such raster operation */
#define XFB_ERROR_SURFACE 3 /* pitch or offset is not a multiple of 4, or outside */
#define XFB_ERROR_RANGE	  4 /* a coordinate of a line is outside +-XFB_COORD_MAX */
#define XFB_ERROR_LOST	  5 /* it was in flight when the engine died: some of it may be drawn */

#define XFB_COORD_MAX	  32767

/*
 * The display, on a page of its own that no program can map. It shows XFB_HEIGHT rows of screen
 * memory, XFB_DISPLAY_HZ times a second, and then rests for a while: the vertical blank.
 */
#define XFB_DISPLAY_DEPTH 0x000 /* bits a pixel: 16, 24 or 32 */
#define XFB_DISPLAY_PITCH 0x004 /* bytes from one row to the next */
#define XFB_DISPLAY_START 0x008 /* where in screen memory the first row begins */
/* Stores have no effect that lasts: */
#define XFB_DISPLAY_FRAMES 0x010 /* vertical blanks that have begun */
#define XFB_DISPLAY_LINE   0x014 /* which is being sent; from XFB_HEIGHT on: the blank */
#define XFB_DISPLAY_SIZE   0x1000

#define XFB_DISPLAY_HZ	   60
#define XFB_DISPLAY_BLANK  45 /* lines, after those of the screen */

/*
 * ioctl(2), with a struct xfb_look: the picture that the display shows, or would show if a process
 * had the device, at one moment. doc/xfb.md tells who may look at what.
 */
#define XFBIO_LOOK 0xc0205802 /* _IOWR('X', 2, struct xfb_look) */

struct xfb_look {
	int pid;		    /* whose; 0: what is shown. Then: whose it was; 0: nobody's */
	unsigned width, height;	    /* in pixels */
	unsigned depth;		    /* bits a pixel */
	unsigned pitch;		    /* bytes from one row to the next */
	unsigned len;		    /* bytes at picture; then: of the whole picture */
	unsigned long long picture; /* where to put it, as far as len goes */
};

/*
 * ioctl(2), for a device with the property switch-ioctl: puts the caller's context into the device,
 * which is what programs have to do for themselves where nothing switches on access. 0, or ENXIO:
 * the process has none, since it has not mapped the device.
 */
#define XFBIO_SWITCH 0x5801 /* _IO('X', 1) */

#endif
