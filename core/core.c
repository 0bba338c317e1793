/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The beginning and the end of the core itself. */
#include "internal.h"

void devmap_core_init(void)
{
	handles_init();
	groups_init();
	waits_init();
}

void devmap_core_fini(void)
{
	waits_fini();
	groups_fini();
	handles_fini();
}
