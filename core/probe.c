/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who is told of probes, in engines that have no tracepoints: see probe.h. */
#include "internal.h"
#include "probe.h"

void (*devmap_probe_sink)(const struct probe_event *e);
