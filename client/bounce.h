/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Data of ordinary calls in device memory. With a user-mode-only userfaultfd the kernel cannot
 * touch a device mapping and fails the call with EFAULT; so the data go through a buffer (data.c).
 * A call may move less than was asked for, as it always may.
 */
#ifndef DEVMAP_CLIENT_BOUNCE_H
#define DEVMAP_CLIENT_BOUNCE_H

#include "internal.h"

struct bounce {
	struct iovec iov; /* what to give to the real call */
	void *program;	  /* whose data these are */
	size_t size;	  /* of the buffer; 0: none, and iov is the program's own memory */
};

void bounce_begin(struct bounce *b, const void *buf, size_t n, bool out);

/* Data that the call reads from the program. */
static inline void bounce_out(struct bounce *b, const void *buf, size_t n)
{
	if (maps_near(buf, n)) {
		bounce_begin(b, buf, n, true);
	} else {
		b->iov = (struct iovec){ .iov_base = (void *)buf, .iov_len = n };
		b->size = 0;
	}
}

/* Data that the call will write. */
static inline void bounce_in(struct bounce *b, void *buf, size_t n)
{
	if (maps_near(buf, n)) {
		bounce_begin(b, buf, n, false);
	} else {
		b->iov = (struct iovec){ .iov_base = buf, .iov_len = n };
		b->size = 0;
	}
}

void bounce_end(struct bounce *b);
/* Delivers the n bytes that came (n < 0: an error); returns n. */
ssize_t bounce_in_end(struct bounce *b, ssize_t n);

/* One buffer for a vector of which some part is device memory; false if none is. */
bool bounce_vector(struct bounce *b, const struct iovec *iov, size_t n, bool out);
ssize_t bounce_scatter(struct bounce *b, const struct iovec *iov, size_t count, ssize_t n);

#endif
