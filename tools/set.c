/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap set: how long a device is held and locked, at run time, instead of what its driver says. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "devmap.h"
#include "doors.h"

static const char help[] =
	"usage: devmap set [--dir DIR] DEVICE NAME=VALUE...\n"
	"For the driver's instance, from now on, by root or the engine's own user:\n"
	"  hold-ms=MS            how long a process keeps the device once granted; 0: no hold\n"
	"  overhead-percent=N    the hold is chosen so that switches take at most this share (1 to 99)\n"
	"  lock-ms=MS            when locks end; 0: never\n"
	"  NAME=driver           as the driver, or the engine, says\n"
	"  --dir DIR             where the devices are (as for devmap list)\n";

#define SYSFS	  "/sys/class/devmap"
#define NS_PER_MS 1e6

static const struct term {
	const char *name, *file; /* file: of the kernel engine */
	enum dm_term term;
	double scale, most;
} terms[] = {
	{ "hold-ms", "set_hold_ns", DM_TERM_HOLD, NS_PER_MS, 3.6e6 },
	{ "overhead-percent", "set_overhead_percent", DM_TERM_OVERHEAD, 1, 99 },
	{ "lock-ms", "set_lock_ns", DM_TERM_LOCK, NS_PER_MS, 3.6e6 },
};

struct setting {
	const struct term *term;
	int64_t value;
};

/* False, said: it is nonsense. */
static bool parse(const char *text, struct setting *out)
{
	const char *value = strchr(text, '=');
	char *end = NULL;
	double d;

	out->term = NULL;
	for (size_t i = 0; value != NULL && i < sizeof(terms) / sizeof(terms[0]); i++)
		if (strncmp(terms[i].name, text, (size_t)(value - text)) == 0 &&
		    terms[i].name[value - text] == '\0')
			out->term = &terms[i];
	if (out->term == NULL) {
		fprintf(stderr,
			"devmap: set: %s: there is hold-ms=, overhead-percent= and lock-ms=\n",
			text);
		return false;
	}
	value++;
	out->value = -1;
	if (strcmp(value, "driver") == 0)
		return true;
	d = strtod(value, &end);
	if (end == value || *end != '\0' || !(d >= 0 && d <= out->term->most) ||
	    (out->term->scale == 1 && d != floor(d))) {
		fprintf(stderr, "devmap: set: %s: a number from 0 to %.0f, or \"driver\"\n", text,
			out->term->most);
		return false;
	}
	out->value = (int64_t)llround(d * out->term->scale);
	return true;
}

/* 0 or -errno. */
static int set_kernel(const char *device, const struct setting *s)
{
	char path[PATH_MAX];
	int error = 0;
	FILE *f;

	if (snprintf(path, sizeof(path), SYSFS "/%s/%s", device, s->term->file) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	f = fopen(path, "we");
	if (f == NULL)
		return -errno;
	if (fprintf(f, "%lld\n", (long long)s->value) < 0 || fflush(f) != 0)
		error = -errno;
	fclose(f);
	return error;
}

/* 0 or -errno. */
static int set(const struct device_dirs *dirs, const char *device, const struct setting *s)
{
	const uint64_t a[2] = { s->term->term, (uint64_t)s->value };
	int error = door_ask_device(dirs, device, DM_SET, a, NULL);

	return error == -ENOENT ? set_kernel(device, s) : error;
}

static const char *why(int error)
{
	return error == -ENOENT			   ? "there is no such device" :
	       error == -EPERM || error == -EACCES ? "only root and the engine's own user may" :
						     door_error(error);
}

int cmd_set(int argc, char **argv)
{
	const char *dir = NULL;
	struct device_dirs dirs;
	struct setting s;
	int status, error = 0;

	status = only_dir_option(argc, argv, help, &dir);
	if (status >= 0)
		return status;
	if (argc - optind < 2) {
		fputs(help, stderr);
		return 2;
	}
	for (int i = optind + 1; i < argc; i++)
		if (!parse(argv[i], &s))
			return 2;
	device_dirs(&dirs, dir);
	for (int i = optind + 1; error == 0 && i < argc; i++) {
		(void)parse(argv[i], &s);
		error = set(&dirs, argv[optind], &s);
		if (error != 0)
			fprintf(stderr, "devmap: set: %s: %s: %s\n", argv[optind], argv[i],
				why(error));
	}
	return error == 0 ? 0 : 1;
}
