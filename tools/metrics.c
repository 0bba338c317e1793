/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap metrics: what the engines say, as OpenMetrics, for Prometheus and its like. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devmap.h"
#include "status.h"

static const char help[] =
	"usage: devmap metrics [--dir DIR] [--file FILE]\n"
	"Writes counters and times of all devices as OpenMetrics.\n"
	"  --dir DIR    where the devices are (as for devmap list)\n"
	"  --file FILE  into this file, which is replaced as a whole: for node_exporter's textfiles\n";

/* Of each group, from the member `key`; in us, if scale is 1e6. */
struct family {
	const char *name, *type, *key, *help;
	double scale;
};

static const struct family families[] = {
	{ "accesses", "counter", "accesses", "Calls of devmap_access(9E)", 1 },
	{ "grants", "counter", "grants", "Successful calls of devmap_contextmgt(9E)", 1 },
	{ "switches", "counter", "switches", "Of these, ones that changed the owner", 1 },
	{ "failures", "counter", "failures", "Accesses that the driver failed", 1 },
	{ "waits", "counter", "waits", "Requests that had to wait", 1 },
	{ "taken_pages", "counter", "taken", "Pages that the engine took from another process", 1 },
	{ "leaks", "counter", "leaked", "Switches that left the last owner pages", 1 },
	{ "locks_broken", "counter", "locks_broken", "Locks that were ended by their limit", 1 },
	{ "lock_cycles", "counter", "lock_cycles", "Locks that were ended, as they closed a circle",
	  1 },
	{ "wait_seconds", "counter", "wait_us", "Time waited", 1e6 },
	{ "owned_seconds", "counter", "owned_us", "Time for which somebody owned the device", 1e6 },
	{ "switch_seconds", "counter", "switch_us", "Time taken by switching", 1e6 },
	{ "waiters", "gauge", "waiters", "Requests that wait now", 1 },
	{ "mappings", "gauge", "mappings", "Mappings now", 1 },
	{ "locked_pages", "gauge", "locked", "Pages that are locked now", 1 },
	{ "hold_seconds", "gauge", "hold_us", "The hold of the last grant", 1e6 },
};

static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			putc('\\', out);
		if (*value == '\n')
			fputs("\\n", out);
		else
			putc(*value, out);
	}
	putc('"', out);
}

/* The labels that all have, without an end. */
static void put_group(FILE *out, json_t *device, size_t group)
{
	putc('{', out);
	put_label(out, "device", status_text(device, "name"));
	putc(',', out);
	put_label(out, "engine", status_text(device, "engine"));
	fprintf(out, ",group=\"%zu\"", group);
}

static void put_head(FILE *out, const char *name, const char *type, const char *text)
{
	fprintf(out, "# TYPE devmap_%s %s\n", name, type);
	if (strstr(name, "_seconds") != NULL)
		fprintf(out, "# UNIT devmap_%s seconds\n", name);
	fprintf(out, "# HELP devmap_%s %s.\n", name, text);
}

static void put_family(FILE *out, const struct family *f, json_t *all)
{
	json_t *o, *g;
	size_t i, k;

	put_head(out, f->name, f->type, f->help);
	json_array_foreach(all, i, o)
	{
		json_array_foreach(json_object_get(o, "groups"), k, g)
		{
			fprintf(out, "devmap_%s%s", f->name,
				strcmp(f->type, "counter") == 0 ? "_total" : "");
			put_group(out, o, k);
			fprintf(out, "} %.15g\n",
				json_number_value(json_object_get(g, f->key)) / f->scale);
		}
	}
}

/* times: "wait" or "switch", whose sum is the member of that name and "_us". */
static void put_summary(FILE *out, const char *name, const char *times, const char *count,
			const char *text, json_t *all)
{
	static const struct {
		const char *quantile, *key;
	} table[] = { { "0.5", "p50_us" }, { "0.99", "p99_us" } };
	char sum[16];
	json_t *o, *g;
	size_t i, k;

	snprintf(sum, sizeof(sum), "%s_us", times);
	put_head(out, name, "summary", text);
	json_array_foreach(all, i, o)
	{
		json_array_foreach(json_object_get(o, "groups"), k, g)
		{
			for (size_t q = 0; q < sizeof(table) / sizeof(table[0]); q++) {
				fprintf(out, "devmap_%s", name);
				put_group(out, o, k);
				fprintf(out, ",quantile=\"%s\"} %.15g\n", table[q].quantile,
					status_quantile(g, times, table[q].key) / 1e6);
			}
			fprintf(out, "devmap_%s_count", name);
			put_group(out, o, k);
			fprintf(out, "} %lld\ndevmap_%s_sum", status_integer(g, count), name);
			put_group(out, o, k);
			fprintf(out, "} %.15g\n", json_number_value(json_object_get(g, sum)) / 1e6);
		}
	}
}

static void put_owners(FILE *out, json_t *all)
{
	json_t *o, *g, *owner;
	char pid[32];
	size_t i, k;

	put_head(out, "owner", "info", "Who owns the device now");
	json_array_foreach(all, i, o)
	{
		json_array_foreach(json_object_get(o, "groups"), k, g)
		{
			owner = json_object_get(g, "owner");
			if (!json_is_object(owner))
				continue;
			snprintf(pid, sizeof(pid), "%lld", status_integer(owner, "pid"));
			fputs("devmap_owner_info", out);
			put_group(out, o, k);
			putc(',', out);
			put_label(out, "pid", pid);
			putc(',', out);
			put_label(out, "command", status_text(owner, "command"));
			fputs("} 1\n", out);
		}
	}
}

static void put_devices(FILE *out, json_t *all)
{
	json_t *o;
	size_t i;

	put_head(out, "device", "info", "Devices that are served");
	json_array_foreach(all, i, o)
	{
		fputs("devmap_device_info{", out);
		put_label(out, "device", status_text(o, "name"));
		putc(',', out);
		put_label(out, "engine", status_text(o, "engine"));
		putc(',', out);
		put_label(out, "driver", status_text(o, "driver"));
		fputs("} 1\n", out);
	}
}

static void put_all(FILE *out, json_t *all)
{
	put_devices(out, all);
	put_owners(out, all);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(out, &families[i], all);
	put_summary(out, "wait_duration_seconds", "wait", "waits", "How long a request waited",
		    all);
	put_summary(out, "switch_duration_seconds", "switch", "switches", "How long a switch took",
		    all);
	fputs("# EOF\n", out);
}

/* 0 or -errno. */
static int write_file(const char *file, json_t *all)
{
	char path[PATH_MAX];
	int error = 0;
	FILE *out;

	if (snprintf(path, sizeof(path), "%s.%d", file, (int)getpid()) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	out = fopen(path, "wxe");
	if (out == NULL)
		return -errno;
	put_all(out, all);
	if (fclose(out) != 0 || rename(path, file) != 0) {
		error = -errno;
		(void)unlink(path);
	}
	return error;
}

int cmd_metrics(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "file", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *dir = NULL, *file = NULL;
	struct device_dirs dirs;
	json_t *all;
	int opt, error = 0;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'd') {
			dir = optarg;
		} else if (opt == 'f') {
			file = optarg;
		} else {
			fputs(help, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	if (optind != argc) {
		fputs(help, stderr);
		return 2;
	}
	device_dirs(&dirs, dir);
	all = status_collect(&dirs, status_complain, argv[0]);
	if (all == NULL)
		return 1;
	if (file == NULL)
		put_all(stdout, all);
	else if ((error = write_file(file, all)) != 0)
		status_complain(argv[0], file, "", strerror(-error));
	json_decref(all);
	return error == 0 && fflush(stdout) == 0 ? 0 : 1;
}
