/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where devices lie for programs without the library: in a /dev of the program's own (devmap run
 * --private-dev), and in /dev for all (devmap serve --at-dev).
 *
 * Most tests run this program again, `--in-there WHAT`, in a /dev of its own: nothing is made in the real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static char root[PATH_MAX - 64]; /* of the installation */

/* Not as the library sees it. */
static bool is_there(const char *path)
{
	return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

static void enter(void *arg)
{
	(void)arg;
	_exit(unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) == 0 ? 0 : 1);
}

/* A descriptor of ctest0, where a /dev of one's own is to be had. */
static int set_up(void)
{
	int fd;

	if (!WAS_OK(in_child(enter, NULL)))
		skip("there are no namespaces for us");
	fd = file_control();
	snprintf(root, sizeof(root), "%s", getenv("DEVMAP_ROOT"));
	return fd;
}

/* `devmap run --private-dev` with these options and this program. Its wait status. */
static int run(const char *const *args)
{
	const char *all[16] = { "devmap", "run", "--private-dev" };
	char devmap[PATH_MAX];
	size_t n = 3;
	pid_t pid;

	while (*args != NULL)
		all[n++] = *args++;
	snprintf(devmap, sizeof(devmap), "%s/bin/devmap", root);
	pid = DO(fork());
	if (pid == 0) {
		unsetenv("LD_PRELOAD"); /* of this build, and so said in other words */
		execv(devmap, (char *const *)all);
		_exit(127);
	}
	return await_pid(pid);
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void run_static(const char *name)
{
	char plain[PATH_MAX];

	snprintf(plain, sizeof(plain), "%s/tests/conformance/static/plain", root);
	CHECK(is_there(plain));
	CHECK(WAS_OK(
		RUN("--alias", "other=ctest0", "--", plain, name, geteuid() == 0 ? "yes" : "no")));
}

static void static_program(void)
{
	const int fd = set_up();

	knob(fd, CT_POLL_EVENTS, POLLIN);
	run_static("/dev/ctest0");
	run_static("/dev/other");
	CHECK(!is_there("/dev/ctest0"));
	CHECK(!is_there("/dev/other"));
}

static void again(const char *what)
{
	char self[PATH_MAX] = "";

	DO(readlink("/proc/self/exe", self, sizeof(self) - 1));
	CHECK(WAS_OK(RUN("--", self, "--in-there", what)));
}

static void the_rest(void)
{
	(void)set_up();
	again("rest");
}

static void at_dev(const char *what)
{
	(void)set_up();
	if (geteuid() != 0)
		skip("about root");
	again(what);
}

static void at_dev_serves(void)
{
	at_dev("at-dev");
}

static void at_dev_crash(void)
{
	at_dev("crash");
}

static void at_dev_taken(void)
{
	at_dev("taken");
}

static void at_dev_user(void)
{
	char devmap[PATH_MAX];
	pid_t pid;
	int status;

	(void)set_up();
	if (geteuid() == 0)
		skip("about others than root");
	snprintf(devmap, sizeof(devmap), "%s/bin/devmap", root);
	pid = DO(fork());
	if (pid == 0) {
		execl(devmap, "devmap", "serve", "--at-dev", "ctest.so", NULL);
		_exit(127);
	}
	status = await_pid(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void dynamic_program(void)
{
	(void)set_up();
	again("map");
}

/* In there. */

static void check_terminals(void)
{
	const int master = DO(posix_openpt(O_RDWR | O_NOCTTY));
	struct stat st;
	char buf[8];
	int slave;

	DO(grantpt(master));
	DO(unlockpt(master));
	CHECK(ptsname(master) != NULL);
	slave = DO(open(ptsname(master), O_RDWR | O_NOCTTY));
	CHECK_EQ(write(master, "hi\n", 3), 3);
	CHECK_EQ(read(slave, buf, sizeof(buf)), 3);
	CHECK(ttyname(slave) != NULL);
	DO(stat(ttyname(slave), &st));
	CHECK(S_ISCHR(st.st_mode));
	close(slave);
	close(master);
}

static void check_everyday(void)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full",
					       "/dev/urandom" };
	struct stat st;
	int fd;

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		DO(stat(devices[i], &st));
		CHECK(S_ISCHR(st.st_mode));
		close(DO(open(devices[i], O_RDWR)));
	}
	fd = DO(open("/dev/full", O_WRONLY));
	CHECK_ERRNO(write(fd, "x", 1), ENOSPC);
	close(fd);
	close(DO(open("/dev/fd/0", O_RDONLY)));
	/* There is one, but we have no terminal. */
	fd = open("/dev/tty", O_RDWR);
	CHECK(fd >= 0 || errno == ENXIO);
}

static void check_shared_memory(void)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/devmap-places-%d", (int)getpid());
	fd = DO(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	DO(shm_unlink(name));
	DO(ftruncate(fd, 4096));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
}

/* With the library all is as outside. */
static void check_mapping(void)
{
	const int fd = open_device("ctest0");
	volatile uint64_t *p = DO(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	struct stat st;

	knob(fd, CT_POLL_EVENTS, POLLIN);
	*p = 42;
	CHECK_EQ(*p, 42);
	DO(stat("/dev/ctest0", &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(syscall(SYS_newfstatat, AT_FDCWD, "/dev/ctest0", &st, 0), 0);
	CHECK(S_ISREG(st.st_mode));
}

/* What `devmap run --private-dev` has put there. */
static void take_away(const char *path)
{
	DO(umount2(path, MNT_DETACH));
	DO(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

/* `devmap serve --at-dev` of ctest0 over that directory, which clients find then. */
static pid_t serve(const char *dir, bool *ready)
{
	char devmap[PATH_MAX], driver[PATH_MAX], line[64] = "";
	int out[2];
	pid_t pid;
	FILE *f;

	snprintf(devmap, sizeof(devmap), "%s/bin/devmap", root);
	snprintf(driver, sizeof(driver), "%s/tests/drivers/ctest.so", root);
	setenv("DEVMAP_DIR", dir, 1);
	DO(pipe2(out, O_CLOEXEC));
	pid = DO(fork());
	if (pid == 0) {
		unsetenv("LD_PRELOAD");
		dup2(out[1], 1);
		execl(devmap, "devmap", "serve", "--at-dev", driver, NULL);
		_exit(127);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	CHECK(f != NULL);
	*ready = fgets(line, sizeof(line), f) != NULL;
	fclose(f);
	return pid;
}

static void own_directory(char dir[PATH_MAX])
{
	snprintf(root, sizeof(root), "%s", getenv("DEVMAP_ROOT"));
	snprintf(dir, PATH_MAX, "%s/at-dev", getenv("DEVMAP_DIR"));
	take_away("/dev/ctest0");
	take_away("/dev/ctest0a");
	take_away("/dev/ctest0b");
}

static void run_again(const char *file, const char *a, const char *b)
{
	const pid_t pid = DO(fork());

	if (pid == 0) {
		execl(file, "places", a, b, NULL);
		_exit(127);
	}
	CHECK(WAS_OK(await_pid(pid)));
}

static void check_at_dev(const char *dir)
{
	char path[PATH_MAX];
	struct stat here, there;

	snprintf(path, sizeof(path), "%s/ctest0", dir);
	CHECK_EQ(syscall(SYS_newfstatat, AT_FDCWD, path, &here, 0), 0);
	CHECK_EQ(syscall(SYS_newfstatat, AT_FDCWD, "/dev/ctest0", &there, 0), 0);
	CHECK(here.st_dev == there.st_dev && here.st_ino == there.st_ino);
	run_again("/proc/self/exe", "--in-there", "map");
	snprintf(path, sizeof(path), "%s/tests/conformance/static/plain", root);
	run_again(path, "/dev/ctest0", "yes");
}

static void serve_and_stop(const char *dir)
{
	bool ready;
	const pid_t pid = serve(dir, &ready);

	CHECK(ready);
	check_at_dev(dir);
	DO(kill(pid, SIGTERM));
	CHECK(WAS_OK(await_pid(pid)));
	CHECK(!is_there("/dev/ctest0") && errno == ENOENT);
}

static void check_serving(void)
{
	char dir[PATH_MAX];

	own_directory(dir);
	serve_and_stop(dir);
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	CHECK(f != NULL && fscanf(f, "%d", &child) == 1);
	fclose(f);
	return child;
}

static void check_crash(void)
{
	char dir[PATH_MAX];
	bool ready;
	pid_t pid, engine;

	own_directory(dir);
	pid = serve(dir, &ready);
	CHECK(ready);
	DO(kill(child_of(pid), SIGKILL));
	CHECK(!WAS_OK(await_pid(pid)));
	CHECK(!is_there("/dev/ctest0") && errno == ENOENT);
	/* Now nobody is left to take anything away. */
	pid = serve(dir, &ready);
	CHECK(ready);
	engine = child_of(pid);
	DO(kill(pid, SIGKILL));
	DO(kill(engine, SIGKILL));
	CHECK_EQ(await_pid(pid), SIGKILL);
	AWAIT(is_gone(engine));
	/* The kernel may remember for a moment what was there. */
	AWAIT(!is_there("/dev/ctest0") && errno == ENOTCONN);
	serve_and_stop(dir);
}

static void check_stays(const char *dir)
{
	struct stat before, after;
	bool ready;
	int status;

	CHECK_EQ(syscall(SYS_newfstatat, AT_FDCWD, "/dev/ctest0", &before, 0), 0);
	status = await_pid(serve(dir, &ready));
	CHECK(!ready && WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_EQ(syscall(SYS_newfstatat, AT_FDCWD, "/dev/ctest0", &after, 0), 0);
	CHECK(before.st_dev == after.st_dev && before.st_ino == after.st_ino);
	CHECK_EQ(syscall(SYS_unlinkat, AT_FDCWD, "/dev/ctest0", 0), 0);
}

/* By a file, a device, a link to nowhere, and a device of another engine's. */
static void check_taken(void)
{
	char dir[PATH_MAX];
	bool ready;

	own_directory(dir);
	DO(mknod("/dev/ctest0", S_IFREG | 0600, 0));
	check_stays(dir);
	DO(mknod("/dev/ctest0", S_IFCHR | 0600, makedev(1, 3)));
	check_stays(dir);
	DO(symlink("null", "/dev/ctest0"));
	check_stays(dir);

	const pid_t other = serve(dir, &ready);

	CHECK(ready);
	strcat(dir, "2");
	CHECK(!WAS_OK(await_pid(serve(dir, &ready))));
	CHECK(is_there("/dev/ctest0"));
	dir[strlen(dir) - 1] = '\0';
	setenv("DEVMAP_DIR", dir, 1);
	check_at_dev(dir);
	DO(kill(other, SIGTERM));
	CHECK(WAS_OK(await_pid(other)));
}

static int in_there(const char *what)
{
	page = sysconf(_SC_PAGESIZE);
	if (strcmp(what, "map") == 0) {
		check_mapping();
	} else if (strcmp(what, "at-dev") == 0) {
		check_serving();
	} else if (strcmp(what, "crash") == 0) {
		check_crash();
	} else if (strcmp(what, "taken") == 0) {
		check_taken();
	} else {
		check_terminals();
		check_everyday();
		check_shared_memory();
	}
	return 0;
}

static const struct test tests[] = {
	{ "C2 a /dev of one's own: a static program finds devices by name", static_program },
	{ "C2 a /dev of one's own: a program with the library maps", dynamic_program },
	{ "C2 a /dev of one's own: all of the real one works", the_rest },
	{ "C2 devices in /dev for all: programs with and without the library", at_dev_serves },
	{ "C2 devices in /dev for all: what an engine that died leaves there", at_dev_crash },
	{ "C2 devices in /dev for all: a name that is taken", at_dev_taken },
	{ "C2 devices in /dev for all: not by a user", at_dev_user },
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--in-there") == 0)
		return in_there(argv[2]);
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
