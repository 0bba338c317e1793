/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What `devmap list` shows of a device: the answer to DM_STATUS. Times in the JSON are
 * microseconds.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "server.h"

static double us(uint64_t ns)
{
	return (double)ns / 1000.0;
}

static json_t *process_json(pid_t pid, const char *comm)
{
	return json_pack("{s:i, s:s}", "pid", (int)pid, "command", comm);
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

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		json_object_set_new(o, table[i].name, json_integer((json_int_t)table[i].value));
	json_object_set_new(o, "wait_us", json_real(us(st->wait_ns)));
	json_object_set_new(o, "owned_us", json_real(us(st->owned_ns)));
	json_object_set_new(o, "switch_us", json_real(us(st->switch_ns)));
}

static json_t *times_json(const struct histogram *h)
{
	return json_pack("{s:f, s:f}", "p50_us", us(histogram_quantile(h, 500)), "p99_us",
			 us(histogram_quantile(h, 990)));
}

/*
 * Copies, for those who switch wait while the group is looked at: what takes time comes afterwards.
 */

struct member_copy {
	pid_t pid;
	char comm[sizeof(((struct as *)NULL)->a_comm)];
	uint32_t handles, loaded, locked, waiting;
	uint64_t share; /* the context's number; 0: its own */
	struct devmap_stats stats;
};

struct group_copy {
	struct group_copy *next;
	bool owned;
	pid_t owner;
	uint64_t share; /* the owner's */
	char comm[sizeof(((struct as *)NULL)->a_comm)];
	hrtime_t taken; /* when this was so */
	hrtime_t hold;
	uint32_t locked;
	struct devmap_stats stats;
	struct histogram wait, change;
	size_t nmembers;
	struct member_copy members[];
};

struct collect {
	dev_info_t *dip;
	struct group_copy *groups, **last;
	bool failed;
};

static size_t count_members(const struct devmap_group *g)
{
	size_t n = 0;

	for (const struct devmap_member *m = g->g_members; m != NULL; m = m->mb_next)
		n++;
	return n;
}

static void copy_member(struct member_copy *to, const struct devmap_member *m)
{
	to->pid = m->mb_as->a_pid;
	memcpy(to->comm, m->mb_as->a_comm, sizeof(to->comm));
	to->handles = m->mb_handles;
	to->loaded = __atomic_load_n(&m->mb_loaded, __ATOMIC_RELAXED);
	to->locked = m->mb_locked;
	to->waiting = m->mb_waiting;
	to->share = devmap_member_share(m);
	to->stats = m->mb_stats;
}

/* g_lock is held. */
static void collect_group(struct devmap_group *g, void *arg)
{
	struct collect *c = arg;
	struct group_copy *to;
	uint64_t owned;
	size_t n;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (g->g_dip != c->dip)
		return;
	n = count_members(g);
	to = calloc(1, sizeof(*to) + n * sizeof(to->members[0]));
	if (to == NULL) {
		c->failed = true;
		return;
	}
	to->owned = g->g_owner != NULL;
	if (to->owned) {
		to->owner = g->g_owner->mb_as->a_pid;
		to->share = devmap_member_share(g->g_owner);
		memcpy(to->comm, g->g_owner->mb_as->a_comm, sizeof(to->comm));
	}
	to->hold = g->g_arb.hold_ns;
	to->locked = g->g_arb.locks;
	to->stats = g->g_stats;
	to->wait = g->g_wait_hist;
	to->change = g->g_switch_hist;
	to->taken = gethrtime();
	owned = devmap_owned_ns(g, to->taken);
	to->stats.owned_ns += owned;
	for (const struct devmap_member *m = g->g_members; m != NULL; m = m->mb_next) {
		copy_member(&to->members[to->nmembers], m);
		if (m == g->g_owner)
			to->members[to->nmembers].stats.owned_ns += owned;
		to->nmembers++;
	}
	*c->last = to;
	c->last = &to->next;
}

/*
 * Who shares: processes with mappings that are in no group, since they need no turn.
 */

struct sharers {
	const dev_info_t *dip;
	struct session **sessions; /* entered, and held */
	size_t n, room;
	uint32_t handles; /* of the one that is looked at */
	bool failed;
};

/* sessions_lock is held, which comes after the core's: so the mappings are looked at later. */
static void enter_session(struct session *s, void *arg)
{
	struct sharers *sh = arg;

	if (sh->n == sh->room) {
		size_t room = sh->room * 2 + 16;
		struct session **more = realloc(sh->sessions, room * sizeof(struct session *));

		if (more == NULL) {
			sh->failed = true;
			return;
		}
		sh->sessions = more;
		sh->room = room;
	}
	if (session_enter(s)) {
		session_get(s);
		sh->sessions[sh->n++] = s;
	}
}

/* a_lock is held. */
static void count_shared(struct devmap_handle *dh, void *arg)
{
	struct sharers *sh = arg;

	if (dh->dh_dip == sh->dip && dh->dh_member == NULL)
		sh->handles++;
}

/*
 * Text.
 */

static json_t *member_json(const struct member_copy *m)
{
	json_t *o = process_json(m->pid, m->comm);

	json_object_set_new(o, "mappings", json_integer(m->handles));
	json_object_set_new(o, "loaded", json_integer(m->loaded));
	json_object_set_new(o, "locked", json_integer(m->locked));
	json_object_set_new(o, "waiting", json_integer(m->waiting));
	json_object_set_new(o, "share", json_integer((json_int_t)m->share));
	add_stats(o, &m->stats);
	return o;
}

static json_t *owner_json(const struct group_copy *g)
{
	json_t *o = g->owned ? process_json(g->owner, g->comm) : json_null();

	if (g->owned)
		json_object_set_new(o, "share", json_integer((json_int_t)g->share));
	return o;
}

static json_t *group_json(const struct group_copy *g)
{
	json_t *o = json_object(), *members = json_array();
	json_int_t mappings = 0, waiters = 0;

	for (size_t i = 0; i < g->nmembers; i++) {
		json_array_append_new(members, member_json(&g->members[i]));
		mappings += g->members[i].handles;
		waiters += g->members[i].waiting;
	}
	json_object_set_new(o, "owner", owner_json(g));
	json_object_set_new(o, "time_us", json_integer(g->taken / 1000));
	json_object_set_new(o, "waiters", json_integer(waiters));
	json_object_set_new(o, "mappings", json_integer(mappings));
	json_object_set_new(o, "hold_us", json_real(us((uint64_t)g->hold)));
	json_object_set_new(o, "locked", json_integer(g->locked));
	add_stats(o, &g->stats);
	json_object_set_new(o, "wait", times_json(&g->wait));
	json_object_set_new(o, "switch", times_json(&g->change));
	json_object_set_new(o, "members", members);
	return o;
}

static json_t *groups_json(struct group_copy *g)
{
	json_t *groups = json_array();
	struct group_copy *next;

	for (; g != NULL; g = next) {
		next = g->next;
		json_array_append_new(groups, group_json(g));
		free(g);
	}
	return groups;
}

/* NULL: no memory. */
static json_t *shared_json(const dev_info_t *dip)
{
	struct sharers sh = { .dip = dip };
	json_t *shared = json_array(), *o;

	sessions_each(enter_session, &sh);
	for (size_t i = 0; i < sh.n; i++) {
		const struct as *as = &sh.sessions[i]->as;

		sh.handles = 0;
		devmap_each_handle(&sh.sessions[i]->as, count_shared, &sh);
		if (sh.handles > 0) {
			o = process_json(as->a_pid, as->a_comm);
			json_object_set_new(o, "mappings", json_integer(sh.handles));
			json_array_append_new(shared, o);
		}
		session_done(sh.sessions[i]);
	}
	free(sh.sessions);
	if (!sh.failed)
		return shared;
	json_decref(shared);
	return NULL;
}

/*
 * What clients hold of the engine.
 */

static void add_user(void *arg, const struct account *user)
{
	json_array_append_new(arg, json_pack("{s:I, s:i, s:i, s:i, s:i, s:I}", "user",
					     (json_int_t)user->uid, "threads", (int)user->threads,
					     "sessions", (int)user->sessions, "windows",
					     (int)user->windows, "silent", (int)user->silent,
					     "refused", (json_int_t)user->refused));
}

static void add_limit(void *arg, const char *name, unsigned value)
{
	json_object_set_new(arg, name, json_integer(value));
}

static void add_accounts(json_t *o)
{
	json_t *users = json_array(), *all = json_object();

	account_each(add_user, users);
	limits_each(add_limit, all);
	json_object_set_new(o, "users", users);
	json_object_set_new(o, "limits", all);
}

char *status_json(struct minor_node *m)
{
	struct engine_driver drv;
	struct collect c = { .dip = m->dip };
	json_t *o, *groups, *shared;
	char *text;

	if (engine_driver(m->dev, &drv) != 0)
		drv.name = "?";
	c.last = &c.groups;
	devmap_each_group(collect_group, &c);
	groups = groups_json(c.groups);
	shared = shared_json(m->dip);
	c.failed = c.failed || shared == NULL;
	o = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:o*}", "name", m->name, "driver",
		      drv.name, "engine", "user", "engine_pid", (int)getpid(), "major",
		      (int)major(m->dev), "minor", (int)minor(m->dev), "groups", groups, "shared",
		      shared);
	if (o != NULL)
		add_accounts(o);
	text = c.failed ? NULL : json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(10));
	json_decref(o);
	return text;
}
