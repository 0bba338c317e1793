/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who a client is: the cred_t of the user engine. */
#ifndef DEVMAP_ENGINE_USER_CRED_H
#define DEVMAP_ENGINE_USER_CRED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

struct cred {
	atomic_uint refs;
	uid_t uid;
	gid_t gid;
	unsigned ngroups;
	gid_t groups[];
};

/* Of the peer of a connected socket: SO_PEERCRED and SO_PEERGROUPS. NULL when there is no memory. */
struct cred *cred_of_socket(int sock);
struct cred *cred_make(uid_t uid, gid_t gid);
void cred_get(struct cred *c);
void cred_put(struct cred *c);
/* May c open something of uid, gid and mode with these open(2) flags? */
bool cred_may(const struct cred *c, uid_t uid, gid_t gid, mode_t mode, int flags);

#endif
