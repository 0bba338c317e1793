/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What /proc says of a client, and of a descriptor that came from one. */
#ifndef DEVMAP_ENGINE_USER_PEER_H
#define DEVMAP_ENGINE_USER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Is it in another pid namespace, so that its thread ids mean nothing here? */
bool peer_pids_are_foreign(pid_t pid);
/* Its name, for messages and statistics: so nothing in it is anything but text. */
void peer_comm(pid_t pid, char *buf, size_t len);
/* To be asked before anything else is asked of the descriptor. */
bool is_userfaultfd(int fd);

#endif
