/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What tests/guest/unplug_client.c asks of kbar. */
#ifndef DEVMAP_TESTS_KBAR_H
#define DEVMAP_TESTS_KBAR_H

#define KBAR_SLEEP  4096   /* read(2) from this offset: sleeps until a signal comes */
#define KBAR_COPY   0x6b01 /* ioctl(2): copies a byte in */
#define KBAR_REFUSE 0x6b02 /* detach(9E) fails from now on */

#endif
