/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/visual_io.h: commands to frame buffers by their kind. visual_io(4I). The numbers only.
 */
#ifndef DEVMAP_SYS_VISUAL_IO_H
#define DEVMAP_SYS_VISUAL_IO_H

#define VIOC		  ('V' << 8)
#define VIOCF		  ('F' << 8)

#define VIS_GETIDENTIFIER (VIOC | 0)
#define VIS_DEVINIT	  (VIOC | 1)
#define VIS_DEVFINI	  (VIOC | 2)
#define VIS_CONSCURSOR	  (VIOC | 3)
#define VIS_CONSDISPLAY	  (VIOC | 5)
#define VIS_CONSCOPY	  (VIOC | 7)
#define VIS_GETCMAP	  (VIOC | 9)
#define VIS_PUTCMAP	  (VIOC | 10)
#define VIS_SETCURSOR	  (VIOCF | 24)
#define VIS_GETCURSOR	  (VIOCF | 25)
#define VIS_MOVECURSOR	  (VIOCF | 26)
#define VIS_GETCURSORPOS  (VIOCF | 27)

#endif /* DEVMAP_SYS_VISUAL_IO_H */
