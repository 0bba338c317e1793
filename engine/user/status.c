/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What `devmap list` shows of a device: the answer to DM_STATUS. Times in the JSON are
 * microseconds.
 */
#include <jansson.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "server.h"

static double us(uint64_t ns)
{
	return (double)ns / 1000.0;
}

static json_t *process_json(const struct as *as)
{
	return json_pack("{s:i, s:s}", "pid", (int)as->a_pid, "command", as->a_comm);
}

static void add_stats(json_t *o, const struct devmap_stats *st)
{
	const struct {
		const char *name;
		uint64_t value;
	} table[] = {
		{ "accesses", st->accesses },
		{ "grants", st->grants },
		{ "switches", st->switches },
		{ "failures", st->failures },
		{ "waits", st->waits },
		{ "taken", st->taken },
		{ "leaked", st->leaked },
		{ "locks_broken", st->locks_broken },
		{ "lock_cycles", st->lock_cycles },
	};

	for (size_t i = 0; i < sizeof (table) / sizeof (table[0]); i++)
		json_object_set_new(o, table[i].name, json_integer((json_int_t)table[i].value));
	json_object_set_new(o, "wait_us", json_real(us(st->wait_ns)));
	json_object_set_new(o, "owned_us", json_real(us(st->owned_ns)));
}

static json_t *times_json(const struct histogram *h)
{
	return json_pack("{s:f, s:f}", "p50_us", us(histogram_quantile(h, 500)), "p99_us",
	    us(histogram_quantile(h, 990)));
}

static json_t *member_json(const struct devmap_member *m)
{
	json_t *o = process_json(m->mb_as);

	json_object_set_new(o, "mappings", json_integer(m->mb_handles));
	json_object_set_new(o, "loaded", json_integer(__atomic_load_n(&m->mb_loaded, __ATOMIC_RELAXED)));
	json_object_set_new(o, "locked", json_integer(m->mb_locked));
	json_object_set_new(o, "waiting", json_integer(m->mb_waiting));
	add_stats(o, &m->mb_stats);
	return o;
}

struct collect {
	dev_info_t *dip;
	json_t *groups;
};

/* g_lock is held. */
static void collect_group(struct devmap_group *g, void *arg)
{
	struct collect *c = arg;
	const struct devmap_member *owner = g->g_owner;
	json_t *o, *members;
	json_int_t mappings = 0, waiters = 0;

	if (g->g_dip != c->dip)
		return;
	o = json_object();
	members = json_array();
	for (const struct devmap_member *m = g->g_members; m != NULL; m = m->mb_next) {
		json_array_append_new(members, member_json(m));
		mappings += m->mb_handles;
		waiters += m->mb_waiting;
	}
	json_object_set_new(o, "owner", owner ? process_json(owner->mb_as) : json_null());
	json_object_set_new(o, "waiters", json_integer(waiters));
	json_object_set_new(o, "mappings", json_integer(mappings));
	json_object_set_new(o, "hold_us", json_real(us((uint64_t)g->g_arb.hold_ns)));
	json_object_set_new(o, "locked", json_integer(g->g_arb.locks));
	add_stats(o, &g->g_stats);
	json_object_set_new(o, "wait", times_json(&g->g_wait_hist));
	json_object_set_new(o, "switch", times_json(&g->g_switch_hist));
	json_object_set_new(o, "members", members);
	json_array_append_new(c->groups, o);
}

char *status_json(struct minor_node *m)
{
	struct engine_driver drv;
	struct collect c = { .dip = m->dip, .groups = json_array() };
	json_t *o;
	char *text;

	if (engine_driver(m->dev, &drv) != 0)
		drv.name = "?";
	devmap_each_group(collect_group, &c);
	o = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:o}", "name", m->name, "driver", drv.name, "engine",
	    "user", "engine_pid", (int)getpid(), "major", (int)major(m->dev), "minor",
	    (int)minor(m->dev), "groups", c.groups);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}
