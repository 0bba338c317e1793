/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The kernel engine's events: its tracepoints, in an instance of tracefs that is ours, by its name
 * "devmap-PID". One whose process has gone without taking it away is taken away by the next.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#include "trace.h"

#define SYSTEM "devmap"
#define BUFFER "4096" /* KiB for each CPU */

static struct tracefs_instance *instance;
static struct tep_handle *events;

/* Those of dead processes. */
static int sweep(const char *name, void *arg)
{
	struct tracefs_instance *dead;
	int pid;

	(void)arg;
	if (sscanf(name, SYSTEM "-%d", &pid) != 1 || kill(pid, 0) == 0 || errno != ESRCH)
		return 0;
	dead = tracefs_instance_create(name);
	if (dead != NULL) {
		(void)tracefs_event_disable(dead, SYSTEM, NULL);
		(void)tracefs_instance_destroy(dead);
		tracefs_instance_free(dead);
	}
	return 0;
}

static void give_up(const char *what)
{
	fprintf(stderr, "devmap: trace: the kernel engine: %s: %s\n", what, strerror(errno));
	trace_kernel_end(NULL);
}

static bool instance_make(void)
{
	char name[32];

	(void)tracefs_instances_walk(sweep, NULL);
	snprintf(name, sizeof(name), SYSTEM "-%d", (int)getpid());
	instance = tracefs_instance_create(name);
	if (instance == NULL || tracefs_instance_file_write(instance, "trace_clock", "mono") < 0 ||
	    tracefs_instance_file_write(instance, "buffer_size_kb", BUFFER) < 0) {
		give_up("a buffer of its own");
		return false;
	}
	return true;
}

bool trace_kernel_begin(void)
{
	static const char *const systems[] = { SYSTEM, NULL };

	if (access("/sys/module/devmap", F_OK) != 0)
		return false;
	if (geteuid() != 0) {
		fprintf(stderr, "devmap: trace: the kernel engine: only root may trace it\n");
		return false;
	}
	if (!instance_make())
		return false;
	events = tracefs_local_events_system(NULL, systems);
	if (events == NULL || tracefs_event_enable(instance, SYSTEM, NULL) != 0) {
		give_up("its tracepoints");
		return false;
	}
	return true;
}

static unsigned long long number(struct tep_event *event, const char *field,
				 struct tep_record *record)
{
	unsigned long long value = 0;

	if (tep_get_field_val(NULL, event, field, record, &value, 0) != 0)
		return 0;
	return value;
}

static const char *driver_of(struct tep_event *event, struct tep_record *record)
{
	char name[64];
	int len = 0;
	const char *at = tep_get_field_raw(NULL, event, "driver", record, &len, 0);

	snprintf(name, sizeof(name), "%.*s", at != NULL ? len : 1, at != NULL ? at : "?");
	return driver_named(name);
}

/* 0: none of the core's. */
static enum probe_kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum probe_kind kind;
	} table[] = {
		{ "devmap_access", PROBE_ACCESS }, { "devmap_wait", PROBE_WAIT },
		{ "devmap_grant", PROBE_GRANT },   { "devmap_hold_end", PROBE_HOLD_END },
		{ "devmap_load", PROBE_LOAD },	   { "devmap_unload", PROBE_UNLOAD },
		{ "devmap_dup", PROBE_DUP },	   { "devmap_unmap", PROBE_UNMAP },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(name, table[i].name) == 0)
			return table[i].kind;
	return 0;
}

static int take(struct tep_event *event, struct tep_record *record, int cpu, void *arg)
{
	const enum probe_kind kind = kind_of(event->name);
	struct traced e = { .time = record->ts };

	(void)cpu;
	if (kind == 0)
		return 0;
	e.e = (struct probe_event){
		.kind = kind,
		.driver = driver_of(event, record),
		.instance = (int)number(event, "instance", record),
		.pid = (int)number(event, "pid", record),
		.other = (int)number(event, kind == PROBE_WAIT ? "owner" : "child", record),
		.result = (int)number(event, "result", record),
		.type = (unsigned)number(event, "type", record),
		.rw = (unsigned)number(event, "rw", record),
		.off = (long long)number(event, "off", record),
		.len = number(event, "len", record),
		.waited = number(event, "waited", record),
		.took = number(event, kind == PROBE_HOLD_END ? "held" : "took", record),
	};
	gather(arg, &e);
	return 0;
}

void trace_kernel_read(struct gathered *g)
{
	if (instance != NULL)
		(void)tracefs_iterate_raw_events(events, instance, NULL, 0, take, g);
}

/* What the buffers had no room for. */
static uint64_t overruns(void)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	uint64_t sum = 0, n;
	char file[64];

	for (long i = 0; i < cpus; i++) {
		char *text, *at;

		snprintf(file, sizeof(file), "per_cpu/cpu%ld/stats", i);
		text = tracefs_instance_file_read(instance, file, NULL);
		at = text != NULL ? strstr(text, "overrun: ") : NULL;
		n = at != NULL ? strtoull(at + strlen("overrun: "), NULL, 10) : 0;
		sum += n;
		free(text);
	}
	return sum;
}

void trace_kernel_end(struct gathered *g)
{
	if (instance != NULL) {
		(void)tracefs_event_disable(instance, SYSTEM, NULL);
		if (g != NULL && events != NULL) {
			trace_kernel_read(g);
			g->lost += overruns();
		}
		(void)tracefs_instance_destroy(instance);
		tracefs_instance_free(instance);
	}
	if (events != NULL)
		tep_free(events);
	instance = NULL;
	events = NULL;
}
