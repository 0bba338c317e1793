/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * keep: a device whose contexts outlive the engine, for tests of --on-crash=resume. KEEP_PAGES pages, of which
 * each process has its own. It stops once where it is told to, and does not go on: so an engine is killed at
 * a point that the test has chosen.
 *
 * Properties: keep=0: it keeps nothing. refuse=1: it does not attach to what was kept. model=...: no registers.
 */
#ifndef DEVMAP_TESTS_KEEP_H
#define DEVMAP_TESTS_KEEP_H

#define KEEP_PAGES 4

enum keep_point {
	KEEP_NOWHERE,
	KEEP_OPEN,
	KEEP_CLOSE,
	KEEP_IOCTL, /* KEEP_ECHO */
	KEEP_DEVMAP,
	KEEP_MAP,	/* before the context is there */
	KEEP_MAPPED,	/* and after */
	KEEP_ACCESS,	/* devmap_access(9E) */
	KEEP_CONTEXT,	/* devmap_contextmgt(9E) */
	KEEP_SAVE,	/* the owner's pages are unloaded */
	KEEP_SAVING,	/* a half is saved */
	KEEP_RESTORE,	/* all is saved */
	KEEP_RESTORING, /* a half is restored */
	KEEP_LOAD,	/* all is */
	KEEP_LOADED,	/* and loaded */
	KEEP_DUP,
	KEEP_COPYING, /* a half is copied for a child */
	KEEP_COPIED,
	KEEP_UNMAP,
	KEEP_UNMAPPED,
	KEEP_NPOINTS
};

#define KEEP_STOP  0x6b01 /* argument: enum keep_point */
#define KEEP_STOPS 0x6b02 /* how often it has stopped since the device was new */
#define KEEP_COUNT 0x6b03 /* contexts */
#define KEEP_ECHO  0x6b04 /* the argument */
#define KEEP_LIVES 0x6b05 /* how often attach(9E) has run for this device */
#define KEEP_LOSE  0x6b06 /* the caller's context is none that could be found again */

#endif
