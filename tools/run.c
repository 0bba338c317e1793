/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap run: a program with the shim loaded. With --driver, a private engine first, which ends
 * with the program: the embedded use, without a daemon to manage.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devmap.h"

static const char help[] =
	"usage: devmap run [--dir DIR] [--alias NAME=DEVICE]... [--driver DRIVER.so[:NAME=VALUE,...]]...\n"
	"                  [--private-dev] [--quiet] [--] PROGRAM [ARGUMENT]...\n"
	"  --dir DIR        where the devices are (DEVMAP_DIR; else $XDG_RUNTIME_DIR/devmap and\n"
	"                   " DEFAULT_DIR ")\n"
	"  --alias N=D      /dev/N means device D: --alias fb0=xfb0\n"
	"  --driver D       start a private engine for this driver, and end it with the program\n"
	"  --private-dev    a /dev of the program's own, with the devices in it: for static programs\n"
	"  --quiet          do not warn of what will not work\n";

enum { O_DIR = 1, O_ALIAS, O_DRIVER, O_PRIVATE, O_QUIET, O_HELP };

static const struct option options[] = {
	{ "dir", required_argument, NULL, O_DIR },
	{ "alias", required_argument, NULL, O_ALIAS },
	{ "driver", required_argument, NULL, O_DRIVER },
	{ "private-dev", no_argument, NULL, O_PRIVATE },
	{ "quiet", no_argument, NULL, O_QUIET },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

struct run {
	const char *dir;
	char aliases[1024];
	char *drivers[16];
	int ndrivers;
	bool private_dev;
	bool quiet;
	char private_dir[PATH_MAX];
	struct device_dirs dirs; /* where the program's devices are */
	pid_t engine, program;
};

/* Adds one word to a list in the environment's format. */
static int append(char *list, size_t len, const char *word, char separator)
{
	size_t n = strlen(list);

	if (n + strlen(word) + 2 > len)
		return -ENAMETOOLONG;
	snprintf(list + n, len - n, "%s%s", n ? (char[]){ separator, '\0' } : "", word);
	return 0;
}

static int preload(void)
{
	char path[PATH_MAX], list[2 * PATH_MAX];
	const char *old = getenv("LD_PRELOAD");
	int error = installed("lib/libdevmap.so.0", path, sizeof(path));

	if (error != 0) {
		fprintf(stderr, "devmap: run: %s: %s\n", path, strerror(-error));
		return error;
	}
	if (strpbrk(path, ": ") != NULL) {
		fprintf(stderr,
			"devmap: run: %s: a library with a blank or colon in its path cannot be "
			"preloaded\n",
			path);
		return -EINVAL;
	}
	snprintf(list, sizeof(list), "%s%s%s", path, old && *old ? ":" : "", old ? old : "");
	return setenv("LD_PRELOAD", list, 1) == 0 ? 0 : -errno;
}

/* 0 or -errno. */
static int make_private_dir(struct run *r)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];
	int error;

	if ((size_t)snprintf(path, sizeof(path), "%s/devmap-XXXXXX", tmp && *tmp ? tmp : "/tmp") >=
	    sizeof(path))
		return -ENAMETOOLONG;
	error = absolute(path, r->private_dir, sizeof(r->private_dir));
	if (error == 0 && mkdtemp(r->private_dir) == NULL)
		error = -errno;
	if (error != 0)
		r->private_dir[0] = '\0';
	return error;
}

/* Starts `devmap serve` for the private engine and waits until it is ready. 0 or -errno. */
static int start_engine(struct run *r)
{
	const char *args[24] = { "devmap", "serve", "--dir", r->private_dir };
	char line[64] = "";
	int out[2], n = 4;
	FILE *f;
	int error = make_private_dir(r);

	if (error != 0)
		return error;
	if (pipe(out) != 0)
		return -errno;
	for (int i = 0; i < r->ndrivers; i++)
		args[n++] = r->drivers[i];
	r->engine = fork();
	if (r->engine < 0)
		return -errno;
	if (r->engine == 0) {
		/* It ends with us, and not by a ^C meant for the program. */
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		(void)setpgid(0, 0);
		(void)dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execv("/proc/self/exe", (char *const *)args);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL ||
	    strncmp(line, "devmap: ready", 13) != 0)
		line[0] = '\0';
	if (f != NULL)
		fclose(f);
	return line[0] != '\0' ? 0 : -ECHILD; /* it has said why */
}

static void stop_engine(struct run *r)
{
	if (r->engine > 0) {
		(void)kill(r->engine, SIGTERM);
		(void)waitpid(r->engine, NULL, 0);
	}
	if (r->private_dir[0] != '\0')
		(void)rmdir(r->private_dir);
}

static volatile sig_atomic_t forward_to;

/* What comes from the terminal (^C) has gone to the program too. */
static void forward(int sig, siginfo_t *si, void *context)
{
	(void)context;
	if (forward_to > 0 && si->si_code != SI_KERNEL)
		(void)kill((pid_t)forward_to, sig);
}

/* The first device that is a socket, since there is no FUSE; NULL: none is. */
static const char *find_socket(const char *dir, char name[NAME_MAX + 1])
{
	DIR *d = opendir(dir);
	bool found = false;
	struct dirent *e;
	struct stat st;

	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		found = e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
			S_ISSOCK(st.st_mode);
		snprintf(name, NAME_MAX + 1, "%s", e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return found ? name : NULL;
}

/* Has somebody said DEVMAP_FUSE=no? Then he knows. */
static bool is_wanted(void)
{
	const char *fuse = getenv("DEVMAP_FUSE");

	return fuse != NULL && strcmp(fuse, "no") == 0;
}

static void say_no_fuse(const char *device)
{
	fprintf(stderr,
		"devmap: run: %s: its engine has no FUSE: it can be opened, mapped and given to "
		"ioctl(2), but not read, written, polled or locked\n",
		device);
}

/* It runs, but may wonder where its devices are, or what they do. An engine of ours speaks for itself. */
static void warn(const struct run *r, const char *name)
{
	char path[PATH_MAX], device[NAME_MAX + 1];
	const char *reason = NULL;

	if (r->quiet)
		return;
	if (!r->private_dev)
		reason = program_unreachable(name, path, sizeof(path));
	if (reason != NULL)
		fprintf(stderr,
			"devmap: run: %s %s: without the library it finds no devices in /dev\n",
			path, reason);
	for (unsigned i = 0; r->ndrivers == 0 && !is_wanted() && i < r->dirs.n; i++)
		if (find_socket(r->dirs.dir[i], device) != NULL)
			say_no_fuse(device);
}

static int exec_program(const struct run *r, char **argv)
{
	if (r->private_dev && private_dev(&r->dirs, r->aliases) != 0)
		return 125;
	execvp(argv[0], argv);
	fprintf(stderr, "devmap: run: %s: %s\n", argv[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

/* With an engine of our own we stay, to end it; signals go on to the program. */
static int run_and_wait(struct run *r, char **argv)
{
	static const int sigs[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct sigaction sa = { .sa_sigaction = forward, .sa_flags = SA_RESTART | SA_SIGINFO };
	int status;

	r->program = fork();
	if (r->program < 0) {
		fprintf(stderr, "devmap: run: fork: %s\n", strerror(errno));
		return 126;
	}
	if (r->program == 0)
		_exit(exec_program(r, argv));
	forward_to = r->program;
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)sigaction(sigs[i], &sa, NULL);
	while (waitpid(r->program, &status, 0) < 0)
		if (errno != EINTR)
			return 126;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int take_option(struct run *r, int opt, char *arg)
{
	switch (opt) {
	case O_DIR:
		r->dir = arg;
		return 0;
	case O_ALIAS:
		return strchr(arg, '=') ? append(r->aliases, sizeof(r->aliases), arg, ',') :
					  -EINVAL;
	case O_DRIVER:
		if (r->ndrivers == (int)(sizeof(r->drivers) / sizeof(r->drivers[0])))
			return -E2BIG;
		r->drivers[r->ndrivers++] = arg;
		return 0;
	case O_PRIVATE:
		r->private_dev = true;
		return 0;
	case O_QUIET:
		r->quiet = true;
		return 0;
	}
	return -EINVAL;
}

/*
 * Where somebody has said where devices are, the library is told; it looks where we do otherwise. The
 * program may go to another directory. 0 or -errno, said.
 */
static int tell_dir(struct run *r)
{
	char path[PATH_MAX];
	int error;

	device_dirs(&r->dirs, r->ndrivers > 0 ? r->private_dir : r->dir);
	if (r->dirs.n > 1)
		return 0;
	error = absolute(r->dirs.dir[0], path, sizeof(path));
	if (error == 0 && setenv("DEVMAP_DIR", path, 1) != 0)
		error = -errno;
	if (error != 0)
		fprintf(stderr, "devmap: run: %s: %s\n", r->dirs.dir[0], strerror(-error));
	return error;
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .engine = 0 };
	int opt, status = 0, error = 0;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == O_HELP) {
			fputs(help, stdout);
			return 0;
		}
		if (take_option(&r, opt, optarg) != 0) {
			fputs(help, stderr);
			return 2;
		}
	}
	if (optind == argc) {
		fprintf(stderr, "devmap: run: no program named\n%s", help);
		return 2;
	}
	if (r.ndrivers > 0)
		error = start_engine(&r);
	if (error != 0) {
		if (error != -ECHILD)
			fprintf(stderr, "devmap: run: cannot start an engine: %s\n",
				strerror(-error));
		stop_engine(&r);
		return 125;
	}
	if (tell_dir(&r) != 0 || preload() != 0 ||
	    (r.aliases[0] != '\0' && setenv("DEVMAP_ALIAS", r.aliases, 1) != 0)) {
		stop_engine(&r);
		return 125;
	}
	warn(&r, argv[optind]);
	if (r.ndrivers == 0)
		status = exec_program(&r, argv + optind);
	else
		status = run_and_wait(&r, argv + optind);
	stop_engine(&r);
	return status;
}
