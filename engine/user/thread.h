/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Threads of clients: signals for accesses that fail. */
#ifndef DEVMAP_ENGINE_USER_THREAD_H
#define DEVMAP_ENGINE_USER_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Has the process of the pidfd its id still to itself, if only as a zombie? */
bool process_is_there(int pidfd);

/*
 * Sends a thread that waits for its access to addr the signal, with the address. False if it would
 * or did not arrive: the thread blocks or ignores it, may not be signalled by us, or (asked about
 * only where kernel_faults says that it is possible) makes its access in a system call.
 */
bool thread_signal(pid_t pid, pid_t tid, uintptr_t addr, int sig, bool kernel_faults);

#endif
