/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Process ids as drivers see them: ddi_get_pid(9F). Drivers find a process's context by it, so it
 * means one address space, as long as a session lasts. Mostly it is the id of the process; but when
 * the id comes again before the session of the one who had it has ended, the newcomer gets a number
 * above all ids, which he keeps as long as he lives. So does one whose id is not seen from here.
 */
#ifndef DEVMAP_ENGINE_USER_NUMBER_H
#define DEVMAP_ENGINE_USER_NUMBER_H

#include <sys/types.h>

struct session;

/* Of a process that asks and has no session. */
pid_t number_of(pid_t pid);
/* Sets s->number; s->pid and s->pidfd are set. */
void number_give(struct session *s);

#endif
