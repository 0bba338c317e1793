/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The driver's ioctls, and what the engine tells about it. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "harness.h"
#include "internal.h"

int open_device(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	return fd;
}

/* What an earlier test left goes away by itself, but perhaps not at once. */
int reset_unit(const char *name)
{
	const int fd = open_device(name);

	AWAIT(ioctl(fd, CTEST_RESET, NULL) == 0);
	if (suite_flags & REGS_BACKING)
		knob(fd, CT_BACKING, CT_REGS);
	return fd;
}

int control(void)
{
	return reset_unit("ctest0");
}

int stream_control(void)
{
	const int fd = control();
	struct stat st;

	if (syscall(SYS_fstat, fd, &st) == 0 && S_ISSOCK(st.st_mode))
		skip("without FUSE a device is opened, mapped, and given to ioctl(2)");
	return fd;
}

int file_control(void)
{
	const int fd = control();
	struct statfs st;

	if (fstatfs(fd, &st) != 0 || st.f_type != FUSE_SUPER_MAGIC)
		skip("the descriptor is no file");
	return fd;
}

void knob(int fd, enum ctest_knob which, int64_t value)
{
	struct ctest_set s = { .knob = which, .value = value };

	DO(ioctl(fd, CTEST_SET, &s));
}

struct ctest_counts counts(int fd)
{
	struct ctest_counts c = { 0 };

	DO(ioctl(fd, CTEST_COUNTS, &c));
	return c;
}

uint64_t calls(int fd, enum ctest_what what)
{
	return counts(fd).calls[what];
}

void clear_log(int fd)
{
	DO(ioctl(fd, CTEST_CLEAR, NULL));
}

struct ctest_op full_op(int fd, struct ctest_op op)
{
	DO(ioctl(fd, CTEST_OP, &op));
	return op;
}

int operate(int fd, enum ctest_op_code code, uint64_t id, int64_t off, uint64_t len)
{
	struct ctest_op op = { .op = code, .id = id, .off = off, .len = len };

	return full_op(fd, op).result;
}

int operate_with(int fd, enum ctest_op_code code, uint64_t id, int64_t value)
{
	return full_op(fd, (struct ctest_op){ .op = code, .id = id, .value = value }).result;
}

uint64_t peek(int fd, enum ctest_memory memory, size_t off)
{
	return full_op(fd, (struct ctest_op){ .op = CT_OP_PEEK, .arg = memory, .off = off }).value;
}

void poke(int fd, enum ctest_memory memory, size_t off, uint64_t value)
{
	full_op(fd,
		(struct ctest_op){ .op = CT_OP_POKE, .arg = memory, .off = off, .value = value });
}

/*
 * Each look at the register set has the model look too, once; more of that is its thread's doing. The
 * thread may be kept from a CPU for a while, but not every time.
 */
bool model_rests(int fd)
{
	const uint64_t before = peek(fd, CT_MODEL, CTEST_MODEL_SYNCS);

	for (uint64_t looks = 1; looks <= 20; looks++) {
		for (int i = 0; i < 25; i++)
			nap();
		if (peek(fd, CT_MODEL, CTEST_MODEL_SYNCS) != before + looks)
			return false;
	}
	return true;
}

struct log get_log(int fd)
{
	struct log log = { .ev = calloc(CTEST_LOG_MAX, sizeof(struct ctest_event)) };
	struct ctest_log l = { .max = CTEST_LOG_MAX };

	CHECK(log.ev != NULL);
	l.events = (uintptr_t)log.ev;
	DO(ioctl(fd, CTEST_LOG, &l));
	log.n = l.count;
	return log;
}

static bool matches(const struct ctest_event *e, enum ctest_what what, pid_t pid)
{
	return e->what == what && (pid == 0 || e->pid == pid);
}

unsigned events(int fd, enum ctest_what what, pid_t pid)
{
	struct log log = get_log(fd);
	unsigned n = 0;

	for (uint32_t i = 0; i < log.n; i++)
		n += matches(&log.ev[i], what, pid);
	free(log.ev);
	return n;
}

struct ctest_event event(int fd, enum ctest_what what, pid_t pid, int index)
{
	const int n = (int)events(fd, what, pid);
	struct log log = get_log(fd);
	struct ctest_event found = { 0 };
	int left = index < 0 ? n + index : index;

	if (left < 0 || left >= n)
		fail(__FILE__, __LINE__, "the driver has no event %d of kind %d by pid %d, only %d",
		     index, what, pid, n);
	for (uint32_t i = 0; i < log.n; i++) {
		if (!matches(&log.ev[i], what, pid) || left-- > 0)
			continue;
		found = log.ev[i];
		break;
	}
	free(log.ev);
	return found;
}

/* The engine's statistics. */

static json_t *list_json(void)
{
	char command[PATH_MAX];
	const char *dir = getenv("DEVMAP_DIR");
	json_error_t error;
	json_t *all;
	FILE *f;

	snprintf(command, sizeof(command), "'%s/bin/devmap' list --json%s%s%s",
		 getenv("DEVMAP_ROOT"), dir ? " --dir '" : "", dir ? dir : "", dir ? "'" : "");
	f = popen(command, "re");
	CHECK(f != NULL);
	all = json_loadf(f, 0, &error);
	pclose(f);
	if (all == NULL)
		fail(__FILE__, __LINE__, "%s: %s", command, error.text);
	return all;
}

static json_t *device_of(json_t *all, const char *device)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(all, "devices"), i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "name")), device) == 0)
			return one;
	}
	fail(__FILE__, __LINE__, "`devmap list` does not know %s", device);
}

static json_t *groups_of(json_t *all, const char *device)
{
	return json_object_get(device_of(all, device), "groups");
}

pid_t engine_pid(const char *device)
{
	json_t *all = list_json();
	const pid_t pid = json_integer_value(json_object_get(device_of(all, device), "engine_pid"));

	json_decref(all);
	return pid;
}

int64_t statistic(const char *device, const char *key)
{
	json_t *all = list_json(), *group;
	int64_t sum = 0;
	size_t i;

	json_array_foreach(groups_of(all, device), i, group)
		sum += json_number_value(json_object_get(group, key));
	json_decref(all);
	return sum;
}

pid_t listed_owner(const char *device)
{
	json_t *all = list_json(), *group;
	pid_t pid = 0;
	size_t i;

	json_array_foreach(groups_of(all, device), i, group)
	{
		json_t *owner = json_object_get(group, "owner");

		if (json_is_object(owner))
			pid = json_integer_value(json_object_get(owner, "pid"));
	}
	json_decref(all);
	return pid;
}

/* In one group; 0: there is no owner, or its context is its own. */
static int owners_of(json_t *group)
{
	const json_t *owner = json_object_get(group, "owner");
	const json_int_t share = json_integer_value(json_object_get(owner, "share"));
	json_t *member;
	int n = 0;
	size_t i;

	json_array_foreach(json_object_get(group, "members"), i, member)
		n += share != 0 && json_integer_value(json_object_get(member, "share")) == share;
	return n;
}

int listed_owners(const char *device)
{
	json_t *all = list_json(), *group;
	int n = 0;
	size_t i;

	json_array_foreach(groups_of(all, device), i, group) n += owners_of(group);
	json_decref(all);
	return n;
}

static void show_event(const struct ctest_event *e, const struct ctest_event *first)
{
	static const char *const names[CT_NWHAT] = { "?",      "open",	 "close", "devmap", "map",
						     "access", "ctxmgt", "dup",	  "unmap" };

	remark("%9.3f ms +%8.3f pid %d %-6s minor %u id %llu ctx %llu off %#llx len %#llx"
	       " type %u rw %u result %d mgt %d loaded %d new %llu %llu",
	       (e->t_in - first->t_in) / 1e6, e->t_out ? (e->t_out - e->t_in) / 1e6 : -1.0, e->pid,
	       names[e->what], e->minor, (unsigned long long)e->id, (unsigned long long)e->ctx,
	       (unsigned long long)e->off, (unsigned long long)e->len, e->type, e->rw, e->result,
	       e->mgt, e->loaded, (unsigned long long)e->new1_id, (unsigned long long)e->new2_id);
}

void show_driver(const char *name)
{
	const int fd = open_device(name);
	struct log log = get_log(fd);
	char *text = json_dumps(list_json(), JSON_COMPACT);

	for (uint32_t i = log.n > 40 ? log.n - 40 : 0; i < log.n; i++)
		show_event(&log.ev[i], log.ev);
	printf("# %s\n", text);
	fflush(stdout);
}

void await_waiters(const char *device, int64_t n)
{
	AWAIT(statistic(device, "waiters") >= n);
}
