/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The two processes of the user engine. */
#ifndef DEVMAP_ENGINE_USER_ENGINE_H
#define DEVMAP_ENGINE_USER_ENGINE_H

#include "server.h"

/* One engine process: serves the driver of spec until told to stop. Returns the exit status. */
int engine_main(const char *spec, int keeper_fd);

/* What becomes of the clients of an engine that died. */
enum on_crash {
	CRASH_FAIL,    /* their accesses fail with SIGBUS */
	CRASH_RESTART, /* the same, and a new engine serves whoever opens the device again */
	CRASH_BLOCK,   /* their accesses block until they are killed */
};

/* The supervisor: one engine for each spec. Returns the exit status. */
int supervisor_main(char *const *specs, int nspecs, enum on_crash policy);

#endif
