/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap(1): serve devices, run programs on them, list and watch them. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devmap.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	/* clang-format off */
	{ "serve", cmd_serve },
	{ "run", cmd_run },
	{ "list", cmd_list },
	{ "top", cmd_top },
	{ "trace", cmd_trace },
	{ "metrics", cmd_metrics },
	{ "set", cmd_set },
	{ "stop", cmd_stop },
	{ "new", cmd_new },
	{ "check", cmd_check },
	/* clang-format on */
};

static const char usage[] =
	"usage: devmap serve [--dir DIR] [OPTIONS] DRIVER.so[:NAME=VALUE,...]...\n"
	"       devmap run [--dir DIR] [--alias NAME=NAME] [--driver DRIVER.so[:...]]... [--private-dev]\n"
	"                  [--quiet] -- PROGRAM [ARG]...\n"
	"       devmap list [--dir DIR] [--json]\n"
	"       devmap top [--dir DIR] [--interval SECONDS] [--sort COLUMN] [--filter WORD] [--once]\n"
	"       devmap trace [--dir DIR] [--seconds N] [-o FILE] [DEVICE]...\n"
	"       devmap metrics [--dir DIR] [--file FILE]\n"
	"       devmap set [--dir DIR] DEVICE NAME=VALUE...\n"
	"       devmap stop [--dir DIR] DEVICE...\n"
	"       devmap new [--model] [--pci VVVV:DDDD] NAME\n"
	"       devmap check [--dir DIR]\n"
	"Each takes --help. See devmap(1).\n";

/* The user's own directory, or false: he has none. */
static bool own_dir(char *buf, size_t len)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	return geteuid() != 0 && runtime != NULL && runtime[0] == '/' &&
	       (size_t)snprintf(buf, len, "%s/devmap", runtime) < len;
}

void device_dirs(struct device_dirs *dirs, const char *option)
{
	const char *env = getenv("DEVMAP_DIR");

	dirs->n = 0;
	if (option != NULL || (env != NULL && env[0] != '\0')) {
		dirs->dir[dirs->n++] = option != NULL ? option : env;
		return;
	}
	if (own_dir(dirs->own, sizeof(dirs->own)))
		dirs->dir[dirs->n++] = dirs->own;
	dirs->dir[dirs->n++] = DEFAULT_DIR;
}

int only_dir_option(int argc, char **argv, const char *help, const char **dir)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'd') {
			fputs(help, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
		*dir = optarg;
	}
	return -1;
}

int absolute(const char *path, char *buf, unsigned long len)
{
	char cwd[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return -errno;
	if ((unsigned long)snprintf(buf, len, "%s%s%s", cwd, cwd[0] != '\0' ? "/" : "", path) >=
	    len)
		return -ENAMETOOLONG;
	return 0;
}

int installed(const char *relative, char *buf, unsigned long len)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int up;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	/* PREFIX/bin/devmap */
	for (up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');

		if (slash == NULL)
			return -ENOENT;
		*slash = '\0';
	}
	if ((unsigned long)snprintf(buf, len, "%s/%s", self, relative) >= len)
		return -ENAMETOOLONG;
	return access(buf, R_OK) == 0 ? 0 : -errno;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		fputs(usage, argc > 1 ? stdout : stderr);
		return argc > 1 ? 0 : 2;
	}
	fprintf(stderr, "devmap: '%s' is no command\n%s", name, usage);
	return 2;
}
