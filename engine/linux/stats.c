// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What `devmap list` shows of the kernel engine's devices (X4): a JSON array from /dev/devmap, an
 * object for each minor node as the user engine has it (engine/user/status.c); and a file for each
 * number in /sys/class/devmap/NAME, with a line for each context group.
 */
#include "linux.h"

#include <linux/seq_file.h>

#include "internal.h"

/* The counters of struct devmap_stats, all of which are shown under their own names. */
#define COUNTERS(X)                                                                     \
	X(accesses) X(grants) X(switches) X(failures) X(waits) X(taken) X(leaked)       \
	X(locks_broken) X(lock_cycles)

/* Microseconds, in which all times are shown. */
#define US_FMT		"%llu.%03llu"
#define US_ARGS(ns)	(ns) / 1000, (ns) % 1000

/* Of all handles of the group. g_lock is held, here and in all that follows. */
static void count_members(const struct devmap_group *g, uint64_t *mappings, uint64_t *waiters)
{
	const struct devmap_member *mb;

	*mappings = *waiters = 0;
	for (mb = g->g_members; mb != NULL; mb = mb->mb_next) {
		*mappings += mb->mb_handles;
		*waiters += mb->mb_waiting;
	}
}

/* A process may call itself what it likes; what is shown of it is printable, and one line. */
static void copy_command(char *to, size_t size, const struct as *as)
{
	size_t i;

	for (i = 0; i + 1 < size && as->a_comm[i] != '\0'; i++)
		to[i] = as->a_comm[i] >= ' ' && as->a_comm[i] <= '~' ? as->a_comm[i] : '?';
	to[i] = '\0';
}

/*
 * JSON. What does not fit is seen by seq_file, which comes again with a larger buffer.
 */

static void put_string(struct seq_file *m, const char *key, const char *text)
{
	seq_printf(m, "\"%s\":\"", key);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			seq_putc(m, '\\');
		seq_putc(m, *text >= ' ' && *text <= '~' ? *text : '?');
	}
	seq_putc(m, '"');
}

static void put_process(struct seq_file *m, const struct as *as)
{
	char command[sizeof(as->a_comm)];

	copy_command(command, sizeof(command), as);
	seq_printf(m, "\"pid\":%d,", (int)as->a_pid);
	put_string(m, "command", command);
}

static void put_stats(struct seq_file *m, const struct devmap_stats *st)
{
#define PUT_COUNTER(name) seq_printf(m, ",\"" #name "\":%llu", st->name);
	COUNTERS(PUT_COUNTER)
	seq_printf(m, ",\"wait_us\":" US_FMT ",\"owned_us\":" US_FMT, US_ARGS(st->wait_ns),
	    US_ARGS(st->owned_ns));
}

static void put_times(struct seq_file *m, const char *key, const struct histogram *h)
{
	uint64_t half = histogram_quantile(h, 500), most = histogram_quantile(h, 990);

	seq_printf(m, ",\"%s\":{\"p50_us\":" US_FMT ",\"p99_us\":" US_FMT "}", key, US_ARGS(half),
	    US_ARGS(most));
}

static void put_members(struct seq_file *m, const struct devmap_group *g)
{
	const struct devmap_member *mb;

	seq_puts(m, ",\"members\":[");
	for (mb = g->g_members; mb != NULL; mb = mb->mb_next) {
		seq_putc(m, '{');
		put_process(m, mb->mb_as);
		seq_printf(m, ",\"mappings\":%u,\"loaded\":%u,\"locked\":%u,\"waiting\":%u",
		    mb->mb_handles, READ_ONCE(mb->mb_loaded), mb->mb_locked, mb->mb_waiting);
		put_stats(m, &mb->mb_stats);
		seq_puts(m, mb->mb_next != NULL ? "}," : "}");
	}
	seq_putc(m, ']');
}

/* One array of groups. */
struct listing {
	struct seq_file *m;
	const dev_info_t *dip;
	bool more;			/* not the first one */
};

static void put_group(struct devmap_group *g, void *arg)
{
	struct listing *l = arg;
	struct seq_file *m = l->m;
	uint64_t mappings, waiters;

	if (g->g_dip != l->dip)
		return;
	count_members(g, &mappings, &waiters);
	seq_puts(m, l->more ? ",{\"owner\":" : "{\"owner\":");
	l->more = true;
	if (g->g_owner != NULL) {
		seq_putc(m, '{');
		put_process(m, g->g_owner->mb_as);
		seq_putc(m, '}');
	} else {
		seq_puts(m, "null");
	}
	seq_printf(m, ",\"waiters\":%llu,\"mappings\":%llu,\"hold_us\":" US_FMT ",\"locked\":%u",
	    waiters, mappings, US_ARGS((uint64_t)g->g_arb.hold_ns), (unsigned int)g->g_arb.locks);
	put_stats(m, &g->g_stats);
	put_times(m, "wait", &g->g_wait_hist);
	put_times(m, "switch", &g->g_switch_hist);
	put_members(m, g);
	seq_putc(m, '}');
}

/* drivers_lock is held. */
static void put_node(struct seq_file *m, const struct driver *d, const struct minor_node *n)
{
	struct listing l = { .m = m, .dip = n->dip };

	seq_putc(m, '{');
	put_string(m, "name", n->name);
	seq_putc(m, ',');
	put_string(m, "driver", d->name);
	seq_printf(m, ",\"engine\":\"kernel\",\"engine_pid\":0,\"major\":%u,\"minor\":%u,\"groups\":[",
	    MAJOR(n->dev), MINOR(n->dev));
	devmap_each_group(put_group, &l);
	seq_puts(m, "]}");
}

int devmap_stats_show(struct seq_file *m, void *unused)
{
	const struct minor_node *n;
	const struct driver *d;
	bool more = false;

	(void)unused;
	seq_putc(m, '[');
	mutex_lock(&drivers_lock);
	list_for_each_entry(d, &drivers, link) {
		list_for_each_entry(n, &d->nodes, link) {
			if (more)
				seq_putc(m, ',');
			more = true;
			put_node(m, d, n);
		}
	}
	mutex_unlock(&drivers_lock);
	seq_puts(m, "]\n");
	return 0;
}

/*
 * sysfs. A read takes the locks of groups only: who removes the node waits for it.
 */

struct stat_attr {
	struct device_attribute attr;
	/* Prints a group's line, or 0 if g is NULL: there is none yet. Returns its length. */
	int (*put)(char *buf, size_t room, const struct devmap_group *g, size_t at);
	size_t at;			/* in struct devmap_group, of what it prints */
};

struct sysfs_read {
	const struct stat_attr *a;
	const dev_info_t *dip;
	char *buf;
	size_t len;
};

static void read_group(struct devmap_group *g, void *arg)
{
	struct sysfs_read *r = arg;

	if (g->g_dip == r->dip)
		r->len += (size_t)r->a->put(r->buf + r->len, PAGE_SIZE - r->len, g, r->a->at);
}

static ssize_t stat_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct minor_node *n = dev_get_drvdata(dev);
	struct sysfs_read r = { .buf = buf };

	r.a = container_of(attr, struct stat_attr, attr);
	r.dip = n->dip;
	devmap_each_group(read_group, &r);
	if (r.len == 0)
		r.len = (size_t)r.a->put(buf, PAGE_SIZE, NULL, r.a->at);
	return (ssize_t)r.len;
}

static int put_count(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	uint64_t n = g != NULL ? *(const uint64_t *)((const char *)g + at) : 0;

	return scnprintf(buf, room, "%llu\n", n);
}

static int put_time(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	uint64_t ns = g != NULL ? *(const uint64_t *)((const char *)g + at) : 0;

	return scnprintf(buf, room, US_FMT "\n", US_ARGS(ns));
}

static int put_quantile(char *buf, size_t room, const struct devmap_group *g, size_t at,
    unsigned int permille)
{
	uint64_t ns = 0;

	if (g != NULL)
		ns = histogram_quantile((const void *)((const char *)g + at), permille);
	return scnprintf(buf, room, US_FMT "\n", US_ARGS(ns));
}

static int put_p50(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	return put_quantile(buf, room, g, at, 500);
}

static int put_p99(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	return put_quantile(buf, room, g, at, 990);
}

static int put_owner(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	char command[sizeof(g->g_owner->mb_as->a_comm)];
	const struct as *as;

	(void)at;
	if (g == NULL || g->g_owner == NULL)
		return scnprintf(buf, room, "\n");
	as = g->g_owner->mb_as;
	copy_command(command, sizeof(command), as);
	return scnprintf(buf, room, "%d %s\n", (int)as->a_pid, command);
}

static int put_waiters(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	uint64_t mappings, waiters = 0;

	(void)at;
	if (g != NULL)
		count_members(g, &mappings, &waiters);
	return scnprintf(buf, room, "%llu\n", waiters);
}

static int put_mappings(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	uint64_t mappings = 0, waiters;

	(void)at;
	if (g != NULL)
		count_members(g, &mappings, &waiters);
	return scnprintf(buf, room, "%llu\n", mappings);
}

static int put_locked(char *buf, size_t room, const struct devmap_group *g, size_t at)
{
	(void)at;
	return scnprintf(buf, room, "%u\n", g != NULL ? (unsigned int)g->g_arb.locks : 0);
}

#define STAT_ATTR(name_, put_, at_)                             \
	static struct stat_attr stat_##name_ = {                \
		.attr = __ATTR(name_, 0444, stat_show, NULL),   \
		.put = put_,                                    \
		.at = at_,                                      \
	};
#define COUNTER_ATTR(name_) STAT_ATTR(name_, put_count, offsetof(struct devmap_group, g_stats.name_))

COUNTERS(COUNTER_ATTR)
STAT_ATTR(owner, put_owner, 0)
STAT_ATTR(waiters, put_waiters, 0)
STAT_ATTR(mappings, put_mappings, 0)
STAT_ATTR(locked, put_locked, 0)
STAT_ATTR(hold_us, put_time, offsetof(struct devmap_group, g_arb.hold_ns))
STAT_ATTR(wait_us, put_time, offsetof(struct devmap_group, g_stats.wait_ns))
STAT_ATTR(owned_us, put_time, offsetof(struct devmap_group, g_stats.owned_ns))
STAT_ATTR(wait_p50_us, put_p50, offsetof(struct devmap_group, g_wait_hist))
STAT_ATTR(wait_p99_us, put_p99, offsetof(struct devmap_group, g_wait_hist))
STAT_ATTR(switch_p50_us, put_p50, offsetof(struct devmap_group, g_switch_hist))
STAT_ATTR(switch_p99_us, put_p99, offsetof(struct devmap_group, g_switch_hist))

#define LIST_ATTR(name) &stat_##name.attr.attr,

static struct attribute *stat_attrs[] = {
	COUNTERS(LIST_ATTR)
	LIST_ATTR(owner) LIST_ATTR(waiters) LIST_ATTR(mappings) LIST_ATTR(locked)
	LIST_ATTR(hold_us) LIST_ATTR(wait_us) LIST_ATTR(owned_us)
	LIST_ATTR(wait_p50_us) LIST_ATTR(wait_p99_us)
	LIST_ATTR(switch_p50_us) LIST_ATTR(switch_p99_us)
	NULL,
};

static const struct attribute_group stat_group = { .attrs = stat_attrs };

const struct attribute_group *devmap_stats_groups[] = { &stat_group, NULL };
