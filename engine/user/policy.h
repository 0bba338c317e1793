/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who is trusted with what. Whose system calls may access device memory (devmap serve
 * --kernel-faults): which clients are told to use a userfaultfd that serves the kernel's faults too,
 * and which are handed one.
 */
#ifndef DEVMAP_ENGINE_USER_POLICY_H
#define DEVMAP_ENGINE_USER_POLICY_H

#include "cred.h"
#include "wire.h"

void policy_init(void);
/* DM_F_* for a client with this credential. */
uint32_t policy_flags(const struct cred *cred);
/*
 * Could this user end the engine anyhow, as by kill(2)? Then a client of his need not be kept from
 * delaying it.
 */
bool policy_trusts(uid_t uid);
/*
 * Sends r with the descriptor fd (-1: none) and what the policy says for a client with this
 * credential.
 */
void policy_send(struct request *rq, struct dm_reply *r, const struct cred *cred, int fd);

#endif
