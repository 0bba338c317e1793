/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * fork(2), and what forks inside libc: a driver that refuses (devmap_dup(9E)) makes the call fail.
 */
#include "shim.h"

static int refuse(int error)
{
	errno = -error;
	return -1;
}

EXPORT pid_t fork(void)
{
	int error;
	pid_t pid;

	if (likely(!client_active))
		return REAL(fork)();
	error = fork_begin();
	if (error != 0)
		return refuse(error);
	pid = REAL(fork)();
	fork_end(pid == 0);
	return pid;
}

EXPORT pid_t _Fork(void)
{
	int error;
	pid_t pid;

	if (likely(!client_active))
		return REAL(_Fork)();
	error = fork_begin();
	if (error != 0)
		return refuse(error);
	pid = REAL(_Fork)();
	fork_end(pid == 0);
	return pid;
}

EXPORT int daemon(int nochdir, int noclose)
{
	int error, r;

	if (likely(!client_active))
		return REAL(daemon)(nochdir, noclose);
	error = fork_begin();
	if (error != 0)
		return refuse(error);
	r = REAL(daemon)(nochdir, noclose);
	/* Here it is the child, where the handlers have run, or there was no fork. */
	fork_end(false);
	return r;
}

EXPORT int forkpty(int *amaster, char *name, const struct termios *termp,
		   const struct winsize *winp)
{
	int error;
	pid_t pid;

	if (likely(!client_active))
		return REAL(forkpty)(amaster, name, termp, winp);
	error = fork_begin();
	if (error != 0)
		return refuse(error);
	pid = REAL(forkpty)(amaster, name, termp, winp);
	fork_end(pid == 0);
	return pid;
}
