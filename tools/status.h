/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the engines say of their devices, and how to look into it. */
#ifndef DEVMAP_TOOLS_STATUS_H
#define DEVMAP_TOOLS_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "devmap.h"

/* Somebody does not answer, or a directory cannot be read: what lies in it, or "", and why. */
typedef void status_say(void *arg, const char *dir, const char *name, const char *why);
status_say status_complain; /* on stderr; arg: the command's name */

/* All devices, an array sorted by name; the caller drops it. NULL, said: a directory cannot be read. */
json_t *status_collect(const struct device_dirs *dirs, status_say *say, void *arg);

/* Of an object; "?" or 0 where there is no such member. */
const char *status_text(json_t *o, const char *name);
long long status_integer(json_t *o, const char *name);
/* times: "wait" or "switch"; which: "p50_us" or "p99_us". */
double status_quantile(json_t *o, const char *times, const char *which);
/* Is the member of a group its owner, or one of those who share the owner's context? */
bool status_owns(json_t *g, json_t *member);
/* Who owns a group: "PID COMMAND", "PID +N COMMAND" if N others share the context, or "-". */
void status_owner(json_t *g, char *buf, size_t len);

#endif
