/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Engine and tests: started, limited, judged, cleared away. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "internal.h"

#define TEST_LIMIT_MS  (60000 * slowness())
#define START_LIMIT_NS (60 * SECOND * slowness())
#define SKIPPED	       77
#define LOAD_MAX       8 /* what hangs is to be found out before scripts/tap.py ends all of it */

size_t page;
unsigned suite_flags;

static char root[PATH_MAX - 512]; /* of the tree: bin/devmap, lib/libdevmap.so, tests/drivers */
static char *skip_reason;	  /* shared with the test */
static unsigned allowed_seconds;  /* beyond the limit of a test */

/* Time and failure. */

int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* How many want to run for each processor: now, or in the last minute, whichever is more. */
static int64_t load(void)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double average = 0;
	int running = 0;
	int64_t each;
	FILE *f = fopen("/proc/loadavg", "re");

	if (f == NULL)
		return 1;
	if (fscanf(f, "%lf %*f %*f %d", &average, &running) != 2)
		running = 1;
	fclose(f);
	each = ((average > running ? (int64_t)average : running) + cpus - 1) / cpus;
	return each < 1 ? 1 : each > LOAD_MAX ? LOAD_MAX : each;
}

int64_t slowness(void)
{
	const char *slow = getenv("DEVMAP_TEST_SLOW");

	return (slow != NULL && atoi(slow) > 0 ? atoi(slow) : 1) * load();
}

int limit_ms(void)
{
	return LIMIT_NS / MS;
}

void allow_seconds(unsigned more)
{
	allowed_seconds = more;
}

void nap(void)
{
	const struct timespec t = { .tv_nsec = MS / 2 };

	nanosleep(&t, NULL);
}

const char *error_text(void)
{
	return strerror(errno);
}

void reset_errno(void)
{
	errno = 0;
}

void check_errno(const char *file, int line, const char *call, int number)
{
	const int error = errno;

	if (error != number)
		fail(file, line, "%s fails with %s, not %s", call, strerrorname_np(error),
		     strerrorname_np(number));
}

/* One write, since several processes may have something to say. */
static void say(const char *prefix, const char *format, va_list ap)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "# %s", prefix);

	n += vsnprintf(text + n, sizeof(text) - n - 1, format, ap);
	if (n > (int)sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	if (write(STDOUT_FILENO, text, n) != n)
		_exit(1);
}

void fail(const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	char where[64];
	va_list ap;

	snprintf(where, sizeof(where), "%s:%d: ", slash ? slash + 1 : file, line);
	va_start(ap, format);
	say(where, format, ap);
	va_end(ap);
	_exit(1);
}

void remark(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("", format, ap);
	va_end(ap);
}

void skip(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(skip_reason, page, format, ap);
	va_end(ap);
	_exit(SKIPPED);
}

bool kernel_engine(void)
{
	const char *engine = getenv("DEVMAP_TEST_ENGINE");

	return engine != NULL && strcmp(engine, "kernel") == 0;
}

/* One test. */

static void run_one(const struct test *t)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prepare_stage();
	t->run();
	_exit(0);
}

/* Its wait status, or -1 if it had to be ended. *limit: milliseconds that it had. */
static int await_test(pid_t pid, int *limit)
{
	const int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = -1, n;

	*limit = TEST_LIMIT_MS + allowed_seconds * 1000;
	do
		n = poll(&p, 1, *limit);
	while (n == -1 && errno == EINTR);
	if (n == 1)
		waitpid(pid, &status, 0);
	close(fd);
	return status;
}

static void kill_children(void)
{
	char path[64];
	int pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	while (f != NULL && fscanf(f, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (f != NULL)
		fclose(f);
}

/* Whatever the test has started, orphans and daemons included, is ended and reaped. */
static void clear_away(pid_t group)
{
	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) != -1) {
		kill_children();
		nap();
	}
}

static bool report(unsigned number, const struct test *t, int status, int limit)
{
	const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	const bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;

	if (status == -1)
		printf("# still running after %d s\n", limit / 1000);
	else if (WIFSIGNALED(status))
		printf("# died of signal %d\n", WTERMSIG(status));
	printf("%sok %u - %s%s%s\n", good || skipped ? "" : "not ", number, t->name,
	       skipped ? " # SKIP " : "", skipped ? skip_reason : "");
	fflush(stdout);
	return good || skipped;
}

/* What the engine has said since the last time. */
static void show_log(const char *dir)
{
	static long shown;
	char path[PATH_MAX], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/engine.log", dir);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	fseek(f, shown, SEEK_SET);
	while (fgets(line, sizeof(line), f) != NULL)
		printf("# engine: %s%s", line, strchr(line, '\n') ? "" : "\n");
	shown = ftell(f);
	fclose(f);
}

/* What a failed test leaves, for a person: the driver's log and the engine's view. */
static void explain(void)
{
	const pid_t pid = fork();

	if (pid == 0) {
		show_driver("ctest0");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static bool run_test(unsigned number, const struct test *t)
{
	pid_t pid;
	int status, limit;
	bool good;

	skip_reason[0] = '\0';
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_one(t);
	setpgid(pid, pid);
	status = await_test(pid, &limit);
	if (status != 0 && getenv("DEVMAP_TEST_VERBOSE") != NULL)
		explain();
	clear_away(pid);
	good = report(number, t, status, limit);
	if (getenv("DEVMAP_DIR") == NULL || (good && getenv("DEVMAP_TEST_VERBOSE") == NULL))
		return good;
	if (kernel_engine())
		kernel_log_show();
	else
		show_log(getenv("DEVMAP_DIR"));
	return good;
}

static bool chosen(int argc, char **argv, const struct test *t)
{
	bool any = argc <= 1;

	for (int i = 1; i < argc; i++)
		any = any || strstr(t->name, argv[i]) != NULL;
	return any;
}

static int run_chosen(int argc, char **argv, const struct test *tests, size_t n, unsigned further)
{
	unsigned number = 0, failures = 0, total = further;

	skip_reason = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (size_t i = 0; i < n; i++)
		total += chosen(argc, argv, &tests[i]);
	printf("1..%u\n", total);
	for (size_t i = 0; i < n; i++)
		if (chosen(argc, argv, &tests[i]))
			failures += !run_test(++number, &tests[i]);
	return failures > 0;
}

/* The user engine. */

static void find_root(void)
{
	const char *given = getenv("DEVMAP_ROOT");
	ssize_t n;

	if (given != NULL) {
		snprintf(root, sizeof(root), "%s", given);
		return;
	}
	n = readlink("/proc/self/exe", root, sizeof(root) - 1);
	root[n < 0 ? 0 : n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(root, '/') = '\0';
	setenv("DEVMAP_ROOT", root, 1);
}

static void pin_to_one_cpu(void)
{
	cpu_set_t cpus;
	int first = 0;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	while (!CPU_ISSET(first, &cpus))
		first++;
	CPU_ZERO(&cpus);
	CPU_SET(first, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void redirect(const char *dir, const char *file, int to)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd == -1 || dup2(fd, to) == -1)
		_exit(1);
	close(fd);
}

#define ARGS_MAX 16

/* The command's arguments: what is to be served, and how. */
struct command {
	const char *argv[ARGS_MAX];
	char path[PATH_MAX], first[PATH_MAX], second[2 * PATH_MAX], third[2 * PATH_MAX],
		fourth[2 * PATH_MAX];
};

static void add(struct command *c, const char *arg)
{
	int n = 0;

	while (c->argv[n] != NULL)
		n++;
	if (n < ARGS_MAX - 1)
		c->argv[n] = arg;
}

static void begin_command(struct command *c, const char *dir)
{
	memset(c->argv, 0, sizeof(c->argv));
	snprintf(c->path, sizeof(c->path), "%s/bin/devmap", root);
	add(c, "devmap");
	add(c, "serve");
	add(c, "--dir");
	add(c, dir);
}

/* For all programs: ctest and ctestz. Locks have no limit, since nobody knows how slow we are. */
static void suite_command(struct command *c, const char *dir)
{
	begin_command(c, dir);
	add(c, "--lock-time");
	add(c, suite_flags & LOCK_LIMITS ? "300" : "0");
	add(c, "--lock-pages");
	add(c, suite_flags & LOCK_LIMITS ? "4" : "0");
	snprintf(c->first, sizeof(c->first), "%s/tests/drivers/ctest.so:instances=2%s%s", root,
		 suite_flags & RETRY_UNLOADED ? ",devmap-retry-unloaded=-1" : "",
		 suite_flags & SHARE_PROPERTY ? ",devmap-share=1" : "");
	snprintf(c->second, sizeof(c->second),
		 "%s/tests/drivers/ctest2.so:model=%s/tests/drivers/ctesthw.so", root, root);
	add(c, c->first);
	add(c, c->second);
	if (suite_flags & DDI_CHECKS) {
		snprintf(c->third, sizeof(c->third),
			 "%s/tests/drivers/ddit.so:number=42,text=hello,"
			 "model=%s/tests/drivers/ctesthw.so",
			 root, root);
		add(c, c->third);
	}
	if (suite_flags & SOLARIS_DRIVERS) {
		snprintf(c->third, sizeof(c->third), "%s/tests/drivers/ulock.so", root);
		add(c, c->third);
		snprintf(c->fourth, sizeof(c->fourth),
			 "%s/tests/drivers/gx.so:model=%s/tests/drivers/ctesthw.so%s", root, root,
			 suite_flags & SHARE_PROPERTY ? ",devmap-share=1" : "");
		add(c, c->fourth);
	}
}

static pid_t run_command(const struct command *c, const char *dir)
{
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	unsetenv("LD_PRELOAD");
	redirect(dir, "engine.out", STDOUT_FILENO);
	redirect(dir, "engine.log", STDERR_FILENO);
	execv(c->path, (char *const *)c->argv);
	fprintf(stderr, "%s: %s\n", c->path, strerror(errno));
	_exit(127);
}

/* Does the file contain the text? */
static bool file_has(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX], line[4096];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, text) != NULL;
	if (f != NULL)
		fclose(f);
	return found;
}

bool engine_said(const char *text)
{
	const char *dir = getenv("DEVMAP_DIR");

	if (kernel_engine())
		return kernel_said(text);
	return file_has(dir, "engine.log", text) || file_has(dir, "engine.out", text);
}

static bool await_ready(const char *dir, pid_t pid)
{
	const int64_t end = now() + START_LIMIT_NS;

	while (!file_has(dir, "engine.out", "devmap: ready")) {
		if (now() > end || waitpid(pid, NULL, WNOHANG) != 0)
			return false;
		nap();
	}
	return true;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_directory(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bool make_directory(char dir[512])
{
	snprintf(dir, 512, "%.400s/engine.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(dir) != NULL && chmod(dir, 0755) == 0;
}

/* Ends the engine as an operator does. Its wait status, -1 if it had to be killed. */
static int terminate(pid_t pid)
{
	const int64_t end = now() + START_LIMIT_NS;
	int status;

	kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nap();
	}
	return status;
}

static bool ended_well(int status)
{
	if (status == 0 || ((suite_flags & CRASHES) && WIFEXITED(status)))
		return true;
	if (status == -1)
		printf("# it took too long\n");
	else
		printf("# its wait status is %#x\n", status);
	return false;
}

struct engine start_engine(const char *const *args)
{
	struct engine e;
	struct command c;

	CHECK(make_directory(e.dir));
	begin_command(&c, e.dir);
	while (*args != NULL)
		add(&c, *args++);
	snprintf(c.first, sizeof(c.first), "%s/tests/drivers/ctest.so%s", root,
		 suite_flags & RETRY_UNLOADED ? ":devmap-retry-unloaded=-1" : "");
	add(&c, c.first);
	e.pid = DO(run_command(&c, e.dir));
	if (!await_ready(e.dir, e.pid)) {
		show_log(e.dir);
		fail(__FILE__, __LINE__, "the engine does not start");
	}
	return e;
}

int stop_engine(struct engine *e)
{
	const int status = terminate(e->pid);

	remove_directory(e->dir);
	return status;
}

/*
 * The program again, as a client. Its exit status. With the kernel engine there is no directory of
 * devices; the shim is there for mlock(2) and devmap_lock(3).
 */
static int run_under_shim(char **argv, const char *dir, pid_t engine)
{
	char shim[PATH_MAX], number[16];
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		snprintf(shim, sizeof(shim), "%s/lib/libdevmap.so", root);
		snprintf(number, sizeof(number), "%d", engine);
		setenv("LD_PRELOAD", shim, 1);
		setenv("DEVMAP_DIR", dir, 1);
		setenv("DEVMAP_TEST_SUPERVISOR", number, 1);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static unsigned count_chosen(int argc, char **argv, const struct test *tests, size_t n)
{
	unsigned total = 0;

	for (size_t i = 0; i < n; i++)
		total += chosen(argc, argv, &tests[i]);
	return total;
}

static int run_with_engine(int argc, char **argv, const struct test *tests, size_t n)
{
	struct command c;
	char dir[512];
	int failed = 1;
	bool stopped;
	pid_t pid;

	if (!make_directory(dir)) {
		printf("Bail out! %s: %s\n", dir, strerror(errno));
		return 1;
	}
	suite_command(&c, dir);
	pid = run_command(&c, dir);
	if (await_ready(dir, pid)) {
		failed = run_under_shim(argv, dir, pid);
		stopped = ended_well(terminate(pid));
		printf("%sok %u - the engine stops when it is told to\n", stopped ? "" : "not ",
		       count_chosen(argc, argv, tests, n) + 1);
		if (!stopped)
			show_log(dir);
		failed |= !stopped;
	} else {
		kill(pid, SIGKILL);
		printf("Bail out! the engine does not start\n");
		show_log(dir);
	}
	remove_directory(dir);
	return failed;
}

static int run_with_kernel(int argc, char **argv, const struct test *tests, size_t n)
{
	bool loaded, unloaded;
	int failed = 1;

	kernel_log_begin();
	loaded = kernel_drivers_load(suite_flags);
	if (loaded)
		failed = run_under_shim(argv, "/run/devmap-none", 0);
	else
		printf("Bail out! the test drivers do not load\n");
	unloaded = kernel_drivers_unload();
	if (loaded)
		printf("%sok %u - the drivers can be unloaded\n", unloaded ? "" : "not ",
		       count_chosen(argc, argv, tests, n) + 1);
	return failed | !unloaded;
}

int run_tests(int argc, char **argv, const struct test *tests, size_t n, unsigned flags)
{
	page = sysconf(_SC_PAGESIZE);
	suite_flags = flags;
	find_root();
	if (flags & ONE_CPU)
		pin_to_one_cpu();
	if (kernel_engine() && (flags & USER_ENGINE)) {
		printf("1..0 # SKIP about the user engine\n");
		return 0;
	}
	if (getenv("DEVMAP_TEST_SUPERVISOR") != NULL)
		return run_chosen(argc, argv, tests, n, 1);
	if (kernel_engine())
		return run_with_kernel(argc, argv, tests, n);
	return run_with_engine(argc, argv, tests, n);
}
