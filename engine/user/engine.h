/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The two processes of the user engine. */
#ifndef DEVMAP_ENGINE_USER_ENGINE_H
#define DEVMAP_ENGINE_USER_ENGINE_H

#include "server.h"

struct journal;

/*
 * One engine process: serves the driver of spec until told to stop. resumable: if it dies another one is to go
 * on. before: what the one before it has left, or NULL. Returns the exit status.
 */
int engine_main(const char *spec, int keeper_fd, bool resumable, const struct journal *before);

/* What becomes of the clients of an engine that died. */
enum on_crash {
	CRASH_FAIL,    /* their accesses fail with SIGBUS */
	CRASH_RESTART, /* the same, and a new engine serves whoever opens the device again */
	CRASH_BLOCK,   /* their accesses block until they are killed */
	CRASH_RESUME,  /* they block until a new engine has taken over, and then complete */
};

/* The supervisor: one engine for each spec. Returns the exit status. */
int supervisor_main(char *const *specs, int nspecs, enum on_crash policy);

#endif
