/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Between the files of the harness. */
#ifndef DEVMAP_TESTS_INTERNAL_H
#define DEVMAP_TESTS_INTERNAL_H

extern unsigned suite_flags;	    /* of run_tests() */
void prepare_stage(void);	    /* memory for actors, in the process of a test */
void show_driver(const char *name); /* its log and the engine's view, as comments */

#endif
