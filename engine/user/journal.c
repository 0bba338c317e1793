/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* See journal.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal.h"

static struct record **bucket(struct journal *j, uint32_t op, uint64_t addr)
{
	uint64_t hash = (addr + op) * 0x9e3779b97f4a7c15u;

	return &j->records[hash >> 56];
}

static struct record **find(struct journal *j, uint32_t op, uint64_t addr)
{
	struct record **p = bucket(j, op, addr);

	while (*p != NULL && ((*p)->op != op || (*p)->addr != addr))
		p = &(*p)->next;
	return p;
}

static void record_free(struct record *r)
{
	fds_close(r->fds, r->nfds);
	free(r);
}

void journal_forget(struct journal *j, uint32_t op, uint64_t addr)
{
	struct record **p = find(j, op, addr), *r = *p;

	if (r == NULL)
		return;
	*p = r->next;
	record_free(r);
}

/* Another of that name takes the place of the one before. */
static void keep(struct journal *j, const struct parcel *p, const int *fds, unsigned nfds)
{
	const size_t len = strnlen(p->text, sizeof(p->text) - 1);
	struct record *r = calloc(1, sizeof(*r) + len + 1), **b;

	journal_forget(j, p->op, p->addr);
	if (r == NULL) {
		fds_close(fds, nfds);
		return;
	}
	r->op = p->op;
	r->addr = p->addr;
	r->len = p->len;
	if (p->op == PARCEL_OPEN)
		r->open = p->open;
	if (p->op == PARCEL_EXTENT) {
		r->of = p->session;
		r->at = p->window.first;
	}
	memcpy(r->text, p->text, len);
	r->nfds = nfds;
	for (unsigned i = 0; i < nfds; i++)
		r->fds[i] = fds[i];
	b = bucket(j, p->op, p->addr);
	r->next = *b;
	*b = r;
}

void journal_note_call(struct journal *j, uint32_t thread)
{
	const struct parcel p = { .op = PARCEL_CALL, .addr = thread };

	keep(j, &p, NULL, 0);
}

static void forget_extents(struct journal *j, uint64_t region)
{
	for (unsigned i = 0; i < RECORD_BUCKETS; i++) {
		struct record **p = &j->records[i], *r;

		while ((r = *p) != NULL) {
			if (r->op == PARCEL_EXTENT && r->of == region) {
				*p = r->next;
				record_free(r);
			} else {
				p = &r->next;
			}
		}
	}
}

bool journal_take(struct journal *j, const struct parcel *p, const int *fds, unsigned nfds)
{
	switch (p->op) {
	case PARCEL_ENGINE:
	case PARCEL_REGION:
	case PARCEL_EXTENT:
	case PARCEL_MEMORY:
	case PARCEL_NODE:
	case PARCEL_OPEN:
		keep(j, p, fds, nfds);
		return true;
	case PARCEL_REGION_END:
	case PARCEL_MEMORY_END:
	case PARCEL_NODE_END:
	case PARCEL_OPEN_END:
		if (p->op == PARCEL_REGION_END)
			forget_extents(j, p->addr);
		journal_forget(j, p->op - 1, p->addr);
		fds_close(fds, nfds);
		return true;
	}
	return false;
}

void journal_each(const struct journal *j, uint32_t op,
		  bool (*fn)(const struct record *r, void *arg), void *arg)
{
	for (unsigned i = 0; i < RECORD_BUCKETS; i++)
		for (const struct record *r = j->records[i]; r != NULL; r = r->next)
			if (r->op == op && !fn(r, arg))
				return;
}

static bool found(const struct record *r, void *arg)
{
	(void)r;
	*(bool *)arg = true;
	return false;
}

bool journal_has(const struct journal *j, uint32_t op)
{
	bool any = false;

	journal_each(j, op, found, &any);
	return any;
}

void journal_free(struct journal *j)
{
	struct record *r;

	for (unsigned i = 0; i < RECORD_BUCKETS; i++) {
		while ((r = j->records[i]) != NULL) {
			j->records[i] = r->next;
			record_free(r);
		}
	}
}

/* A list of descriptors, of which fds is NULL while they are only counted. */
struct fd_list {
	int *fds;
	unsigned n;
};

static void list_fd(void *arg, int fd)
{
	struct fd_list *l = arg;

	if (l->fds != NULL)
		l->fds[l->n] = fd;
	l->n++;
}

static void list_all(const struct journal *j, struct fd_list *l)
{
	for (unsigned i = 0; i < RECORD_BUCKETS; i++)
		for (const struct record *r = j->records[i]; r != NULL; r = r->next)
			for (unsigned k = 0; k < r->nfds; k++)
				list_fd(l, r->fds[k]);
	for (const struct escrow *c = j->clients; c != NULL; c = c->next)
		escrow_each_fd(c, list_fd, l);
}

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int journal_keep_only(const struct journal *j, int from)
{
	struct fd_list l = { .fds = NULL };
	int error = 0, last = from - 1;

	if (j != NULL)
		list_all(j, &l);
	l.fds = calloc(l.n + 1, sizeof(*l.fds));
	if (l.fds == NULL)
		return -ENOMEM;
	l.n = 0;
	if (j != NULL)
		list_all(j, &l);
	qsort(l.fds, l.n, sizeof(*l.fds), by_number);
	for (unsigned i = 0; i < l.n && error == 0; i++) {
		if (l.fds[i] < from)
			continue;
		if (l.fds[i] > last + 1 &&
		    close_range((unsigned)last + 1, (unsigned)l.fds[i] - 1, 0) != 0)
			error = -errno;
		last = l.fds[i];
	}
	free(l.fds);
	if (error == 0 && close_range((unsigned)last + 1, ~0U, 0) != 0)
		error = -errno;
	return error;
}
