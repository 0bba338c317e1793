// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The tracepoints' code, made by trace.h. */
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
