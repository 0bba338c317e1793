/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See bounce.h. */
#include <limits.h>

#include "bounce.h"

#define BOUNCE_MAX ((size_t)16 << 20)

void bounce_begin(struct bounce *b, const void *buf, size_t n, bool out)
{
	void *p = NULL;

	b->program = (void *)buf;
	b->iov = (struct iovec){ .iov_base = (void *)buf, .iov_len = n };
	b->size = 0;
	if (n == 0 || !maps_bounce(buf, n))
		return;
	if (n > BOUNCE_MAX)
		n = BOUNCE_MAX;
	p = bounce_get(n);
	if (p == NULL) /* the kernel will say EFAULT */
		return;
	if (out && data_fetch(p, buf, n) != 0) {
		bounce_put(p, n);
		return;
	}
	b->iov = (struct iovec){ .iov_base = p, .iov_len = n };
	b->size = n;
}

void bounce_end(struct bounce *b)
{
	if (b->size != 0)
		bounce_put(b->iov.iov_base, b->size);
}

ssize_t bounce_in_end(struct bounce *b, ssize_t n)
{
	int error = 0;

	if (n > 0 && b->size != 0)
		error = data_store(b->program, b->iov.iov_base,
				   (size_t)n < b->size ? (size_t)n : b->size);
	bounce_end(b);
	return error != 0 ? finish((ssize_t)error) : n;
}

bool bounce_vector(struct bounce *b, const struct iovec *iov, size_t n, bool out)
{
	size_t len = 0, at = 0;
	bool need = false;
	int error = 0;

	if (atomic_load_explicit(&maps_hi, memory_order_relaxed) == 0 || n > IOV_MAX)
		return false;
	for (size_t i = 0; i < n && len < BOUNCE_MAX; i++) {
		need |= maps_bounce(iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len < BOUNCE_MAX - len ? iov[i].iov_len : BOUNCE_MAX - len;
	}
	b->iov = (struct iovec){ .iov_base = need ? bounce_get(len) : NULL, .iov_len = len };
	b->size = len;
	if (b->iov.iov_base == NULL)
		return false;
	for (size_t i = 0; out && i < n && at < len && error == 0; i++) {
		size_t part = iov[i].iov_len < len - at ? iov[i].iov_len : len - at;

		error = data_fetch((char *)b->iov.iov_base + at, iov[i].iov_base, part);
		at += part;
	}
	if (error != 0) /* as in bounce_begin() */
		bounce_end(b);
	return error == 0;
}

ssize_t bounce_scatter(struct bounce *b, const struct iovec *iov, size_t count, ssize_t n)
{
	size_t len = n > 0 ? ((size_t)n < b->size ? (size_t)n : b->size) : 0, at = 0;
	int error = 0;

	for (size_t i = 0; i < count && at < len && error == 0; i++) {
		size_t part = iov[i].iov_len < len - at ? iov[i].iov_len : len - at;

		error = data_store(iov[i].iov_base, (char *)b->iov.iov_base + at, part);
		at += part;
	}
	bounce_end(b);
	return error != 0 ? finish((ssize_t)error) : n;
}
