/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See timeline.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "status.h"
#include "timeline.h"

/*
 * In the file everything is on a track, a "tid", of a "pid". Processes have their own pid. Devices have
 * numbers that no process has. What may overlap has several tracks: its lanes.
 */
#define DEVICE_PID   (1 << 23)
#define LANES	     16	    /* what overlaps more is drawn over one another */
#define BLUR_NS	     100000 /* between the end of a switch and the word of it */
#define TRACK_OWNER  1	    /* of a device, and its lanes */
#define TRACK_SWITCH 50	    /* as well */
#define TRACKS_EACH  100    /* of a process, for each device: */
#define TRACK_EVENT  1
#define TRACK_OWNS   2
#define TRACK_WAITS  50

struct lanes {
	uint64_t busy_until[LANES];
	bool named[LANES];
};

/* One that owns a device, or waits for it. */
struct span {
	LIST_ENTRY(span) link;
	pid_t pid;
	uint64_t since;
};
LIST_HEAD(spans, span);

struct device {
	LIST_ENTRY(device) link;
	pid_t engine;
	char driver[64];
	int instance;
	unsigned number;
	char name[80];
	bool left_out, seen;
	struct lanes owner, switches;
	struct spans owners, waiting;
	/* The last that ceased to own it: what follows says why. */
	struct span ended;
	uint64_t ended_at; /* 0: that has been written */
	pid_t unmapped;	   /* whose mapping went last */
};

/* A process, as far as it uses a device. */
struct user {
	LIST_ENTRY(user) link;
	pid_t pid;
	const struct device *device;
	bool named;
	struct lanes owns, waits;
};

struct process {
	LIST_ENTRY(process) link;
	pid_t pid;
	char command[32];
};

struct timeline {
	FILE *out;
	uint64_t start;
	uint64_t flows;
	bool some;
	char *const *only;
	size_t nonly;
	unsigned ndevices;
	LIST_HEAD(, device) devices;
	LIST_HEAD(, user) users;
	LIST_HEAD(, process) processes;
};

/*
 * The file.
 */

/* In us since the beginning of the trace, as the format wants it. */
static double us(const struct timeline *t, uint64_t time)
{
	return time <= t->start ? 0 : (double)(time - t->start) / 1000.0;
}

static void put(struct timeline *t, json_t *event)
{
	if (event == NULL)
		return;
	fputs(t->some ? ",\n" : "\n", t->out);
	t->some = true;
	json_dumpf(event, t->out, JSON_COMPACT | JSON_REAL_PRECISION(15));
	json_decref(event);
}

static void put_name(struct timeline *t, const char *what, int pid, int tid, const char *name)
{
	put(t, json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "ph", "M", "name", what, "pid", pid,
			 "tid", tid, "args", "name", name));
}

/* Takes args. */
static void put_slice(struct timeline *t, int pid, int tid, const char *name, uint64_t from,
		      uint64_t to, json_t *args)
{
	const double begin = us(t, from), end = us(t, to);

	put(t,
	    json_pack("{s:s, s:s, s:i, s:i, s:f, s:f, s:o}", "ph", "X", "name", name, "pid", pid,
		      "tid", tid, "ts", begin, "dur", end > begin ? end - begin : 0, "args", args));
}

static void put_instant(struct timeline *t, int pid, int tid, const char *name, uint64_t at,
			json_t *args)
{
	put(t, json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:o}", "ph", "i", "s", "t", "name", name,
			 "pid", pid, "tid", tid, "ts", us(t, at), "args", args));
}

/* From a slice that is there at this time to another. */
static void put_flow(struct timeline *t, const char *end, uint64_t id, int pid, int tid,
		     uint64_t at)
{
	put(t, json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:f}", "ph", end, "bp", "e", "name",
			 "turn", "cat", "turn", "id", (json_int_t)id, "pid", pid, "tid", tid, "ts",
			 us(t, at)));
}

/*
 * Tracks.
 */

/* One of the tracks from `first` on that is free then; it has a name from now on. */
static int lane(struct timeline *t, struct lanes *l, int pid, int first, const char *name,
		uint64_t from, uint64_t to)
{
	int i = 0;

	while (i < LANES - 1 && l->busy_until[i] > from)
		i++;
	if (to > l->busy_until[i])
		l->busy_until[i] = to;
	if (!l->named[i])
		put_name(t, "thread_name", pid, first + i, name);
	l->named[i] = true;
	return first + i;
}

static int device_pid(const struct device *d)
{
	return DEVICE_PID + (int)d->number;
}

static int user_track(const struct user *u, int track)
{
	return (int)u->device->number * TRACKS_EACH + track;
}

/*
 * Who is who.
 */

static void read_command(pid_t pid, char *buf, size_t len)
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(buf, (int)len, f) == NULL)
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	for (char *c = buf; *c != '\0'; c++) /* a process may call itself anything */
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (f != NULL)
		fclose(f);
}

/* command: NULL: as the system says now, if it does. */
static struct process *process_of(struct timeline *t, pid_t pid, const char *command)
{
	struct process *p;
	char name[64];

	LIST_FOREACH(p, &t->processes, link)
	{
		if (p->pid == pid)
			return p;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->pid = pid;
	if (command != NULL)
		snprintf(p->command, sizeof(p->command), "%s", command);
	else
		read_command(pid, p->command, sizeof(p->command));
	LIST_INSERT_HEAD(&t->processes, p, link);
	snprintf(name, sizeof(name), "%s%s%d", p->command, p->command[0] != '\0' ? " " : "process ",
		 (int)pid);
	put_name(t, "process_name", pid, 0, name);
	return p;
}

/* "COMMAND PID". */
static const char *title_of(struct timeline *t, pid_t pid, char buf[64])
{
	const struct process *p = process_of(t, pid, NULL);

	snprintf(buf, 64, "%s%s%d", p != NULL ? p->command : "",
		 p != NULL && p->command[0] != '\0' ? " " : "", (int)pid);
	return buf;
}

static struct user *user_of(struct timeline *t, const struct device *d, pid_t pid)
{
	struct user *u;

	LIST_FOREACH(u, &t->users, link)
	{
		if (u->pid == pid && u->device == d)
			return u;
	}
	(void)process_of(t, pid, NULL);
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return NULL;
	u->pid = pid;
	u->device = d;
	LIST_INSERT_HEAD(&t->users, u, link);
	return u;
}

static bool is_wanted(const struct timeline *t, const char *name)
{
	for (size_t i = 0; i < t->nonly; i++)
		if (strcmp(t->only[i], name) == 0)
			return true;
	return t->nonly == 0;
}

/* name: of a node of it, or NULL: none is known. */
static struct device *device_of(struct timeline *t, pid_t engine, const char *driver, int instance,
				const char *name)
{
	struct device *d;

	LIST_FOREACH(d, &t->devices, link)
	{
		if (d->engine == engine && d->instance == instance &&
		    strcmp(d->driver, driver) == 0)
			return d;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->engine = engine;
	d->instance = instance;
	d->number = ++t->ndevices;
	snprintf(d->driver, sizeof(d->driver), "%s", driver);
	if (name != NULL)
		snprintf(d->name, sizeof(d->name), "%s", name);
	else
		snprintf(d->name, sizeof(d->name), "%s%d", d->driver, instance);
	d->left_out = !is_wanted(t, d->name);
	LIST_INSERT_HEAD(&t->devices, d, link);
	return d;
}

static void device_show(struct timeline *t, struct device *d)
{
	char name[128];

	if (d->seen)
		return;
	d->seen = true;
	snprintf(name, sizeof(name), "device %s (%s engine)", d->name,
		 d->engine == 0 ? "kernel" : "user");
	put_name(t, "process_name", device_pid(d), 0, name);
	put(t, json_pack("{s:s, s:s, s:i, s:{s:i}}", "ph", "M", "name", "process_sort_index", "pid",
			 device_pid(d), "args", "sort_index", -1));
}

/* The oldest. */
static struct span *span_of(struct spans *l, pid_t pid)
{
	struct span *s, *oldest = NULL;

	LIST_FOREACH(s, l, link)
	{
		if (s->pid == pid)
			oldest = s;
	}
	return oldest;
}

static void span_add(struct spans *l, pid_t pid, uint64_t since)
{
	struct span *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return;
	s->pid = pid;
	s->since = since;
	LIST_INSERT_HEAD(l, s, link);
}

static void span_end(struct span *s)
{
	LIST_REMOVE(s, link);
	free(s);
}

/*
 * What is over.
 */

static void put_ownership(struct timeline *t, struct device *d, const struct span *s, uint64_t to,
			  const char *end)
{
	struct user *u = user_of(t, d, s->pid);
	char title[64], name[128];

	if (u == NULL)
		return;
	put_slice(t, device_pid(d),
		  lane(t, &d->owner, device_pid(d), TRACK_OWNER, "owner", s->since, to),
		  title_of(t, s->pid, title), s->since, to, json_pack("{s:s}", "ended by", end));
	snprintf(name, sizeof(name), "%s: owns", d->name);
	put_slice(t, s->pid,
		  lane(t, &u->owns, s->pid, user_track(u, TRACK_OWNS), name, s->since, to), "owns",
		  s->since, to, json_pack("{s:s, s:s}", "device", d->name, "ended by", end));
}

/* The last that ceased to own it. next: who was granted it then, or 0. */
static void flush_ended(struct timeline *t, struct device *d, pid_t next)
{
	char title[64];

	if (d->ended_at == 0)
		return;
	put_ownership(t, d, &d->ended, d->ended_at,
		      next != 0			  ? title_of(t, next, title) :
		      d->unmapped == d->ended.pid ? "the end of its mappings" :
						    "its engine");
	d->ended_at = 0;
}

static void put_wait(struct timeline *t, struct device *d, struct user *u, uint64_t from,
		     uint64_t to, uint64_t flow, const char *end)
{
	char name[128];
	int tid;

	snprintf(name, sizeof(name), "%s: waits", d->name);
	tid = lane(t, &u->waits, u->pid, user_track(u, TRACK_WAITS), name, from, to);
	put_slice(t, u->pid, tid, "waits", from, to,
		  json_pack("{s:s, s:s}", "device", d->name, "ended by", end));
	if (flow != 0)
		put_flow(t, "s", flow, u->pid, tid, from);
}

static json_t *args_of(const struct probe_event *e)
{
	static const char *const types[] = { "access", "?", "lock", "unlock" };
	static const char *const rws[] = { "other", "read", "write", "exec" };
	json_t *o = json_pack("{s:I, s:I}", "off", (json_int_t)e->off, "len", (json_int_t)e->len);

	if (e->kind == PROBE_ACCESS || e->kind == PROBE_GRANT || e->kind == PROBE_LOAD) {
		json_object_set_new(o, "type", json_string(types[e->type & 3]));
		json_object_set_new(o, "rw", json_string(rws[e->rw & 3]));
	}
	if (e->kind != PROBE_UNMAP)
		json_object_set_new(o, "result", json_integer(e->result));
	return o;
}

static void add_grant(struct timeline *t, struct device *d, struct user *u, const struct traced *e)
{
	const uint64_t taken = e->time - e->e.took, asked = taken - e->e.waited;
	/* Switches of a group follow one another; so they shall look. */
	const uint64_t before = d->switches.busy_until[0];
	const uint64_t began = before > taken && before - taken < BLUR_NS ? before : taken;
	/* A new owner: not one that shares the context of whoever owns it, and is granted too (X5). */
	const bool begins = e->e.result == 0 && (d->ended_at != 0 || LIST_EMPTY(&d->owners));
	struct span *waiting = span_of(&d->waiting, u->pid);
	uint64_t flow = e->e.waited != 0 ? ++t->flows : 0;
	json_t *args = args_of(&e->e);
	char title[64];
	int tid;

	if (e->e.result == 0)
		flush_ended(t, d, u->pid);
	if (e->e.waited != 0)
		put_wait(t, d, u, asked, began, flow, e->e.result == 0 ? "its turn" : "an error");
	if (waiting != NULL && e->e.waited != 0)
		span_end(waiting);
	json_object_set_new(args, "waited us", json_real((double)e->e.waited / 1000));
	tid = lane(t, &d->switches, device_pid(d), TRACK_SWITCH, "devmap_contextmgt", began,
		   e->time);
	put_slice(t, device_pid(d), tid, title_of(t, u->pid, title), began, e->time, args);
	if (flow != 0)
		put_flow(t, "f", flow, device_pid(d), tid, began);
	if (begins && span_of(&d->owners, u->pid) == NULL)
		span_add(&d->owners, u->pid, e->time);
}

static void add_hold_end(struct timeline *t, struct device *d, const struct traced *e)
{
	struct span *s = span_of(&d->owners, e->e.pid);
	/* From its grant on, as it was seen: what the event says is the core's time, which was a bit before. */
	const uint64_t since = s != NULL ? s->since : e->time - e->e.took;

	flush_ended(t, d, 0);
	d->ended = (struct span){ .pid = e->e.pid, .since = since > t->start ? since : t->start };
	d->ended_at = e->time;
	if (s != NULL)
		span_end(s);
}

static void add_unmap(struct timeline *t, struct device *d, struct user *u, const struct traced *e)
{
	struct span *s;

	d->unmapped = u->pid;
	while ((s = span_of(&d->waiting, u->pid)) != NULL) {
		put_wait(t, d, u, s->since, e->time, 0, "unmap");
		span_end(s);
	}
}

/* What is nothing but a moment. */
static void add_moment(struct timeline *t, struct device *d, struct user *u, const struct traced *e)
{
	static const char *const names[] = {
		[PROBE_ACCESS] = "devmap_access", [PROBE_LOAD] = "devmap_load",
		[PROBE_UNLOAD] = "devmap_unload", [PROBE_DUP] = "devmap_dup",
		[PROBE_UNMAP] = "devmap_unmap",
	};
	char name[128];
	json_t *args = args_of(&e->e);

	if (!u->named) {
		snprintf(name, sizeof(name), "%s: calls", d->name);
		put_name(t, "thread_name", u->pid, user_track(u, TRACK_EVENT), name);
		u->named = true;
	}
	if (e->e.kind == PROBE_DUP)
		json_object_set_new(args, "child", json_integer(e->e.other));
	put_instant(t, u->pid, user_track(u, TRACK_EVENT), names[e->e.kind], e->time, args);
}

void timeline_add(struct timeline *t, const struct traced *e)
{
	struct device *d = device_of(t, e->engine, e->e.driver, e->e.instance, NULL);
	struct user *u;

	if (d == NULL || d->left_out || e->time < t->start)
		return;
	device_show(t, d);
	u = user_of(t, d, e->e.pid);
	if (u == NULL)
		return;
	switch (e->e.kind) {
	case PROBE_WAIT:
		span_add(&d->waiting, e->e.pid, e->time);
		break;
	case PROBE_GRANT:
		add_grant(t, d, u, e);
		break;
	case PROBE_HOLD_END:
		add_hold_end(t, d, e);
		break;
	case PROBE_UNMAP:
		add_unmap(t, d, u, e);
		add_moment(t, d, u, e);
		break;
	case PROBE_ACCESS:
	case PROBE_LOAD:
	case PROBE_UNLOAD:
	case PROBE_DUP:
		add_moment(t, d, u, e);
		break;
	}
}

/*
 * Beginning and end.
 */

struct timeline *timeline_open(FILE *out, uint64_t start)
{
	struct timeline *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->out = out;
	t->start = start;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", out);
	return t;
}

void timeline_only(struct timeline *t, char *const *names, size_t n)
{
	t->only = names;
	t->nonly = n;
}

/* Of a context group: who is who, and who owns it. */
static void know_group(struct timeline *t, struct device *d, json_t *group)
{
	json_t *owner = json_object_get(group, "owner"), *p;
	pid_t pid = (pid_t)status_integer(owner, "pid");
	size_t i;

	json_array_foreach(json_object_get(group, "members"), i, p)
	{
		(void)process_of(t, (pid_t)status_integer(p, "pid"), status_text(p, "command"));
	}
	if (json_is_object(owner) && !d->left_out && span_of(&d->owners, pid) == NULL)
		span_add(&d->owners, pid, t->start);
}

void timeline_names(struct timeline *t, json_t *all)
{
	json_t *o, *g;
	size_t i, k;

	json_array_foreach(all, i, o)
	{
		const char *name = status_text(o, "name");
		struct device *d = device_of(t, (pid_t)status_integer(o, "engine_pid"),
					     status_text(o, "driver"),
					     (int)status_integer(o, "instance"), name);

		if (d == NULL)
			continue;
		if (d->left_out && is_wanted(t, name)) { /* by another of its names */
			d->left_out = false;
			snprintf(d->name, sizeof(d->name), "%s", name);
		}
		json_array_foreach(json_object_get(o, "groups"), k, g) know_group(t, d, g);
	}
}

/* What goes on still. */
static void device_end(struct timeline *t, struct device *d, uint64_t end)
{
	struct span *s;

	flush_ended(t, d, 0);
	while ((s = LIST_FIRST(&d->owners)) != NULL) {
		if (!d->left_out) {
			device_show(t, d);
			put_ownership(t, d, s, end, "the end of the trace");
		}
		span_end(s);
	}
	while ((s = LIST_FIRST(&d->waiting)) != NULL) {
		struct user *u = user_of(t, d, s->pid);

		if (u != NULL)
			put_wait(t, d, u, s->since, end, 0, "the end of the trace");
		span_end(s);
	}
}

unsigned timeline_close(struct timeline *t, uint64_t end)
{
	struct device *d;
	struct user *u;
	struct process *p;
	unsigned n = 0;

	LIST_FOREACH(d, &t->devices, link)
	device_end(t, d, end);
	fputs("\n]}\n", t->out);
	while ((u = LIST_FIRST(&t->users)) != NULL) {
		LIST_REMOVE(u, link);
		free(u);
	}
	while ((p = LIST_FIRST(&t->processes)) != NULL) {
		LIST_REMOVE(p, link);
		free(p);
	}
	while ((d = LIST_FIRST(&t->devices)) != NULL) {
		n += d->seen;
		LIST_REMOVE(d, link);
		free(d);
	}
	free(t);
	return n;
}
