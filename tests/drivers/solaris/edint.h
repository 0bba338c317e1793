/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* edint: what its clients ask for by ioctl(2). Whoever includes it has brought _IOWR. */
#ifndef EDINT_H
#define EDINT_H

struct edint_job {
	unsigned int operand;
	unsigned int result; /* operand!, of 32 bits */
};

struct edint_counts {
	unsigned int hard;     /* interrupts that were the device's */
	unsigned int spurious; /* and that were not */
	unsigned int soft;
	unsigned int last; /* what the last one said */
	int message;	   /* are they messages (MSI)? */
};

#define EDINT_FACTORIAL _IOWR('E', 1, struct edint_job)
#define EDINT_RAISE	_IO('E', 2) /* the argument's bits: returns when they have come */
#define EDINT_COUNTS	_IOR('E', 3, struct edint_counts)

#endif
