/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* chan: what programs map, and ask by ioctl(2). */
#ifndef CHAN_H
#define CHAN_H

#define CHAN_CHANNELS 8 /* a page each, at its number of pages */

#define CHAN_SLEEP    (('c' << 8) | 1) /* the device goes to sleep; who touches a channel wakes it */
#define CHAN_OFF      (('c' << 8) | 2) /* the same, and all mappings end */
#define CHAN_WAKES    (('c' << 8) | 3) /* how often it was woken: the result */
#define CHAN_TAKEN    (('c' << 8) | 4) /* how many channels are in use: the result */

#endif
