/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* accel: what programs map, and ask by ioctl(2). */
#ifndef ACCEL_H
#define ACCEL_H

#define ACCEL_PAGES    4  /* of registers, at offset 0 */
#define ACCEL_WORDS    16 /* at the beginning of each page are the context's */

#define ACCEL_CONTEXTS (('a' << 8) | 1) /* how many there are: the result */
#define ACCEL_SWITCHES (('a' << 8) | 2) /* how often one came into the device */

#endif
