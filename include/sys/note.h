/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/note.h: remarks to tools that nobody runs here. NOTE(3EXT).
 */
#ifndef DEVMAP_SYS_NOTE_H
#define DEVMAP_SYS_NOTE_H

#ifndef _NOTE
#define _NOTE(s)
#endif
#ifndef NOTE
#define NOTE(s)
#endif

#endif /* DEVMAP_SYS_NOTE_H */
