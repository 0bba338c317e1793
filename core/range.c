/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Ranges of a handle and of a memory (C15). None of the sums here can overflow. */
#include "internal.h"

/*
 * The pages of [off, off + len) of a handle: from the one that holds off to the one that holds the
 * last byte. off is a user offset in the logical device, len bytes; len 0: to the end of the
 * handle. Stores the index of the first page in the handle and their number. Returns 0, or EINVAL
 * for a range outside the handle. a_lock held.
 */
int range_pages(const struct devmap_handle *dh, offset_t off, size_t len, pgcnt_t *first,
		pgcnt_t *n)
{
	size_t from;

	if (off < dh->dh_off || (u_offset_t)(off - dh->dh_off) >= dh->dh_len)
		return EINVAL;
	from = (size_t)(off - dh->dh_off);
	if (len == 0)
		len = dh->dh_len - from;
	if (len > dh->dh_len - from)
		return EINVAL;
	*first = PAGES(from);
	*n = PAGES(from + len - 1) - *first + 1;
	return 0;
}

/* Are there len bytes at off in a memory of so many bytes? */
boolean_t range_fits(offset_t off, size_t len, size_t whole)
{
	return off >= 0 && (u_offset_t)off <= whole && len <= whole - (size_t)off ? B_TRUE :
										    B_FALSE;
}

/* The protection that an access (enum devmap_rw) needs; 0 for DEVMAP_OTHER: any will do. */
uint_t prot_of_rw(uint_t rw)
{
	switch (rw) {
	case DEVMAP_READ:
		return PROT_READ;
	case DEVMAP_WRITE:
	case DEVMAP_CREATE:
		return PROT_WRITE;
	case DEVMAP_EXEC:
		return PROT_EXEC;
	default:
		return 0;
	}
}
