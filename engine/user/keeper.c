/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The engine's line to its supervisor: see keeper.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "door.h"
#include "fuse.h"
#include "keeper.h"

static int keeper_fd = -1;
static bool may_resume;

void keeper_init(int fd, bool resumable)
{
	keeper_fd = fd;
	may_resume = resumable && fd >= 0;
}

bool keeper_resumes(void)
{
	return may_resume;
}

void keeper_fini(void)
{
	if (keeper_fd >= 0)
		(void)shutdown(keeper_fd, SHUT_WR);
}

static void send_parcel(struct parcel *p, const int *fds, unsigned nfds)
{
	struct iovec iov = { .iov_base = p, .iov_len = sizeof(*p) };

	/* A supervisor that died is reported once, where its socket is watched (engine.c). */
	if (keeper_fd >= 0)
		(void)wire_send(keeper_fd, &iov, 1, fds, nfds);
}

void keeper_session(struct session *s)
{
	struct parcel p = { .op = PARCEL_SESSION,
			    .poison = s->uffd.poison,
			    .kernel_faults = !s->user_mode_only,
			    .pid = s->foreign_pids ? 0 : s->pid,
			    .session = s->id };
	int fds[2] = { s->uffd.fd, s->pidfd };

	send_parcel(&p, fds, 2);
}

void keeper_window(struct session *s, const struct backing *b, int window_fd)
{
	struct parcel p = { .op = PARCEL_WINDOW, .session = s->id, .addr = (uintptr_t)b };
	/* What may be remapped, or belongs to several processes, is not taken over. */
	struct region *r = b->own || b->common != NULL ? NULL : b->region;

	p.window = (struct kept_window){
		.region = r != NULL && region_is_kept(r) ? (uintptr_t)r : 0,
		.first = window_first(b->window),
		.npages = window_npages(b->window),
		.serial = window_serial(b->window),
		.writable = b->writable,
	};
	send_parcel(&p, &window_fd, 1);
}

void keeper_window_end(struct session *s, const struct backing *b)
{
	struct parcel p = { .op = PARCEL_WINDOW_END, .session = s->id, .addr = (uintptr_t)b };

	send_parcel(&p, NULL, 0);
}

void keeper_range(struct session *s, uintptr_t addr, size_t len)
{
	struct parcel p = { .op = PARCEL_RANGE, .session = s->id, .addr = addr, .len = len };

	send_parcel(&p, NULL, 0);
}

void keeper_unrange(struct session *s, uintptr_t addr, size_t len)
{
	struct parcel p = { .op = PARCEL_UNRANGE, .session = s->id, .addr = addr, .len = len };

	send_parcel(&p, NULL, 0);
}

void keeper_end(struct session *s)
{
	struct parcel p = { .op = PARCEL_END, .session = s->id };

	send_parcel(&p, NULL, 0);
}

void keeper_say(enum parcel_op op, const char *text)
{
	struct parcel p = { .op = op };

	snprintf(p.text, sizeof(p.text), "%s", text);
	send_parcel(&p, NULL, 0);
}

void keeper_watch(int area, int deadline, int check)
{
	struct parcel p = { .op = PARCEL_WATCH };
	int fds[3] = { area, deadline, check };

	send_parcel(&p, fds, 3);
}

void keeper_connection(uint32_t number, int fd)
{
	struct parcel p = { .op = PARCEL_CONNECTION, .addr = number };

	send_parcel(&p, &fd, 1);
}

void keeper_connection_end(uint32_t number)
{
	struct parcel p = { .op = PARCEL_CONNECTION_END, .addr = number };

	send_parcel(&p, NULL, 0);
}

/* Only where somebody may make use of it. */
static void send_kept(struct parcel *p, const int *fds, unsigned nfds)
{
	if (may_resume)
		send_parcel(p, fds, nfds);
}

void keeper_engine(uint64_t id, int side_door, int runner)
{
	struct parcel p = { .op = PARCEL_ENGINE, .addr = id };
	int fds[2] = { side_door, runner };

	send_kept(&p, fds, 2);
}

void keeper_region(const void *name, const char *text, size_t npages, const int fds[4])
{
	struct parcel p = { .op = PARCEL_REGION, .addr = (uintptr_t)name, .len = npages };

	snprintf(p.text, sizeof(p.text), "%s", text);
	send_kept(&p, fds, 4);
}

void keeper_extent(const void *region, size_t page, size_t n, int fd)
{
	static _Atomic uint64_t last;
	struct parcel p = { .op = PARCEL_EXTENT,
			    .session = (uintptr_t)region,
			    .addr = 1 + atomic_fetch_add(&last, 1),
			    .len = n };

	p.window.first = page;
	send_kept(&p, &fd, 1);
}

void keeper_memory(const void *name, const char *text, size_t len, int fd)
{
	struct parcel p = { .op = PARCEL_MEMORY, .addr = (uintptr_t)name, .len = len };

	snprintf(p.text, sizeof(p.text), "%s", text);
	send_kept(&p, &fd, 1);
}

void keeper_node(const void *name, const char *text, int door, int connection)
{
	struct parcel p = { .op = PARCEL_NODE, .addr = (uintptr_t)name };
	int fds[2] = { door, connection };

	snprintf(p.text, sizeof(p.text), "%s", text);
	send_kept(&p, fds, connection >= 0 ? 2 : 1);
}

void keeper_gone(enum parcel_op op, const void *name)
{
	struct parcel p = { .op = op, .addr = (uintptr_t)name };

	send_kept(&p, NULL, 0);
}

static struct kept_open kept_open_of(const struct file *f)
{
	return (struct kept_open){ .key = f->key,
				   .dev = f->dev,
				   .flags = f->flags,
				   .uid = f->cred->uid,
				   .gid = f->cred->gid };
}

void keeper_open(const struct file *f, const struct fuse_open *o)
{
	struct parcel p = { .op = PARCEL_OPEN, .addr = o->fh };

	p.open = kept_open_of(f);
	p.open.poll_kh = atomic_load(&o->poll_kh);
	snprintf(p.text, sizeof(p.text), "%s", f->door->minor.name);
	send_kept(&p, NULL, 0);
}

void keeper_open_end(uint64_t fh)
{
	struct parcel p = { .op = PARCEL_OPEN_END, .addr = fh };

	send_kept(&p, NULL, 0);
}

void keeper_socket(struct session *s, int fd)
{
	struct parcel p = { .op = PARCEL_SOCKET, .session = s->id };

	p.client = (struct kept_client){ .key = s->as.a_key,
					 .uid = s->uid,
					 .gid = s->cred != NULL ? s->cred->gid : 0,
					 .pid = s->pid,
					 .born = s->known,
					 .user_mode_only = s->user_mode_only,
					 .foreign_pids = s->foreign_pids,
					 .distrusted = s->uffd.distrusted };
	snprintf(p.client.comm, sizeof(p.client.comm), "%s", s->as.a_comm);
	send_kept(&p, &fd, 1);
}

void keeper_fork(struct session *child, struct session *parent)
{
	struct parcel p = { .op = PARCEL_FORK, .session = child->id, .addr = parent->id };

	send_kept(&p, NULL, 0);
}

void keeper_mapping(struct session *s, uintptr_t addr, size_t len, const struct kept_mapping *m,
		    const struct file *f)
{
	struct parcel p = { .op = PARCEL_MAPPING, .session = s->id, .addr = addr, .len = len };

	p.mapping = *m;
	p.mapping.open = kept_open_of(f);
	snprintf(p.text, sizeof(p.text), "%s", f->door->minor.name);
	send_kept(&p, NULL, 0);
}

void keeper_cut(struct session *s, uintptr_t addr, size_t len)
{
	struct parcel p = { .op = PARCEL_CUT, .session = s->id, .addr = addr, .len = len };

	send_kept(&p, NULL, 0);
}

void keeper_moved(struct session *s, uintptr_t addr, size_t len, uintptr_t to)
{
	struct parcel p = { .op = PARCEL_MOVED, .session = s->id, .addr = addr, .len = len };

	p.mapping.off = to;
	send_kept(&p, NULL, 0);
}

void keeper_request(struct session *s, uint64_t id)
{
	struct parcel p = { .op = PARCEL_REQUEST, .session = s->id, .addr = id };

	send_kept(&p, NULL, 0);
}

void keeper_poison(struct session *s, uintptr_t addr, size_t len, bool poisoned)
{
	struct parcel p = { .op = poisoned ? PARCEL_POISON : PARCEL_CURED,
			    .session = s->id,
			    .addr = addr,
			    .len = len };

	send_kept(&p, NULL, 0);
}
