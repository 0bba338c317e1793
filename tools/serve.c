/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap serve: the options, and what can be checked before anything is started. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../engine/user/account.h"
#include "../engine/user/driver.h"
#include "../engine/user/engine.h"
#include "devmap.h"

static const char help[] =
	"usage: devmap serve [OPTIONS] DRIVER.so[:NAME=VALUE[,NAME=VALUE]...]...\n"
	"  --dir DIR            where devices appear (DEVMAP_DIR; else, for root,\n"
	"                       " DEFAULT_DIR ", and for others $XDG_RUNTIME_DIR/devmap)\n"
	"  --at-dev             they appear in /dev too (root only)\n"
	"  --conf FILE          the driver's properties and instances, as in driver.conf(5)\n"
	"                       (default: NAME.conf beside it, if there is one)\n"
	"  --owner USER         owner of the devices\n"
	"  --group GROUP        group of the devices\n"
	"  --mode OCTAL         mode of the devices (default: the driver's, else 0600)\n"
	"  --on-crash POLICY    fail (default): clients of an engine that died get SIGBUS;\n"
	"                       restart: the same, and a new engine serves new opens;\n"
	"                       block: they block until killed;\n"
	"                       resume: they block until a new engine has taken over, and go on\n"
	"  --kernel-faults WHO  none (default), own or all: whose system calls may access device\n"
	"                       memory directly (needs privilege; see devmap(1))\n"
	"  --lock-time MS       longest time that pages may stay locked (default 1000; 0: no limit)\n"
	"  --lock-pages N       most pages that a process may lock (default 4096; 0: no limit)\n"
	"  --threads N          most threads of an engine (default 256)\n"
	"  --limits NAME=N,...  what a user or a process may hold (see devmap(1))\n"
	"DRIVER.so is a path, or the name of a driver of this installation (\"xfb\").\n";

struct serve {
	enum on_crash policy;
	const char *dir;
	const char *conf; /* or NULL */
};

static int number(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno != 0 || *end != '\0' || end == text || *out > max ? -EINVAL : 0;
}

static int parse_owner(const char *text)
{
	struct passwd *pw = getpwnam(text);
	unsigned long n;

	if (pw != NULL)
		server_options.owner = pw->pw_uid;
	else if (number(text, UINT_MAX - 1, &n) == 0)
		server_options.owner = (uid_t)n;
	else
		return -EINVAL;
	return 0;
}

static int parse_group(const char *text)
{
	struct group *gr = getgrnam(text);
	unsigned long n;

	if (gr != NULL)
		server_options.group = gr->gr_gid;
	else if (number(text, UINT_MAX - 1, &n) == 0)
		server_options.group = (gid_t)n;
	else
		return -EINVAL;
	return 0;
}

static int parse_mode(const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (*end != '\0' || end == text || mode == 0 || mode > 0777)
		return -EINVAL;
	server_options.mode = (mode_t)mode;
	return 0;
}

static int one_of(const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return -EINVAL;
}

enum {
	O_DIR = 1,
	O_AT_DEV,
	O_CONF,
	O_OWNER,
	O_GROUP,
	O_MODE,
	O_CRASH,
	O_KFAULTS,
	O_LOCK_TIME,
	O_LOCK_PAGES,
	O_THREADS,
	O_LIMITS,
	O_HELP
};

static const struct option options[] = {
	{ "dir", required_argument, NULL, O_DIR },
	{ "at-dev", no_argument, NULL, O_AT_DEV },
	{ "conf", required_argument, NULL, O_CONF },
	{ "owner", required_argument, NULL, O_OWNER },
	{ "group", required_argument, NULL, O_GROUP },
	{ "mode", required_argument, NULL, O_MODE },
	{ "on-crash", required_argument, NULL, O_CRASH },
	{ "kernel-faults", required_argument, NULL, O_KFAULTS },
	{ "lock-time", required_argument, NULL, O_LOCK_TIME },
	{ "lock-pages", required_argument, NULL, O_LOCK_PAGES },
	{ "threads", required_argument, NULL, O_THREADS },
	{ "limits", required_argument, NULL, O_LIMITS },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

/* 0, or -EINVAL for a value that means nothing. */
static int take_option(struct serve *sv, int opt, const char *arg)
{
	static const char *const policies[] = { "fail", "restart", "block", "resume", NULL };
	static const char *const whose[] = { "none", "own", "all", NULL };
	unsigned long n = 0;
	int error = 0, i;

	switch (opt) {
	case O_DIR:
		sv->dir = arg;
		return 0;
	case O_AT_DEV:
		server_options.at_dev = true;
		return 0;
	case O_CONF:
		sv->conf = arg;
		return 0;
	case O_OWNER:
		return parse_owner(arg);
	case O_GROUP:
		return parse_group(arg);
	case O_MODE:
		return parse_mode(arg);
	case O_CRASH:
		i = one_of(arg, policies);
		sv->policy = (enum on_crash)i;
		return i < 0 ? i : 0;
	case O_KFAULTS:
		i = one_of(arg, whose);
		server_options.kernel_faults = i;
		return i < 0 ? i : 0;
	case O_LOCK_TIME:
		error = number(arg, 1000000000, &n);
		server_options.lock_ns = (hrtime_t)n * 1000000;
		return error;
	case O_LOCK_PAGES:
		error = number(arg, ULONG_MAX, &n);
		server_options.lock_pages = n;
		return error;
	case O_LIMITS:
		return limits_parse(arg);
	default:
		error = number(arg, 100000, &n);
		server_options.max_threads = (unsigned)n;
		return error == 0 && n < 4 ? -EINVAL : error;
	}
}

/* Makes the directory (its parents too, like mkdir -p), and sees that sockets can be made in it. */
static int make_dir(const char *dir)
{
	char path[PATH_MAX];
	int error = 0;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		error = -ENAMETOOLONG;
	for (char *p = path + 1; error == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			error = -errno;
		*p = '/';
	}
	if (error == 0 && mkdir(path, 0755) != 0 && errno != EEXIST)
		error = -errno;
	if (error == 0 && access(path, W_OK | X_OK) != 0)
		error = -errno;
	if (error != 0)
		fprintf(stderr,
			"devmap: serve: %s: cannot make devices here: %s\n"
			"devmap: serve: name another directory by --dir or DEVMAP_DIR\n",
			dir, strerror(-error));
	return error;
}

/* A bare name means a driver of this installation. Returns a malloc'ed spec, or NULL. */
static char *full_spec(const char *spec)
{
	size_t n = strcspn(spec, ":");
	char relative[PATH_MAX], path[PATH_MAX], *out = NULL;
	bool so = n > 3 && strncmp(spec + n - 3, ".so", 3) == 0;

	if (memchr(spec, '/', n) != NULL || (so && access(spec, R_OK) == 0))
		return strdup(spec);
	snprintf(relative, sizeof(relative), "lib/devmap/%.*s%s", (int)n, spec, so ? "" : ".so");
	if (installed(relative, path, sizeof(path)) != 0)
		return strdup(spec);
	if (asprintf(&out, "%s%s", path, spec + n) < 0)
		return NULL;
	return out;
}

int cmd_serve(int argc, char **argv)
{
	struct serve sv = { .policy = CRASH_FAIL };
	struct device_dirs dirs;
	char **specs;
	int opt, i, status;

	while ((opt = getopt_long(argc, argv, "", options, &i)) != -1) {
		if (opt == O_HELP) {
			fputs(help, stdout);
			return 0;
		}
		if (opt == '?') {
			fputs(help, stderr);
			return 2;
		}
		if (take_option(&sv, opt, optarg) != 0) {
			fprintf(stderr, "devmap: serve: --%s: '%s' is not a value for it\n",
				options[i].name, optarg);
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "devmap: serve: no driver named\n%s", help);
		return 2;
	}
	if (sv.conf != NULL && argc - optind > 1) {
		fprintf(stderr,
			"devmap: serve: --conf: it is about one driver; for several of them put "
			"NAME.conf beside each\n");
		return 2;
	}
	driver_set_conf(sv.conf);
	if (server_options.at_dev && geteuid() != 0) {
		fprintf(stderr, "devmap: serve: --at-dev: only root can make devices in /dev\n");
		return 1;
	}
	device_dirs(&dirs, sv.dir);
	server_options.dir = dirs.dir[0];
	if (make_dir(server_options.dir) != 0)
		return 1;
	specs = calloc((size_t)(argc - optind), sizeof(*specs));
	for (i = optind; specs != NULL && i < argc; i++)
		specs[i - optind] = full_spec(argv[i]);
	status = specs == NULL ? 1 : supervisor_main(specs, argc - optind, sv.policy);
	for (i = optind; specs != NULL && i < argc; i++)
		free(specs[i - optind]);
	free(specs);
	return status;
}
