/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The pieces of mappings: see pieces.h. */
#include <unistd.h>

#include "pieces.h"

void pieces_send(struct pieces *ps, uint16_t type, uint64_t v0)
{
	struct dm_reply r;

	reply_init(&r, ps->error);
	r.type = type;
	r.v[0] = v0;
	r.npieces = ps->error == 0 ? ps->n : 0;
	reply_send(ps->rq, &r, ps->piece, ps->fds, r.npieces);
	for (unsigned i = 0; i < ps->n; i++)
		close(ps->fds[i]);
	ps->n = 0;
}

/* One piece of a handle, or several where shared memory lies in several places. */
void pieces_add(struct devmap_handle *dh, void *arg)
{
	struct pieces *ps = arg;
	size_t done = 0;

	if (dh->dh_uvaddr < ps->start || dh->dh_uvaddr >= ps->end)
		return;
	while (done < dh->dh_len && ps->error == 0) {
		struct dm_piece *p = &ps->piece[ps->n];

		ps->error = handle_piece(dh, done, p, &ps->fds[ps->n]);
		if (ps->error != 0)
			break;
		p->addr += ps->distance;
		p->fd = ps->n++;
		done += p->len;
		if (ps->n == DM_PIECES_MAX)
			pieces_send(ps, DM_PIECES, 0);
	}
}
