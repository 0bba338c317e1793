/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The engine's line to its supervisor: see keeper.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "keeper.h"
#include "server.h"

static int keeper_fd = -1;

void keeper_init(int fd)
{
	keeper_fd = fd;
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
	int fds[KEEPER_FDS_MAX] = { area, deadline, check };

	send_parcel(&p, fds, KEEPER_FDS_MAX);
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
