/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Signals for clients' threads: see thread.h. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "thread.h"

#define SI_CODE_SIGIO (-5) /* the one negative code that leaves si_addr alone */

/* Does the thread block or ignore the signal? Then one that is sent would never arrive. */
static bool thread_defies(pid_t pid, pid_t tid, int sig)
{
	char path[64], line[128];
	uint64_t bit = 1ull << (sig - 1), mask;
	bool defies = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL)
		if ((sscanf(line, "SigBlk: %" SCNx64, &mask) == 1 ||
		     sscanf(line, "SigIgn: %" SCNx64, &mask) == 1) &&
		    (mask & bit) != 0)
			defies = true;
	fclose(f);
	return defies;
}

/* Is the thread in a system call? Its fault is then the kernel's, and must end with EFAULT. */
static bool thread_in_syscall(pid_t pid, pid_t tid)
{
	char path[64], c = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fread(&c, 1, 1, f) != 1)
		c = 0;
	fclose(f);
	return c >= '0' && c <= '9'; /* otherwise "running" or "-1 ..." */
}

bool process_is_there(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM)
		return true;
	/* It takes no signals from this pid namespace. */
	return errno == EINVAL && poll(&p, 1, 0) == 0;
}

bool thread_signal(pid_t pid, pid_t tid, uintptr_t addr, int sig, bool kernel_faults)
{
	siginfo_t si;

	if (thread_defies(pid, tid, sig) || (kernel_faults && thread_in_syscall(pid, tid)))
		return false;
	memset(&si, 0, sizeof(si));
	si.si_signo = sig;
	si.si_code = SI_CODE_SIGIO;
	si.si_addr = (void *)addr;
	return syscall(SYS_rt_tgsigqueueinfo, pid, tid, sig, &si) == 0 || errno == ESRCH;
}
