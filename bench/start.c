/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the library costs a program that never opens a device: its start and end (/bin/true), and its calls
 * (bytes through a pipe of its own). With and without are run in turns; each figure is the median.
 *
 * Run by scripts/bench.sh.
 *
 * usage: start LIBRARY [ROUNDS]
 */
#include <err.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "turns.h"

#define ROUNDS 400
#define BYTES  20000

static char preload[4096];
static char *const without[] = { NULL }, *const with[] = { preload, NULL };

static void work(void)
{
	int ends[2];
	char byte = 0;

	if (pipe(ends) != 0)
		err(1, "pipe");
	for (int i = 0; i < BYTES; i++)
		if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
			err(1, "a byte through a pipe");
}

static uint64_t run_once(char *const *argv, char *const *env)
{
	const uint64_t before = now_ns();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, env) != 0)
		err(1, "%s", argv[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "%s has failed", argv[0]);
	return now_ns() - before;
}

static void compare(const char *what, const char *program, const char *argument, int rounds)
{
	char *const argv[] = { (char *)program, (char *)argument, NULL };

	uint64_t *a = times_alloc(rounds), *b = times_alloc(rounds);
	double plain, loaded;

	for (int i = 0; i < rounds; i++) {
		a[i] = run_once(argv, without);
		b[i] = run_once(argv, with);
	}
	plain = us_at(a, rounds, 50);
	loaded = us_at(b, rounds, 50);
	printf("%-22s %8.1f us without, %8.1f us with the library: %.3f\n", what, plain, loaded,
	       loaded / plain);
	free(a);
	free(b);
}

int main(int argc, char **argv)
{
	const int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;

	if (argc > 1 && strcmp(argv[1], "--work") == 0) {
		work();
		return 0;
	}
	if (argc < 2 || rounds < 1) {
		fprintf(stderr, "usage: start LIBRARY [ROUNDS]\n");
		return 2;
	}
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", argv[1]);
	compare("/bin/true", "/bin/true", NULL, rounds);
	compare("20000 bytes in a pipe", "/proc/self/exe", "--work", rounds / 10 + 1);
	return 0;
}
