/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* devmap stop: ends the engine that serves a device, and leaves the others of its devmap serve alone. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <devmap/protocol.h>

#include "devmap.h"
#include "doors.h"

static const char help[] =
	"usage: devmap stop [--dir DIR] DEVICE...\n"
	"Ends the engines that serve them, with all devices of the same driver: accesses to their mappings fail\n"
	"with SIGBUS, and the driver is detached. By root or the engine's own user.\n"
	"  --dir DIR    where the devices are (as for devmap list)\n";

#define PATIENCE_S 15 /* an engine that does not stop in 10 s is killed */
#define LOOK_MS	   20

/* Is somebody there who serves it? 0 or -errno. */
static int look(const struct device_dirs *dirs, const char *device)
{
	int fd, error = door_ask_device(dirs, device, DM_STATUS, NULL, &fd);

	if (error == 0)
		close(fd);
	return error;
}

/* Until nobody answers for it any more. 0 or -ETIMEDOUT. */
static int wait_gone(const struct device_dirs *dirs, const char *device)
{
	const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000 };
	struct timespec now;
	time_t until;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	for (until = now.tv_sec + PATIENCE_S; now.tv_sec <= until;
	     (void)clock_gettime(CLOCK_MONOTONIC, &now)) {
		int error = look(dirs, device);

		if (error == -ENOENT || error == -ECONNREFUSED)
			return 0;
		(void)nanosleep(&nap, NULL);
	}
	return -ETIMEDOUT;
}

/* 0 or -errno. It was there: if it is not any more, it went with one before. */
static int stop(const struct device_dirs *dirs, const char *device)
{
	int error = door_ask_device(dirs, device, DM_STOP, NULL, NULL);

	return error == -ENOENT || error == -ECONNREFUSED ? 0 :
	       error != 0				  ? error :
							    wait_gone(dirs, device);
}

static const char *why(const char *device, int error)
{
	char path[512];

	snprintf(path, sizeof(path), "/sys/class/devmap/%s", device);
	if (error == -ENOENT && access(path, F_OK) == 0)
		return "it is the kernel engine's: rmmod(8) of its driver ends it";
	return error == -ENOENT ? "there is no such device" :
	       error == -EPERM	? "only root and the engine's own user may" :
				  door_error(error);
}

static void complain(const char *device, int error)
{
	fprintf(stderr, "devmap: stop: %s: %s\n", device, why(device, error));
}

int cmd_stop(int argc, char **argv)
{
	const char *dir = NULL;
	struct device_dirs dirs;
	int status, error = 0;

	status = only_dir_option(argc, argv, help, &dir);
	if (status >= 0)
		return status;
	if (optind == argc) {
		fputs(help, stderr);
		return 2;
	}
	device_dirs(&dirs, dir);
	/* None, if one of them is not there. */
	for (int i = optind; error == 0 && i < argc; i++)
		if ((error = look(&dirs, argv[i])) != 0)
			complain(argv[i], error);
	for (int i = optind; error == 0 && i < argc; i++)
		if ((error = stop(&dirs, argv[i])) != 0)
			complain(argv[i], error);
	return error == 0 ? 0 : 1;
}
