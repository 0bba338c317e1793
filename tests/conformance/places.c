/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Where devices lie for programs without the library: in a /dev of the program's own (devmap run
 * --private-dev).
 *
 * Some tests run this program again, `--in-there WHAT`, in such a /dev.
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
#include <sys/stat.h>
#include <sys/syscall.h>
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

	*p = 42;
	CHECK_EQ(*p, 42);
	DO(stat("/dev/ctest0", &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(syscall(SYS_newfstatat, AT_FDCWD, "/dev/ctest0", &st, 0), 0);
	CHECK(S_ISREG(st.st_mode));
}

static int in_there(const char *what)
{
	page = sysconf(_SC_PAGESIZE);
	if (strcmp(what, "map") == 0) {
		check_mapping();
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
};

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--in-there") == 0)
		return in_there(argv[2]);
	return run_tests(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), USER_ENGINE);
}
