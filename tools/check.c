/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap check: is this machine fit, and what is to be done otherwise? A line for each thing that is
 * looked at; nothing is changed, and no engine is asked for more than its status.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <devmap/ioctl.h>

#include "../engine/user/uffd_compat.h"
#include "devmap.h"
#include "status.h"

static const char help[] =
	"usage: devmap check [--dir DIR]\n"
	"Looks at what devmap needs of this machine, and says what to do where something is missing.\n";

#define FILES_WANTED 4096 /* descriptors: some hundreds of clients */

static unsigned failures; /* without which the user engine does not work */

enum verdict { FINE, NOTE, MISSING };

/* "ok    what: how it is"; for NOTE and MISSING, `how` says what to do. */
static void say(enum verdict v, const char *what, const char *how, ...)
	__attribute__((format(printf, 3, 4)));

static void say(enum verdict v, const char *what, const char *how, ...)
{
	static const char *const words[] = { "ok", "note", "FAIL" };
	va_list ap;

	failures += v == MISSING;
	printf("%-5s %s: ", words[v], what);
	va_start(ap, how);
	vprintf(how, ap);
	va_end(ap);
	putchar('\n');
}

/* The first line of a file, without its end; false: it cannot be read. */
static bool read_line(const char *path, char *line, int len)
{
	FILE *f = fopen(path, "re");
	bool read = f != NULL && fgets(line, len, f) != NULL;

	if (f != NULL)
		fclose(f);
	line[read ? strcspn(line, "\n") : 0] = '\0';
	return read;
}

/*
 * The user engine.
 */

static void check_kernel(void)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	(void)uname(&u);
	(void)sscanf(u.release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 14))
		say(MISSING, "kernel", "Linux %s; the user engine needs 5.14 or later", u.release);
	else if (major < 6 || (major == 6 && minor < 6))
		say(NOTE, "kernel",
		    "Linux %s; from 6.6 on a failed access is a SIGBUS of the kernel's, and programs "
		    "of other pid namespaces are served",
		    u.release);
	else
		say(FINE, "kernel", "Linux %s %s", u.release, u.machine);
}

/* What a userfaultfd of this kernel can do; 0: there is none, and errno says why. */
static uint64_t uffd_features(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), error;
	bool known;

	if (fd < 0)
		return 0;
	known = ioctl(fd, UFFDIO_API, &api) == 0;
	error = errno;
	close(fd);
	errno = error;
	return known ? api.features : 0;
}

static void check_userfaultfd(void)
{
	const uint64_t needed = UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM |
				UFFD_FEATURE_THREAD_ID;
	const uint64_t has = uffd_features();
	char line[16];

	if (has == 0)
		say(MISSING, "userfaultfd",
		    "%s; a container's seccomp profile may forbid it (allow the call userfaultfd)",
		    strerror(errno));
	else if ((has & needed) != needed)
		say(MISSING, "userfaultfd",
		    "this kernel's cannot handle minor faults of shared memory");
	else
		say(FINE, "userfaultfd", "accesses of programs%s",
		    (has & UFFD_FEATURE_POISON) != 0 ? ", POISON" : "");
	if (has == 0)
		return;
	if (access("/dev/userfaultfd", R_OK | W_OK) == 0 || geteuid() == 0 ||
	    (read_line("/proc/sys/vm/unprivileged_userfaultfd", line, sizeof(line)) &&
	     line[0] == '1'))
		say(FINE, "userfaultfd", "accesses of system calls, too (--kernel-faults)");
	else
		say(NOTE, "userfaultfd",
		    "not of system calls (--kernel-faults): needs rights to /dev/userfaultfd; the "
		    "library copies instead");
}

static void check_memory(void)
{
	int fd = (int)syscall(SYS_memfd_create, "devmap-check", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		say(MISSING, "memfd_create", "%s", strerror(errno));
	else
		close(fd);
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char list[PATH_MAX], file[PATH_MAX + 32], *rest = NULL;

	snprintf(list, sizeof(list), "%s", path != NULL ? path : "");
	for (char *dir = strtok_r(list, ":", &rest); dir != NULL;
	     dir = strtok_r(NULL, ":", &rest)) {
		snprintf(file, sizeof(file), "%s/%s", dir, program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static void check_fuse(void)
{
	const char *without =
		"devices can be opened, mapped and given to ioctl(2), but not read or "
		"written, polled or locked";

	if (access("/dev/fuse", R_OK | W_OK) != 0)
		say(NOTE, "FUSE",
		    "/dev/fuse: %s; without it %s: load the module fuse, or let the "
		    "container have /dev/fuse",
		    strerror(errno), without);
	else if (geteuid() != 0 && !in_path("fusermount3"))
		say(NOTE, "FUSE", "no fusermount3; without it %s: install the package fuse3",
		    without);
	else
		say(FINE, "FUSE", "%s", geteuid() == 0 ? "devices are files" : "by fusermount3");
}

static void check_limits(void)
{
	struct rlimit files = { 0, 0 };
	char line[32] = "";

	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < FILES_WANTED)
		say(NOTE, "descriptors",
		    "at most %lu; an engine needs up to 5 a client: raise the hard limit (ulimit -Hn)",
		    (unsigned long)files.rlim_max);
	else
		say(FINE, "descriptors", "at most %lu", (unsigned long)files.rlim_max);
	if (read_line("/proc/sys/vm/max_map_count", line, sizeof(line)) && atol(line) < 65530)
		say(NOTE, "mappings",
		    "a process has at most %s; Linux's own limit is 65530: sysctl "
		    "vm.max_map_count",
		    line);
}

/* The nearest directory that is there. */
static void existing(char *dir)
{
	char *slash;

	while (access(dir, F_OK) != 0 && (slash = strrchr(dir, '/')) != NULL && slash != dir)
		*slash = '\0';
	if (access(dir, F_OK) != 0)
		strcpy(dir, "/");
}

static void check_directory(const char *dir)
{
	char path[PATH_MAX];
	int error = absolute(dir, path, sizeof(path));
	struct stat st;

	if (error == 0 && strlen(path) > 90) {
		say(MISSING, "directory", "%s: too long for the addresses of sockets: --dir", path);
		return;
	}
	if (error == 0) {
		existing(path);
		error = access(path, W_OK | X_OK) == 0 && stat(path, &st) == 0 ? 0 : -errno;
		if (error == 0 && !S_ISDIR(st.st_mode))
			error = -ENOTDIR;
	}
	if (error != 0)
		say(MISSING, "directory",
		    "%s: no devices can be made here: %s: name another one by --dir or DEVMAP_DIR",
		    dir, strerror(-error));
	else
		say(FINE, "directory", "%s", dir);
}

static void check_library(void)
{
	const char *preload = getenv("LD_PRELOAD");
	char path[PATH_MAX];
	int error = installed("lib/libdevmap.so.0", path, sizeof(path));

	if (error != 0)
		say(MISSING, "library", "%s: %s: install devmap anew", path, strerror(-error));
	else if (strpbrk(path, ": ") != NULL)
		say(MISSING, "library",
		    "%s: a path with a blank or a colon cannot be preloaded: "
		    "install devmap elsewhere",
		    path);
	else
		say(FINE, "library", "%s", path);
	if (preload != NULL && preload[0] != '\0' && strstr(preload, "libdevmap") == NULL)
		say(NOTE, "library", "LD_PRELOAD has %s; programs have it behind devmap's",
		    preload);
}

/*
 * The kernel engine, and what is served.
 */

static bool modules_must_be_signed(void)
{
	char line[128] = "";

	if (read_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line)) &&
	    line[0] == 'Y')
		return true;
	return read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       strstr(line, "[none]") == NULL;
}

static void check_kernel_engine(void)
{
	char path[PATH_MAX];
	struct utsname u;

	if (access(DEVMAP_CONTROL, F_OK) == 0) {
		say(FINE, "kernel engine", "devmap.ko is loaded");
		return;
	}
	(void)uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/build", u.release);
	if (access(path, F_OK) != 0)
		say(NOTE, "kernel engine",
		    "not loaded; to build it, install the headers of Linux %s (linux-headers-%s)",
		    u.release, u.release);
	else if (modules_must_be_signed())
		say(NOTE, "kernel engine",
		    "not loaded; this kernel takes only signed modules (Secure Boot): sign devmap.ko "
		    "with a key of yours that is enrolled (mokutil)");
	else
		say(NOTE, "kernel engine", "not loaded; it can be built here: make modules");
}

static void trouble(void *arg, const char *dir, const char *name, const char *why)
{
	(void)arg;
	say(NOTE, "device", "%s%s%s: %s", dir, name[0] != '\0' ? "/" : "", name, why);
}

static void check_devices(const struct device_dirs *dirs)
{
	json_t *all = status_collect(dirs, trouble, NULL), *o;
	size_t i;

	json_array_foreach(all, i, o) say(FINE, "device", "%s, by the %s engine",
					  status_text(o, "name"), status_text(o, "engine"));
	json_decref(all);
}

int cmd_check(int argc, char **argv)
{
	struct device_dirs dirs;
	const char *dir = NULL;
	int status = only_dir_option(argc, argv, help, &dir);

	if (status >= 0)
		return status;
	if (optind != argc) {
		fputs(help, stderr);
		return 2;
	}
	device_dirs(&dirs, dir);
	check_kernel();
	check_userfaultfd();
	check_memory();
	check_fuse();
	check_limits();
	check_directory(dirs.dir[0]);
	check_library();
	check_kernel_engine();
	check_devices(&dirs);
	return fflush(stdout) == 0 && failures == 0 ? 0 : 1;
}
