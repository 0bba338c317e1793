// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What `devmap list` shows of the kernel engine's devices (X4): a JSON array from /dev/devmap, an
 * object for each minor node as the user engine has it (engine/user/status.c); and a file for each
 * number in /sys/class/devmap/NAME, with a line for each context group.
 */
#include "linux.h"

#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "internal.h"

/* The counters of struct devmap_stats, all of which are shown under their own names. */
#define COUNTERS(X) \
	X(accesses) \
	X(grants) X(switches) X(failures) X(waits) X(taken) X(leaked) X(locks_broken) X(lock_cycles)

/* Microseconds, in which all times are shown. */
#define US_FMT	    "%llu.%03llu"
#define US_ARGS(ns) (ns) / 1000, (ns) % 1000

/*
 * Snapshots. Copying what a group has takes its lock from those who switch, so that is done at most
 * every so often, however many read, and nothing else is done meanwhile. A reader gets a snapshot
 * that was begun after he came, and sleeps until there may be one; readers share them.
 */

struct stat_member {
	pid_t pid;
	char command[sizeof(((struct as *)NULL)->a_comm)];
	uint32_t handles, loaded, locked, waiting;
	uint64_t share; /* the context's number; 0: its own */
	struct devmap_stats stats;
};

struct stat_group {
	struct stat_group *next;
	const dev_info_t *dip; /* only compared */
	bool owned;
	pid_t owner;
	uint64_t share; /* the owner's */
	char command[sizeof(((struct as *)NULL)->a_comm)];
	uint64_t taken; /* ns, when all of this was so */
	uint64_t mappings, waiters, hold;
	unsigned int locked;
	struct devmap_stats stats;
	struct histogram wait, change;
	size_t nmembers, room; /* more than room: not all are there */
	struct stat_member members[];
};

struct snapshot {
	refcount_t refs;
	ulong_t number;
	struct stat_group *groups; /* in the order of the core's */
};

static DEFINE_MUTEX(making);	/* of a snapshot; drivers_lock is not taken with it */
static struct snapshot *latest; /* by making, held */
static ulong_t made;		/* the number of the last that was begun; by making */
static u64 next_at;		/* when the next may be begun, ns; by making */

static uint stats_ms = 20;
module_param(stats_ms, uint, 0644);
MODULE_PARM_DESC(stats_ms, "statistics are collected at most every so many milliseconds");
module_param_cb(stats_made, &count_param_ops, &made, 0444);
MODULE_PARM_DESC(stats_made, "how often they were collected");

static void snapshot_put(struct snapshot *sn)
{
	struct stat_group *g;

	if (sn == NULL || !refcount_dec_and_test(&sn->refs))
		return;
	while ((g = sn->groups) != NULL) {
		sn->groups = g->next;
		kvfree(g);
	}
	kfree(sn);
}

/* A process may call itself what it likes; what is shown of it is printable, and one line. */
static void copy_command(char *to, size_t size, const struct as *as)
{
	size_t i;

	for (i = 0; i + 1 < size && as->a_comm[i] != '\0'; i++)
		to[i] = as->a_comm[i] >= ' ' && as->a_comm[i] <= '~' ? as->a_comm[i] : '?';
	to[i] = '\0';
}

/* g_lock is held. */
static void copy_member(struct stat_member *to, const struct devmap_member *mb)
{
	ASSERT(MUTEX_HELD(&mb->mb_group->g_lock));
	to->pid = READ_ONCE(mb->mb_as->a_pid);
	copy_command(to->command, sizeof(to->command), mb->mb_as);
	to->handles = mb->mb_handles;
	to->loaded = READ_ONCE(mb->mb_loaded);
	to->locked = mb->mb_locked;
	to->waiting = mb->mb_waiting;
	to->share = devmap_member_share(mb);
	to->stats = mb->mb_stats;
}

/* g_lock is held. */
static void copy_group(struct stat_group *to, const struct devmap_group *g)
{
	const struct devmap_member *mb;
	const hrtime_t now = gethrtime();
	const uint64_t owned = devmap_owned_ns(g, now);

	ASSERT(MUTEX_HELD(&g->g_lock));
	to->dip = g->g_dip;
	to->hold = (uint64_t)g->g_arb.hold_ns;
	to->locked = (unsigned int)g->g_arb.locks;
	to->taken = (uint64_t)now;
	to->stats = g->g_stats;
	to->stats.owned_ns += owned;
	to->wait = g->g_wait_hist;
	to->change = g->g_switch_hist;
	to->mappings = to->waiters = to->nmembers = 0;
	for (mb = g->g_members; mb != NULL; mb = mb->mb_next) {
		to->mappings += mb->mb_handles;
		to->waiters += mb->mb_waiting;
		if (to->nmembers < to->room) {
			copy_member(&to->members[to->nmembers], mb);
			if (mb == g->g_owner)
				to->members[to->nmembers].stats.owned_ns += owned;
		}
		to->nmembers++;
	}
	to->owned = g->g_owner != NULL;
	if (to->owned) {
		to->owner = READ_ONCE(g->g_owner->mb_as->a_pid);
		to->share = devmap_member_share(g->g_owner);
		copy_command(to->command, sizeof(to->command), g->g_owner->mb_as);
	}
}

/* One round over the groups fills what there is room for, and says what more is wanted. */
struct copying {
	struct stat_group **at; /* for the next group; *at NULL: no room for it */
	size_t groups;		/* without room */
	bool members;		/* of one there is no room for all */
};

/* g_lock is held. */
static void copy_next(struct devmap_group *g, void *arg)
{
	struct copying *c = arg;

	ASSERT(MUTEX_HELD(&g->g_lock));
	if (*c->at == NULL) {
		c->groups++;
		return;
	}
	copy_group(*c->at, g);
	if ((*c->at)->nmembers > (*c->at)->room)
		c->members = true;
	c->at = &(*c->at)->next;
}

static struct stat_group *group_room(size_t members)
{
	struct stat_group *g = kvzalloc(struct_size(g, members, members), GFP_KERNEL);

	if (g != NULL)
		g->room = members;
	return g;
}

/* More room for the members of those that want it, and for so many groups more. 0 or -ENOMEM. */
static int more_room(struct snapshot *sn, const struct copying *c)
{
	struct stat_group **at, *bigger;
	size_t i;

	for (at = &sn->groups; *at != NULL; at = &(*at)->next) {
		if ((*at)->nmembers <= (*at)->room)
			continue;
		bigger = group_room((*at)->nmembers + 8);
		if (bigger == NULL)
			return -ENOMEM;
		bigger->next = (*at)->next;
		kvfree(*at);
		*at = bigger;
	}
	for (i = 0; i < c->groups; i++, at = &(*at)->next) {
		*at = group_room(8);
		if (*at == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* Groups that went between two rounds. */
static void drop_rest(struct stat_group **at)
{
	struct stat_group *g;

	while ((g = *at) != NULL) {
		*at = g->next;
		kvfree(g);
	}
}

static int snapshot_fill(struct snapshot *sn)
{
	struct copying c;
	int error = 0;

	do {
		c = (struct copying){ .at = &sn->groups };
		devmap_each_group(copy_next, &c);
		drop_rest(c.at);
		if (c.groups == 0 && !c.members)
			return 0;
		error = more_room(sn, &c);
	} while (error == 0);
	return error;
}

/* Not before it is time. making is held. 0, -ERESTARTSYS or -ENOMEM. */
static int snapshot_make(void)
{
	struct snapshot *sn;
	u64 begun = ktime_get_ns();
	int error;

	lockdep_assert_held(&making);
	while (begun < next_at) {
		if (schedule_timeout_interruptible(nsecs_to_jiffies(next_at - begun) + 1) != 0 &&
		    signal_pending(current))
			return -ERESTARTSYS;
		begun = ktime_get_ns();
	}
	sn = kzalloc(sizeof(*sn), GFP_KERNEL);
	if (sn == NULL)
		return -ENOMEM;
	refcount_set(&sn->refs, 1);
	sn->number = made + 1;
	smp_store_release(&made, sn->number);
	error = snapshot_fill(sn);
	/* And never more than a twentieth of the time. */
	next_at = ktime_get_ns();
	next_at += max_t(u64, (u64)READ_ONCE(stats_ms) * NSEC_PER_MSEC, 20 * (next_at - begun));
	if (error != 0) {
		snapshot_put(sn);
		return error;
	}
	snapshot_put(latest);
	latest = sn;
	return 0;
}

/* One that was begun after this call, held, in *out. 0 or -errno. */
static int snapshot_get(struct snapshot **out)
{
	ulong_t before = smp_load_acquire(&made);
	int error = mutex_lock_interruptible(&making);

	if (error != 0)
		return -ERESTARTSYS;
	if (latest == NULL || latest->number <= before)
		error = snapshot_make();
	if (error == 0) {
		*out = latest;
		refcount_inc(&latest->refs);
	}
	mutex_unlock(&making);
	return error;
}

/* Nobody can read any more, so `making` is not needed. */
void devmap_stats_fini(void)
{
	snapshot_put(latest);
}

/*
 * JSON, from a snapshot.
 */

/* What does not fit is counted. */
struct text {
	char *at;
	size_t len, size;
};

static __printf(2, 3) void put(struct text *t, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	t->len += (size_t)vsnprintf(t->len < t->size ? t->at + t->len : NULL,
				    t->len < t->size ? t->size - t->len : 0, format, ap);
	va_end(ap);
}

static void put_string(struct text *t, const char *key, const char *string)
{
	put(t, "\"%s\":\"", key);
	for (; *string != '\0'; string++)
		put(t, "%s%c", *string == '"' || *string == '\\' ? "\\" : "",
		    *string >= ' ' && *string <= '~' ? *string : '?');
	put(t, "\"");
}

static void put_process(struct text *t, pid_t pid, const char *command)
{
	put(t, "\"pid\":%d,", (int)pid);
	put_string(t, "command", command);
}

static void put_stats(struct text *t, const struct devmap_stats *st)
{
#define PUT_COUNTER(name) put(t, ",\"" #name "\":%llu", st->name);
	COUNTERS(PUT_COUNTER)
	put(t, ",\"wait_us\":" US_FMT ",\"owned_us\":" US_FMT ",\"switch_us\":" US_FMT,
	    US_ARGS(st->wait_ns), US_ARGS(st->owned_ns), US_ARGS(st->switch_ns));
}

static void put_times(struct text *t, const char *key, const struct histogram *h)
{
	uint64_t half = histogram_quantile(h, 500), most = histogram_quantile(h, 990);

	put(t, ",\"%s\":{\"p50_us\":" US_FMT ",\"p99_us\":" US_FMT "}", key, US_ARGS(half),
	    US_ARGS(most));
}

static void put_members(struct text *t, const struct stat_group *g)
{
	const struct stat_member *mb;

	put(t, ",\"members\":[");
	for (mb = g->members; mb < g->members + g->nmembers; mb++) {
		put(t, mb == g->members ? "{" : ",{");
		put_process(t, mb->pid, mb->command);
		put(t, ",\"mappings\":%u,\"loaded\":%u,\"locked\":%u,\"waiting\":%u,\"share\":%llu",
		    mb->handles, mb->loaded, mb->locked, mb->waiting, mb->share);
		put_stats(t, &mb->stats);
		put(t, "}");
	}
	put(t, "]");
}

static void put_group(struct text *t, const struct stat_group *g)
{
	put(t, "{\"owner\":");
	if (g->owned) {
		put(t, "{");
		put_process(t, g->owner, g->command);
		put(t, ",\"share\":%llu}", g->share);
	} else {
		put(t, "null");
	}
	put(t, ",\"time_us\":%llu", g->taken / 1000);
	put(t, ",\"waiters\":%llu,\"mappings\":%llu,\"hold_us\":" US_FMT ",\"locked\":%u",
	    g->waiters, g->mappings, US_ARGS(g->hold), g->locked);
	put_stats(t, &g->stats);
	put_times(t, "wait", &g->wait);
	put_times(t, "switch", &g->change);
	put_members(t, g);
	put(t, "}");
}

/* drivers_lock is held. */
static void put_node(struct text *t, const struct snapshot *sn, const struct driver *d,
		     const struct minor_node *n)
{
	const struct stat_group *g;
	bool more = false;

	lockdep_assert_held(&drivers_lock);
	put(t, "{");
	put_string(t, "name", n->name);
	put(t, ",");
	put_string(t, "driver", d->name);
	put(t, ",\"engine\":\"kernel\",\"engine_pid\":0,\"major\":%u,\"minor\":%u,\"groups\":[",
	    MAJOR(n->dev), MINOR(n->dev));
	for (g = sn->groups; g != NULL; g = g->next) {
		if (g->dip != n->dip)
			continue;
		if (more)
			put(t, ",");
		more = true;
		put_group(t, g);
	}
	put(t, "]}");
}

static void put_all(struct text *t, const struct snapshot *sn)
{
	const struct minor_node *n;
	const struct driver *d;
	bool more = false;

	put(t, "[");
	mutex_lock(&drivers_lock);
	list_for_each_entry(d, &drivers, link) {
		list_for_each_entry(n, &d->nodes, link) {
			if (more)
				put(t, ",");
			more = true;
			put_node(t, sn, d, n);
		}
	}
	mutex_unlock(&drivers_lock);
	put(t, "]\n");
}

/* Who adds nodes meanwhile makes it longer. */
int devmap_stats_text(char **text, size_t *len)
{
	struct text t = { .size = PAGE_SIZE };
	struct snapshot *sn;
	int error = snapshot_get(&sn);

	if (error != 0)
		return error;
	for (;;) {
		t.at = kvmalloc(t.size, GFP_KERNEL);
		if (t.at == NULL)
			break;
		t.len = 0;
		put_all(&t, sn);
		if (t.len < t.size)
			break;
		kvfree(t.at);
		t.size = t.len + PAGE_SIZE;
	}
	snapshot_put(sn);
	*text = t.at;
	*len = t.len;
	return t.at != NULL ? 0 : -ENOMEM;
}

/*
 * sysfs. Who removes the node waits for a read.
 */

struct stat_attr {
	struct device_attribute attr;
	/* Prints a group's line, or 0 if g is NULL: there is none yet. Returns its length. */
	int (*put)(char *buf, size_t room, const struct stat_group *g, size_t at);
	size_t at; /* in struct stat_group, of what it prints */
};

static ssize_t stat_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct minor_node *n = dev_get_drvdata(dev);
	const struct stat_attr *a = container_of(attr, struct stat_attr, attr);
	const struct stat_group *g;
	struct snapshot *sn;
	size_t len = 0;
	int error = snapshot_get(&sn);

	if (error != 0)
		return error;
	for (g = sn->groups; g != NULL; g = g->next)
		if (g->dip == n->dip)
			len += (size_t)a->put(buf + len, PAGE_SIZE - len, g, a->at);
	snapshot_put(sn);
	if (len == 0)
		len = (size_t)a->put(buf, PAGE_SIZE, NULL, a->at);
	return (ssize_t)len;
}

static uint64_t number_at(const struct stat_group *g, size_t at)
{
	return g != NULL ? *(const uint64_t *)((const char *)g + at) : 0;
}

static int put_count(char *buf, size_t room, const struct stat_group *g, size_t at)
{
	return scnprintf(buf, room, "%llu\n", number_at(g, at));
}

static int put_time(char *buf, size_t room, const struct stat_group *g, size_t at)
{
	return scnprintf(buf, room, US_FMT "\n", US_ARGS(number_at(g, at)));
}

static int put_quantile(char *buf, size_t room, const struct stat_group *g, size_t at,
			unsigned int permille)
{
	uint64_t ns = 0;

	if (g != NULL)
		ns = histogram_quantile((const void *)((const char *)g + at), permille);
	return scnprintf(buf, room, US_FMT "\n", US_ARGS(ns));
}

static int put_p50(char *buf, size_t room, const struct stat_group *g, size_t at)
{
	return put_quantile(buf, room, g, at, 500);
}

static int put_p99(char *buf, size_t room, const struct stat_group *g, size_t at)
{
	return put_quantile(buf, room, g, at, 990);
}

static int put_owner(char *buf, size_t room, const struct stat_group *g, size_t at)
{
	(void)at;
	if (g == NULL || !g->owned)
		return scnprintf(buf, room, "\n");
	return scnprintf(buf, room, "%d %s\n", (int)g->owner, g->command);
}

static int put_locked(char *buf, size_t room, const struct stat_group *g, size_t at)
{
	(void)at;
	return scnprintf(buf, room, "%u\n", g != NULL ? g->locked : 0);
}

#define STAT_ATTR(name_, put_, at_)                           \
	static struct stat_attr stat_##name_ = {              \
		.attr = __ATTR(name_, 0444, stat_show, NULL), \
		.put = put_,                                  \
		.at = at_,                                    \
	};
#define COUNTER_ATTR(name_) STAT_ATTR(name_, put_count, offsetof(struct stat_group, stats.name_))

COUNTERS(COUNTER_ATTR)
STAT_ATTR(owner, put_owner, 0)
STAT_ATTR(waiters, put_count, offsetof(struct stat_group, waiters))
STAT_ATTR(mappings, put_count, offsetof(struct stat_group, mappings))
STAT_ATTR(locked, put_locked, 0)
STAT_ATTR(hold_us, put_time, offsetof(struct stat_group, hold))
STAT_ATTR(wait_us, put_time, offsetof(struct stat_group, stats.wait_ns))
STAT_ATTR(owned_us, put_time, offsetof(struct stat_group, stats.owned_ns))
STAT_ATTR(switch_us, put_time, offsetof(struct stat_group, stats.switch_ns))
STAT_ATTR(wait_p50_us, put_p50, offsetof(struct stat_group, wait))
STAT_ATTR(wait_p99_us, put_p99, offsetof(struct stat_group, wait))
STAT_ATTR(switch_p50_us, put_p50, offsetof(struct stat_group, change))
STAT_ATTR(switch_p99_us, put_p99, offsetof(struct stat_group, change))

#define LIST_ATTR(name) &stat_##name.attr.attr,

static struct attribute *stat_attrs[] = {
	COUNTERS(LIST_ATTR) LIST_ATTR(owner) LIST_ATTR(waiters) LIST_ATTR(mappings)
		LIST_ATTR(locked) LIST_ATTR(hold_us) LIST_ATTR(wait_us) LIST_ATTR(owned_us)
			LIST_ATTR(switch_us) LIST_ATTR(wait_p50_us) LIST_ATTR(wait_p99_us)
				LIST_ATTR(switch_p50_us) LIST_ATTR(switch_p99_us) NULL,
};

static const struct attribute_group stat_group = { .attrs = stat_attrs };

const struct attribute_group *devmap_stats_groups[] = { &stat_group, NULL };
