/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* ctest under another name: a second driver, and so a second engine process, for C16 and C26. */
#define CTEST_NAME "ctestz"
#include "ctest.c"
