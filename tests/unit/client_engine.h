/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * An engine that test_client.c can make do anything: one device, the client's side of which is
 * tested.
 */
#ifndef DEVMAP_TEST_CLIENT_ENGINE_H
#define DEVMAP_TEST_CLIENT_ENGINE_H

/* ioctl(2) commands of its device. */
enum {
	FAKE_REVERSE = 0x4401, /* reverses FAKE_BYTES at arg; result: the first of them */
	FAKE_REFUSE_FORK,      /* the next DM_FORK fails with errno arg */
	FAKE_UNMAPPED,	       /* result: pages that DM_MUNMAP named so far */
	FAKE_DIE,	       /* exits without an answer */
	FAKE_WAIT,	       /* EINTR after DM_CANCEL */
	FAKE_VERSION,	       /* the door speaks another version from now on */
	FAKE_FLAGS,	       /* result: a5 */
	FAKE_LOCKED,	       /* result: pages locked now */
	FAKE_SHORT_MMAP,       /* the next mapping has a piece outside of what was asked for */
	FAKE_SESSIONS,	       /* result: sessions that are attached */
};

#define FAKE_BYTES 100000
#define FAKE_PAGES 16
#define FAKE_RDEV  0xe901
#define FAKE_TOKEN 4711

/* Serves DIR/NAME for ever. */
void fake_serve(const char *dir, const char *name) __attribute__((noreturn));

#endif
