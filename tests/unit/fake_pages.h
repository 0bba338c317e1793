/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Device memory and models for tests of the DDI: plain memory instead of engine/user/pages.c, and
 * as much of model.c and core as that needs. Also: what was said on standard error.
 */
#ifndef DEVMAP_TESTS_UNIT_FAKE_PAGES_H
#define DEVMAP_TESTS_UNIT_FAKE_PAGES_H

#include <stdbool.h>

/* Is the calling thread inside a region's lock? For buffers that must not be touched under it. */
bool fake_region_locked(void);
/* How many regions, and how many device memories, exist. */
int fake_regions(void);
int fake_memories(void);

/*
 * Standard error from log_capture() on goes to log_captured(), which ends it; until the next
 * capture.
 */
void log_capture(void);
const char *log_captured(void);

#endif
