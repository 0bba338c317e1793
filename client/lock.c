/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Locking device mappings (C13). The request may wait for the device as long as an access may, so
 * no lock of ours is held: other threads go on mapping and unmapping.
 */
#include "internal.h"

static void set_locked(struct map *m, int locked)
{
	m->locked = locked != 0;
}

static void note(uintptr_t start, uintptr_t end, int locked)
{
	struct held h;

	ops_lock(&h);
	maps_change(start, end, set_locked, locked);
	ops_unlock(&h);
}

int lock_range(uint16_t op, uintptr_t start, uintptr_t end)
{
	uintptr_t from = start;
	struct map m, next;
	int error = 0;

	while (error == 0 && maps_first(from, end, &m)) {
		while (m.end < end && maps_first(m.end, end, &next) && next.start == m.end &&
		       next.session == m.session)
			m.end = next.end;
		error = session_call(m.session, op, m.start, m.end - m.start);
		if (error == 0) {
			note(m.start, m.end, op == DM_LOCK);
			from = m.end;
		}
	}
	/* All or nothing. */
	if (error != 0 && op == DM_LOCK && from > start)
		(void)lock_range(DM_UNLOCK, start, from);
	return error;
}
