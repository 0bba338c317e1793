/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Says twice a second how the device is doing, from `devmap list --json`, until it gets SIGTERM; then
 * how many switches there have been, as the last line.
 * Arguments: DEVMAP DIRECTORY DEVICE, as in: progress bin/devmap /run/devmap xfb0.
 *
 * It is run like the programs that draw, and maps the registers as they do, but never touches them:
 * the engine forgets the statistics of a device that nobody has mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/fb.h>

#define PERIOD_NS 500000000L

extern char **environ;

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static bool map_registers(const char *device)
{
	struct fb_fix_screeninfo fix;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", device);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fix) != 0)
		return false;
	return mmap(NULL, fix.mmio_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)((fix.smem_len + 4095UL) & ~4095UL)) != MAP_FAILED;
}

/* What `devmap list --json` prints, or NULL. */
static json_t *list(const char *devmap, const char *dir)
{
	const char *args[] = { devmap, "list", "--dir", dir, "--json", NULL };
	posix_spawn_file_actions_t actions;
	json_t *out = NULL;
	int ends[2];
	pid_t pid;
	FILE *f;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	errno = posix_spawn(&pid, devmap, &actions, NULL, (char *const *)args, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	f = fdopen(ends[0], "r");
	if (errno == 0 && f != NULL) {
		out = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (f != NULL)
		fclose(f);
	return out;
}

/* The context group of the device: it has but one. Borrowed from all. */
static json_t *find_group(json_t *all, const char *device)
{
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(all, "devices"), i, o)
	{
		const char *name = json_string_value(json_object_get(o, "name"));

		if (name != NULL && strcmp(name, device) == 0)
			return json_array_get(json_object_get(o, "groups"), 0);
	}
	return NULL;
}

static long long number(json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

static void say(json_t *group, long long per_second)
{
	json_t *owner = json_object_get(group, "owner");
	const char *command = json_string_value(json_object_get(owner, "command"));

	printf("demo: owner %-10s %7lld switches/s, %lld waiting, %lld waits, %lld switches\n",
	       command != NULL ? command : "-", per_second, number(group, "waiters"),
	       number(group, "waits"), number(group, "switches"));
	fflush(stdout);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct timespec period = { .tv_nsec = PERIOD_NS };
	long long switches = 0, before = 0;
	double then = now();

	if (argc != 4 || !map_registers(argv[3])) {
		fprintf(stderr, "usage: progress DEVMAP DIRECTORY DEVICE\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	for (bool last = false; !last; before = switches) {
		json_t *all, *group;
		double at;

		nanosleep(&period, NULL);
		last = stop;
		all = list(argv[1], argv[2]);
		group = find_group(all, argv[3]);
		at = now();
		if (group != NULL)
			switches = number(group, "switches");
		if (group != NULL && !last)
			say(group, (long long)((double)(switches - before) / (at - then)));
		then = at;
		json_decref(all);
	}
	printf("%lld\n", switches);
	return 0;
}
