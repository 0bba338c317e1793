/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Between the files of the harness. */
#ifndef DEVMAP_TESTS_INTERNAL_H
#define DEVMAP_TESTS_INTERNAL_H

#include <stdbool.h>

extern unsigned suite_flags;	    /* of run_tests() */
void prepare_stage(void);	    /* memory for actors, in the process of a test */
void show_driver(const char *name); /* its log and the engine's view, as comments */

/* kernel.c: the test drivers as modules, with what the flags of run_tests() ask for. */
bool kernel_drivers_load(unsigned flags);
bool kernel_drivers_unload(void);
void kernel_log_begin(void);	    /* what the kernel says from now on counts */
bool kernel_said(const char *text); /* has it said this since? */
void kernel_log_show(void);	    /* what it has said since the last time, as comments */

#endif
