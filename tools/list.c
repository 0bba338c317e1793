/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap list: asks each device's engine how it is, the kernel engine for all of its devices at
 * once. An engine answers without disturbing its clients, so this is safe in a loop.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <devmap/ioctl.h>
#include <devmap/protocol.h>

#include "../engine/user/wire.h"
#include "devmap.h"

static const char help[] =
	"usage: devmap list [--dir DIR] [--json]\n"
	"Shows each device: who owns it, who waits, how often it was switched and how long that took.\n";

/* A connection to DIR/NAME, or -errno. */
static int knock(int dirfd, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 5 };
	int s, error;

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%s", dirfd, name) >=
	    (int)sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return s;
	error = -errno;
	close(s);
	return error;
}

/* The engine's answer, or NULL with *error set. */
static json_t *ask(int dirfd, const char *name, int *error)
{
	struct dm_request rq = { .magic = DM_MAGIC, .version = DM_VERSION, .op = DM_STATUS };
	struct iovec iov = { .iov_base = &rq, .iov_len = sizeof(rq) };
	struct dm_reply r;
	unsigned nfds = 0;
	json_t *o = NULL;
	FILE *f;
	int fd, s = knock(dirfd, name);

	*error = s < 0 ? s : wire_send(s, &iov, 1, NULL, 0);
	if (*error == 0) {
		ssize_t n = wire_receive(s, &r, sizeof(r), &fd, 1, &nfds, NULL, 0);

		*error = n < 0						      ? (int)n :
			 n != sizeof(r) || r.magic != DM_MAGIC || r.error < 0 ? -EPROTO :
			 r.error					      ? -r.error :
			 nfds != 1					      ? -EPROTO :
										0;
	}
	if (s >= 0)
		close(s);
	if (*error != 0)
		return NULL;
	f = fdopen(fd, "r");
	if (f != NULL) {
		rewind(f);
		o = json_loadf(f, 0, NULL);
		fclose(f);
	}
	if (o == NULL)
		*error = -EPROTO;
	return o;
}

static int only_sockets(const struct dirent *d)
{
	return d->d_type == DT_SOCK && d->d_name[0] == '.';
}

static const char *why(int error)
{
	return error == -ECONNREFUSED ?
		       "its engine is gone; the next devmap serve of this directory takes it away" :
		       strerror(-error);
}

/*
 * Adds the user engine's devices; one that does not answer is named on stderr. Returns 0, or
 * -errno of the directory: that there is none is not one.
 */
static int add_user_devices(json_t *all, const char *dir)
{
	struct dirent **names;
	int dirfd, n = scandir(dir, &names, only_sockets, NULL), error;
	json_t *o;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		o = ask(dirfd, names[i]->d_name, &error);
		if (o != NULL)
			json_array_append_new(all, o);
		else
			fprintf(stderr, "devmap: list: %s/%s: %s\n", dir, names[i]->d_name + 1,
				why(error));
		free(names[i]);
	}
	free(names);
	if (dirfd >= 0)
		close(dirfd);
	return 0;
}

/* What the kernel engine answers, or NULL with *error set; -ENOENT: there is none. */
static json_t *ask_kernel(int *error)
{
	FILE *f = fopen(DEVMAP_CONTROL, "re");
	json_error_t e;
	json_t *o;

	*error = -errno;
	if (f == NULL)
		return NULL;
	o = json_loadf(f, 0, &e);
	*error = ferror(f) ? -errno : -EPROTO;
	fclose(f);
	if (o != NULL && !json_is_array(o)) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

static void add_kernel_devices(json_t *all)
{
	int error;
	json_t *o = ask_kernel(&error);

	if (o != NULL)
		json_array_extend(all, o);
	else if (error != -ENOENT)
		fprintf(stderr, "devmap: list: %s: %s\n", DEVMAP_CONTROL, strerror(-error));
	json_decref(o);
}

static const char *text(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "?";
}

static int by_name(const void *a, const void *b)
{
	json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = strcmp(text(x, "name"), text(y, "name"));

	return order != 0 ? order : strcmp(text(x, "engine"), text(y, "engine"));
}

/* A new array of the same devices. */
static json_t *sorted(json_t *all)
{
	size_t i, n = json_array_size(all);
	json_t **list = calloc(n + 1, sizeof(*list)), *result = json_array();

	if (list == NULL)
		abort();
	for (i = 0; i < n; i++)
		list[i] = json_array_get(all, i);
	qsort(list, n, sizeof(*list), by_name);
	for (i = 0; i < n; i++)
		json_array_append(result, list[i]);
	free(list);
	return result;
}

/* All devices, by name. NULL, said: a directory cannot be read. */
static json_t *collect(const struct device_dirs *dirs)
{
	json_t *all = json_array(), *result = NULL;
	int error = 0;

	for (unsigned i = 0; error == 0 && i < dirs->n; i++) {
		error = add_user_devices(all, dirs->dir[i]);
		if (error != 0)
			fprintf(stderr, "devmap: list: %s: %s\n", dirs->dir[i], strerror(-error));
	}
	if (error == 0) {
		add_kernel_devices(all);
		result = sorted(all);
	}
	json_decref(all);
	return result;
}

static long long integer(json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

static double p(json_t *o, const char *times, const char *which)
{
	return json_real_value(json_object_get(json_object_get(o, times), which));
}

static void owner_text(json_t *g, char *buf, size_t len)
{
	json_t *owner = json_object_get(g, "owner");
	const char *command = json_string_value(json_object_get(owner, "command"));

	if (json_is_object(owner))
		snprintf(buf, len, "%lld %s", integer(owner, "pid"), command ? command : "");
	else
		snprintf(buf, len, "-");
}

#define HEADER "%-12s %-6s %-22s %7s %8s %9s %10s %8s %15s %15s %6s\n"
#define ROW    "%-12s %-6s %-22.22s %7lld %8lld %9.0f %10lld %8lld %7.0f %7.0f %7.0f %7.0f %6lld\n"

static void print_group(const char *name, const char *engine, json_t *g)
{
	char owner[64];

	owner_text(g, owner, sizeof(owner));
	printf(ROW, name, engine, owner, integer(g, "waiters"), integer(g, "mappings"),
	       json_real_value(json_object_get(g, "hold_us")), integer(g, "switches"),
	       integer(g, "waits"), p(g, "wait", "p50_us"), p(g, "wait", "p99_us"),
	       p(g, "switch", "p50_us"), p(g, "switch", "p99_us"), integer(g, "taken"));
}

/* A process that shares memory of the device: it owns nothing, and waits for nobody. */
static void print_sharer(const char *name, const char *engine, json_t *sharer)
{
	char who[64];

	snprintf(who, sizeof(who), "shared: %lld %s", integer(sharer, "pid"),
		 text(sharer, "command"));
	printf("%-12s %-6s %-22.22s %7s %8lld\n", name, engine, who, "-",
	       integer(sharer, "mappings"));
}

static void print_table(json_t *all)
{
	size_t i, k;
	json_t *o, *g;

	printf(HEADER, "DEVICE", "ENGINE", "OWNER", "WAITERS", "MAPPINGS", "HOLD us", "SWITCHES",
	       "WAITS", "WAIT us p50/p99", "SWTC us p50/p99", "TAKEN");
	json_array_foreach(all, i, o)
	{
		const char *name = text(o, "name"), *engine = text(o, "engine");
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
	all = collect(&dirs);
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
