/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * sys/feature_tests.h: which standards are asked for; libc decides that here. Only the machine.
 */
#ifndef DEVMAP_SYS_FEATURE_TESTS_H
#define DEVMAP_SYS_FEATURE_TESTS_H

#include <sys/isa_defs.h>

#endif /* DEVMAP_SYS_FEATURE_TESTS_H */
