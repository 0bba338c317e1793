/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/fbio.h: commands to frame buffers, for drivers and for programs. fbio(4I). Their numbers are
 * Solaris's; Linux's <linux/fb.h> has some of them for other commands, and of the same names: a source
 * includes one of the two.
 */
#ifndef DEVMAP_SYS_FBIO_H
#define DEVMAP_SYS_FBIO_H

#include <sys/types.h>

#define FIOC		     ('F' << 8)

#define FBTYPE_NOTYPE	     (-1)
#define FBTYPE_SUN1BW	     0
#define FBTYPE_SUN1COLOR     1
#define FBTYPE_SUN2BW	     2
#define FBTYPE_SUN2COLOR     3
#define FBTYPE_SUN2GP	     4
#define FBTYPE_SUN5COLOR     5
#define FBTYPE_SUN3COLOR     6
#define FBTYPE_MEMCOLOR	     7
#define FBTYPE_SUN4COLOR     8
#define FBTYPE_SUNFAST_COLOR 12
#define FBTYPE_SUNROP_COLOR  13
#define FBTYPE_SUNLEO	     19
#define FBTYPE_MDICOLOR	     20
#define FBTYPE_LASTPLUSONE   21

struct fbtype {
	int fb_type;
	int fb_height; /* pixels */
	int fb_width;
	int fb_depth;  /* bits */
	int fb_cmsize; /* entries */
	int fb_size;   /* bytes */
};

struct fbcmap {
	int index;
	int count;
	unsigned char *red;
	unsigned char *green;
	unsigned char *blue;
};

struct fbinfo {
	int fb_physaddr;
	int fb_hwwidth;
	int fb_hwheight;
	int fb_addrdelta;
	unsigned char *fb_ropaddr;
	int fb_unit;
};

struct fbsattr {
	int flags;
	int emu_type;
	int dev_specific[8];
};

#define FB_ATTR_AUTOINIT    1
#define FB_ATTR_DEVSPECIFIC 2

struct fbgattr {
	int real_type;
	int owner;
	struct fbtype fbtype;
	struct fbsattr sattr;
	int emu_types[4];
};

struct fbcurpos {
	short x;
	short y;
};

#define FBVIDEO_OFF			   0
#define FBVIDEO_ON			   1

#define FBIOGTYPE			   (FIOC | 0)
#define FBIOGPIXRECT			   (FIOC | 1)
#define FBIOGINFO			   (FIOC | 2)
#define FBIOPUTCMAP			   (FIOC | 3)
#define FBIOGETCMAP			   (FIOC | 4)
#define FBIOSATTR			   (FIOC | 5)
#define FBIOGATTR			   (FIOC | 6)
#define FBIOSVIDEO			   (FIOC | 7)
#define FBIOGVIDEO			   (FIOC | 8)
#define FBIOVERTICAL			   (FIOC | 9)
#define FBIOGPLNGRP			   (FIOC | 13)
#define FBIOGCMSIZE			   (FIOC | 14)
#define FBIOSCMSIZE			   (FIOC | 15)
#define FBIOSCMS			   (FIOC | 16)
#define FBIOAVAILPLNGRP			   (FIOC | 17)
#define FBIODBLGINFO			   (FIOC | 18)
#define FBIODBLSINFO			   (FIOC | 19)
#define FBIOSWINFD			   (FIOC | 20)
#define FBIOSAVWINFD			   (FIOC | 21)
#define FBIORESWINFD			   (FIOC | 22)
#define FBIOSRWINFD			   (FIOC | 23)
#define FBIOSCURSOR			   (FIOC | 24)
#define FBIOGCURSOR			   (FIOC | 25)
#define FBIOSCURPOS			   (FIOC | 26)
#define FBIOGCURPOS			   (FIOC | 27)
#define FBIOGCURMAX			   (FIOC | 28)
#define FBIO_WID_ALLOC			   (FIOC | 30)
#define FBIO_WID_FREE			   (FIOC | 31)
#define FBIO_WID_PUT			   (FIOC | 32)
#define FBIO_WID_GET			   (FIOC | 33)
#define FBIO_DEVID			   (FIOC | 34)
#define FBIO_U_RST			   (FIOC | 35)
#define FBIO_FULLSCREEN_ELIMINATION_GROUPS (FIOC | 36)
#define FBIO_WID_DBL_SET		   (FIOC | 37)
#define FBIOVRTOFFSET			   (FIOC | 38)
#define FBIOGXINFO			   (FIOC | 39)
#define FBIOMONINFO			   (FIOC | 40)
#define FBIOPUTCMAPI			   (FIOC | 41)
#define FBIOGETCMAPI			   (FIOC | 42)
#define FBIO_ASSIGNWID			   (FIOC | 43)
#define FBIO_STEREO			   (FIOC | 44)

#endif /* DEVMAP_SYS_FBIO_H */
