/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap list: who owns which device, once. */
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "devmap.h"
#include "status.h"

static const char help[] =
	"usage: devmap list [--dir DIR] [--json]\n"
	"Shows each device: who owns it, who waits, how often it was switched and how long that took.\n";

#define HEADER "%-12s %-6s %-22s %7s %8s %9s %10s %8s %15s %15s %6s\n"
#define ROW    "%-12s %-6s %-22.22s %7lld %8lld %9.0f %10lld %8lld %7.0f %7.0f %7.0f %7.0f %6lld\n"

static void print_group(const char *name, const char *engine, json_t *g)
{
	char owner[64];

	status_owner(g, owner, sizeof(owner));
	printf(ROW, name, engine, owner, status_integer(g, "waiters"),
	       status_integer(g, "mappings"), json_real_value(json_object_get(g, "hold_us")),
	       status_integer(g, "switches"), status_integer(g, "waits"),
	       status_quantile(g, "wait", "p50_us"), status_quantile(g, "wait", "p99_us"),
	       status_quantile(g, "switch", "p50_us"), status_quantile(g, "switch", "p99_us"),
	       status_integer(g, "taken"));
}

/* A process that shares memory of the device: it owns nothing, and waits for nobody. */
static void print_sharer(const char *name, const char *engine, json_t *sharer)
{
	char who[64];

	snprintf(who, sizeof(who), "shared: %lld %s", status_integer(sharer, "pid"),
		 status_text(sharer, "command"));
	printf("%-12s %-6s %-22.22s %7s %8lld\n", name, engine, who, "-",
	       status_integer(sharer, "mappings"));
}

static void print_table(json_t *all)
{
	size_t i, k;
	json_t *o, *g;

	printf(HEADER, "DEVICE", "ENGINE", "OWNER", "WAITERS", "MAPPINGS", "HOLD us", "SWITCHES",
	       "WAITS", "WAIT us p50/p99", "SWTC us p50/p99", "TAKEN");
	json_array_foreach(all, i, o)
	{
		const char *name = status_text(o, "name"), *engine = status_text(o, "engine");
		json_t *groups = json_object_get(o, "groups");
		json_t *shared = json_object_get(o, "shared");

		if (json_array_size(groups) == 0 && json_array_size(shared) == 0)
			printf("%-12s %-6s %s\n", name, engine, "-");
		json_array_foreach(groups, k, g) print_group(name, engine, g);
		json_array_foreach(shared, k, g) print_sharer(name, engine, g);
	}
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct device_dirs dirs;
	const char *dir = NULL;
	bool as_json = false;
	json_t *all;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'd') {
			dir = optarg;
		} else if (opt == 'j') {
			as_json = true;
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
	if (as_json) {
		json_t *o = json_pack("{s:o}", "devices", all);

		json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(10));
		printf("\n");
		json_decref(o);
	} else {
		print_table(all);
		json_decref(all);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
