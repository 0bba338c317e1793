/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The kernel engine under test: each program has the test drivers loaded anew, with the properties
 * and limits that it asks for. Wants root, devmap.ko and the model ctesthw.ko loaded, and the
 * modules' directory in DEVMAP_TEST_MODULES.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "internal.h"

static bool write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const size_t len = strlen(text);
	const bool written = fd >= 0 && write(fd, text, len) == (ssize_t)len;

	if (!written)
		printf("# %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return written;
}

static bool load_module(const char *name, const char *props)
{
	const char *dir = getenv("DEVMAP_TEST_MODULES");
	char path[4096], args[256];
	int fd;
	bool loaded;

	snprintf(path, sizeof(path), "%s/%s.ko", dir != NULL ? dir : ".", name);
	snprintf(args, sizeof(args), "props=%s", props);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	loaded = fd >= 0 && syscall(SYS_finit_module, fd, args, 0) == 0;
	if (!loaded)
		printf("# %s %s: %s\n", path, args, strerror(errno));
	if (fd >= 0)
		close(fd);
	return loaded;
}

/* The last file may still be on its way out: the kernel closes it after its process has gone. */
static bool unload_module(const char *name)
{
	const int64_t end = now() + LIMIT_NS;

	while (syscall(SYS_delete_module, name, O_NONBLOCK) != 0) {
		if (errno == ENOENT)
			return true;
		if (now() > end) {
			printf("# cannot unload %s: %s\n", name, strerror(errno));
			return false;
		}
		nap();
	}
	return true;
}

/*
 * The kernel's log
 *
 * /dev/kmsg gives a record a read, "PRIORITY,NUMBER,TIME,FLAGS;TEXT", from the oldest that there is.
 */

/* Calls fn for the text of each record from a number on, until it says true. The next number. */
static long long each_record(long long from, bool (*fn)(const char *text, const void *arg),
			     const void *arg)
{
	const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	long long number, next = from;
	bool found = false;
	char record[8192], *text;
	ssize_t n;

	if (fd < 0)
		return from;
	/* EPIPE: the oldest was overwritten meanwhile. */
	while (!found && ((n = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE)) {
		record[n > 0 ? n : 0] = '\0';
		text = strchr(record, ';');
		if (n < 0 || text == NULL || sscanf(record, "%*d,%lld", &number) != 1)
			continue;
		next = number + 1 > next ? number + 1 : next;
		found = number >= from && fn(text + 1, arg);
	}
	close(fd);
	return found ? -1 : next;
}

static bool no_match(const char *text, const void *arg)
{
	(void)text, (void)arg;
	return false;
}

static bool text_matches(const char *text, const void *arg)
{
	return strstr(text, arg) != NULL;
}

static bool show_record(const char *text, const void *arg)
{
	(void)arg;
	printf("# kernel: %.*s\n", (int)strcspn(text, "\n"), text);
	return false;
}

/* Where the program's part of the log begins: for itself, and for what it executes. */
static long long log_begin(void)
{
	const char *number = getenv("DEVMAP_TEST_LOG_BEGIN");

	return number != NULL ? atoll(number) : 0;
}

void kernel_log_begin(void)
{
	char number[32];

	snprintf(number, sizeof(number), "%lld", each_record(0, no_match, NULL));
	setenv("DEVMAP_TEST_LOG_BEGIN", number, 1);
}

bool kernel_said(const char *text)
{
	if (access("/dev/kmsg", R_OK) != 0)
		skip("/dev/kmsg: %s", strerror(errno));
	return each_record(log_begin(), text_matches, text) == -1;
}

void kernel_log_show(void)
{
	static long long shown;

	if (shown == 0)
		shown = log_begin();
	shown = each_record(shown, show_record, NULL);
}

bool kernel_drivers_unload(void)
{
	static const char *const drivers[] = { "ctest", "ctest2", "ddit", "gx", "ulock" };
	bool unloaded = true;

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		unloaded = unload_module(drivers[i]) && unloaded;
	return unloaded;
}

static const char *ctest_properties(unsigned flags)
{
	if (flags & RETRY_UNLOADED)
		return "instances=2,devmap-retry-unloaded=-1";
	return flags & SHARE_PROPERTY ? "instances=2,devmap-share=1" : "instances=2";
}

bool kernel_drivers_load(unsigned flags)
{
	return kernel_drivers_unload() &&
	       write_file("/sys/module/devmap/parameters/lock_ms",
			  flags & LOCK_LIMITS ? "300" : "0") &&
	       write_file("/sys/module/devmap/parameters/lock_pages",
			  flags & LOCK_LIMITS ? "4" : "0") &&
	       load_module("ctest", ctest_properties(flags)) &&
	       load_module("ctest2", "model=ctesthw") &&
	       (!(flags & DDI_CHECKS) ||
		load_module("ddit", "number=42,text=hello,model=ctesthw")) &&
	       (!(flags & SOLARIS_DRIVERS) ||
		(load_module("ulock", "") &&
		 load_module("gx", flags & SHARE_PROPERTY ? "model=ctesthw,devmap-share=1" :
							    "model=ctesthw")));
}
