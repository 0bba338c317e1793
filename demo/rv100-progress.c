/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Says twice a second how the device is doing, by the kernel engine's files in sysfs, until it gets
 * SIGTERM; then how many switches there have been, as the last line. Arguments: DEVICE, as in:
 * rv100-progress rv1000.
 *
 * It maps the registers as the programs that draw do, but never touches them: the engine forgets
 * the statistics of a device that nobody has mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/fb.h>

#define PERIOD_NS 500000000L

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
		    (off_t)fix.smem_len) != MAP_FAILED;
}

/* The first line of a file in the device's directory, "" if there is none. */
static const char *statistic(const char *device, const char *name, char line[128])
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/devmap/%s/%s", device, name);
	f = fopen(path, "r");
	if (f == NULL || fgets(line, 128, f) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
	return line;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void say(const char *device, double per_second, unsigned long long switches)
{
	char owner[128], waiters[128], waits[128];

	printf("demo: owner %-12s %7.0f switches/s, %s waiting, %s waits, %llu switches\n",
	       statistic(device, "owner", owner), per_second, statistic(device, "waiters", waiters),
	       statistic(device, "waits", waits), switches);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct timespec period = { .tv_nsec = PERIOD_NS };
	unsigned long long switches = 0, before = 0;
	double then = now();
	char line[128];

	if (argc != 2 || !map_registers(argv[1])) {
		fprintf(stderr, "usage: rv100-progress DEVICE\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	while (!stop) {
		double at;

		nanosleep(&period, NULL);
		switches = strtoull(statistic(argv[1], "switches", line), NULL, 10);
		at = now();
		if (!stop)
			say(argv[1], (double)(switches - before) / (at - then), switches);
		before = switches;
		then = at;
	}
	printf("%llu\n", switches);
	return 0;
}
