/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Who a client is: see cred.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cred.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

static struct cred *cred_new(uid_t uid, gid_t gid, unsigned ngroups)
{
	struct cred *c = calloc(1, sizeof(*c) + ngroups * sizeof(gid_t));

	if (c != NULL) {
		atomic_init(&c->refs, 1);
		c->uid = uid;
		c->gid = gid;
	}
	return c;
}

struct cred *cred_make(uid_t uid, gid_t gid)
{
	return cred_new(uid, gid, 0);
}

struct cred *cred_of_socket(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	gid_t groups[256];
	struct cred *c;
	unsigned n;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return NULL;
	len = sizeof(groups);
	/* More groups than fit, or a kernel that does not tell: then they count for nothing. */
	n = getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0 ? len / sizeof(gid_t) :
									     0;
	c = cred_new(peer.uid, peer.gid, n);
	if (c != NULL) {
		c->ngroups = n;
		memcpy(c->groups, groups, n * sizeof(gid_t));
	}
	return c;
}

void cred_get(struct cred *c)
{
	atomic_fetch_add(&c->refs, 1);
}

void cred_put(struct cred *c)
{
	if (atomic_fetch_sub(&c->refs, 1) == 1)
		free(c);
}

static bool in_group(const struct cred *c, gid_t gid)
{
	if (c->gid == gid)
		return true;
	for (unsigned i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool cred_may(const struct cred *c, uid_t uid, gid_t gid, mode_t mode, int flags)
{
	mode_t want = (flags & O_ACCMODE) == O_RDONLY ? 4 : (flags & O_ACCMODE) == O_WRONLY ? 2 : 6;
	mode_t have = c->uid == uid ? mode >> 6 : in_group(c, gid) ? mode >> 3 : mode;

	return c->uid == 0 || (have & want) == want;
}
