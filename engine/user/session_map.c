/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Sessions' mappings: made in two steps, taken away, moved.
 *
 * Between DM_MMAP, or DM_MOVE, and DM_COMMIT a mapping is pending. No two pending ones overlap, and
 * what stood at the place of a pending one has been unmapped: so a commit never meets another
 * mapping, whatever the client does at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/param.h>

#include "file.h"
#include "keeper.h"
#include "pieces.h"
#include "resume.h"
#include "server.h"

struct pending {
	struct pending *next;
	uint64_t id;
	bool taken;			/* somebody commits or aborts it */
	struct devmap_mapping *mapping; /* NULL: a move */
	uintptr_t from, to;		/* from: of a move */
	size_t len;
	struct kept_mapping kept;
};

/* Whole pages that do not wrap around. */
static bool range_is_good(uintptr_t addr, size_t len)
{
	return len > 0 && len <= UINTPTR_MAX - PAGEOFFSET && (addr & PAGEOFFSET) == 0 &&
	       addr + ((len + PAGEOFFSET) & (size_t)PAGEMASK) > addr;
}

static bool overlap(uintptr_t a, size_t a_len, uintptr_t b, size_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

/*
 * Copies what into the session's list, with a fresh id. 0, -ENOMEM, or -EBUSY: another one is
 * there.
 */
static int pending_add(struct session *s, const struct pending *what, uint64_t *id)
{
	static _Atomic uint64_t last;
	struct pending *p = malloc(sizeof(*p)), *q;

	if (p == NULL)
		return -ENOMEM;
	*p = *what;
	p->len = (p->len + PAGEOFFSET) & (size_t)PAGEMASK;
	p->id = *id = ++last;
	pthread_mutex_lock(&s->lock);
	for (q = s->pending; q != NULL && !overlap(q->to, q->len, p->to, p->len); q = q->next)
		;
	if (q == NULL) {
		p->next = s->pending;
		s->pending = p;
	}
	pthread_mutex_unlock(&s->lock);
	if (q != NULL)
		free(p);
	return q != NULL ? -EBUSY : 0;
}

/* For whoever commits or aborts it. NULL: there is none of that id, or somebody else does. */
static struct pending *pending_take(struct session *s, uint64_t id)
{
	struct pending *p;

	pthread_mutex_lock(&s->lock);
	for (p = s->pending; p != NULL && p->id != id; p = p->next)
		;
	if (p != NULL && p->taken)
		p = NULL;
	if (p != NULL)
		p->taken = true;
	pthread_mutex_unlock(&s->lock);
	return p;
}

static void pending_end(struct session *s, struct pending *p)
{
	struct pending **q;

	pthread_mutex_lock(&s->lock);
	for (q = &s->pending; *q != p; q = &(*q)->next)
		;
	*q = p->next;
	pthread_mutex_unlock(&s->lock);
	free(p);
}

void session_drop_pending(struct session *s)
{
	struct pending *p;

	while ((p = s->pending) != NULL) {
		s->pending = p->next;
		if (p->mapping != NULL)
			devmap_discard(p->mapping);
		free(p);
	}
}

/* Nothing of the devices is there any more. As in the core, len is rounded up to whole pages. */
static void addresses_left(struct session *s, uintptr_t addr, size_t len)
{
	if (len <= UINTPTR_MAX - addr - PAGEOFFSET)
		len = (len + PAGEOFFSET) & (size_t)PAGEMASK;
	else
		len = UINTPTR_MAX - addr;
	handles_unplace(s, addr, len);
	keeper_unrange(s, addr, len);
}

static int unmap(struct session *s, uintptr_t addr, size_t len)
{
	int error;

	/* First: of what is being unmapped, another engine might not find the context. */
	keeper_cut(s, addr, len);
	error = from_ddi(devmap_unmap_range(&s->as, addr, len));

	if (error == 0)
		addresses_left(s, addr, len);
	return error;
}

static int mmap_check(const struct file *f, const struct request *rq, uint_t *maxprot)
{
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EACCES;
	*maxprot = PROT_READ | PROT_EXEC;
	if ((f->flags & O_ACCMODE) == O_RDWR)
		*maxprot |= PROT_WRITE;
	return range_is_good(rq->msg.a[0], rq->msg.a[1]) ? 0 : -EINVAL;
}

/* Asks the driver. 0 or -errno. */
static int mmap_driver(struct session *s, struct file *f, struct request *rq,
		       struct devmap_mapping **m)
{
	struct caller caller = { .as = &s->as, .pid = s->number, .cred = f->cred };
	struct caller *before;
	uint_t maxprot = 0;
	int error = mmap_check(f, rq, &maxprot);

	if (error != 0)
		return error;
	request_watch(rq, &caller);
	before = caller_set(&caller);
	error = from_ddi(devmap_mmap(&s->as, f->dev, rq->msg.a[0], rq->msg.a[1],
				     (uint_t)rq->msg.a[2], maxprot, (uint_t)rq->msg.a[3],
				     (offset_t)rq->msg.a[4], f, f->cred, m));
	caller_set(before);
	request_unwatch(rq);
	return error;
}

static void mmap_answer(struct session *s, struct request *rq, struct devmap_mapping *m)
{
	struct caller caller = { .as = &s->as, .pid = s->number, .cred = s->cred };
	struct caller *before = caller_set(&caller);
	struct pending p = { .mapping = m,
			     .to = rq->msg.a[0],
			     .len = rq->msg.a[1],
			     .kept = { .prot = (uint32_t)rq->msg.a[2],
				       .flags = (uint32_t)rq->msg.a[3],
				       .off = rq->msg.a[4] } };
	struct pieces ps = { .rq = rq, .end = UINTPTR_MAX };
	uint64_t id = 0;

	for (size_t i = 0; i < m->m_nhandles; i++)
		pieces_add(m->m_handles[i], &ps);
	if (ps.error == 0)
		ps.error = pending_add(s, &p, &id);
	/*
	 * Whatever stood there before ends now that the new mapping is sure: with MAP_FIXED by
	 * intention, otherwise because the client unmapped it behind our back.
	 */
	if (ps.error != 0)
		devmap_discard(m);
	else
		(void)unmap(s, p.to, p.len);
	pieces_send(&ps, DM_RESULT, id);
	caller_set(before);
}

/* DM_MMAP. */
void session_mmap(struct session *s, struct request *rq)
{
	struct file *f = file_by_key(rq->msg.a[5]);
	struct devmap_mapping *m = NULL;
	int error = f != NULL ? mmap_driver(s, f, rq, &m) : -EBADF;

	if (f != NULL)
		file_put(f); /* the handles have it; who has the answer may unmap and close */
	if (error != 0)
		reply_error(rq, error);
	else
		mmap_answer(s, rq, m);
}

/* Registers handles' ranges at their addresses plus a distance, which is not 0 for a move. */
struct commit {
	struct session *s;
	uintptr_t start, end; /* only handles in here */
	uintptr_t distance;
	int error;
};

static void commit_handle(struct devmap_handle *dh, void *arg)
{
	struct commit *c = arg;

	if (c->error != 0 || dh->dh_uvaddr < c->start || dh->dh_uvaddr >= c->end)
		return;
	c->error = handle_register(dh, dh->dh_uvaddr + c->distance);
	if (c->error == 0)
		keeper_range(c->s, dh->dh_uvaddr + c->distance, dh->dh_len);
}

static int commit_mapping(struct session *s, const struct pending *p)
{
	struct commit c = { .s = s, .end = UINTPTR_MAX };
	struct devmap_mapping *m = p->mapping;

	for (size_t i = 0; i < m->m_nhandles; i++)
		commit_handle(m->m_handles[i], &c);
	if (c.error == 0) {
		keeper_mapping(s, p->to, p->len, &p->kept, m->m_file);
		devmap_publish(m);
	} else {
		devmap_discard(m);
	}
	return c.error;
}

/* The new place was made and registered; the old one is the client's to unmap. */
static int commit_move(struct session *s, const struct pending *p)
{
	struct commit c = {
		.s = s, .start = p->from, .end = p->from + p->len, .distance = p->to - p->from
	};
	int error;

	devmap_each_handle(&s->as, commit_handle, &c);
	error = c.error != 0 ? c.error : from_ddi(devmap_move(&s->as, p->from, p->len, p->to));
	if (error == 0) {
		keeper_moved(s, p->from, p->len, p->to);
		addresses_left(s, p->from, p->len);
	}
	return error;
}

void session_commit(struct session *s, struct request *rq)
{
	struct commit all = { .s = s, .end = UINTPTR_MAX };
	struct pending *p;
	int error;

	if (rq->msg.a[0] == 0) {
		devmap_each_handle(&s->as, commit_handle, &all);
		error = all.error;
	} else if ((p = pending_take(s, rq->msg.a[0])) == NULL) {
		/* One that an engine before us has made: all of it is to be done again. */
		error = resume_has_been() ? -DM_AGAIN : -EINVAL;
	} else {
		error = p->mapping != NULL ? commit_mapping(s, p) : commit_move(s, p);
		pending_end(s, p);
	}
	reply_error(rq, error);
}

void session_abort(struct session *s, struct request *rq)
{
	struct pending *p = pending_take(s, rq->msg.a[0]);

	if (p != NULL) {
		if (p->mapping != NULL)
			devmap_discard(p->mapping);
		pending_end(s, p);
	}
	reply_error(rq, p != NULL ? 0 : -EINVAL);
}

void session_munmap(struct session *s, struct request *rq)
{
	reply_error(rq, unmap(s, rq->msg.a[0], rq->msg.a[1]));
}

struct look {
	uintptr_t addr;
	bool found;
};

static void look_at(struct devmap_handle *dh, void *arg)
{
	struct look *l = arg;

	l->found |= l->addr - dh->dh_uvaddr < dh->dh_len;
}

static bool is_mapped(struct session *s, uintptr_t addr)
{
	struct look l = { .addr = addr };

	devmap_each_handle(&s->as, look_at, &l);
	return l.found;
}

/* The pieces of a mapping, at addresses where it does not stand yet. */
void session_move(struct session *s, struct request *rq)
{
	struct pending p = { .from = rq->msg.a[0], .len = rq->msg.a[1], .to = rq->msg.a[2] };
	struct pieces ps = {
		.rq = rq, .start = p.from, .end = p.from + p.len, .distance = p.to - p.from
	};
	struct pending *gone;
	uint64_t id = 0;

	if (!range_is_good(p.from, p.len) || !range_is_good(p.to, p.len) ||
	    overlap(p.from, p.len, p.to, p.len))
		ps.error = -EINVAL;
	else if (!is_mapped(s, p.from))
		ps.error = -EFAULT; /* and what stands at `to` may be just that, moved before */
	else
		ps.error = pending_add(s, &p, &id);
	if (ps.error == 0) {
		(void)unmap(s, p.to, p.len);
		devmap_each_handle(&s->as, pieces_add, &ps);
		gone = ps.error != 0 ? pending_take(s, id) : NULL;
		if (gone != NULL)
			pending_end(s, gone);
	}
	pieces_send(&ps, DM_RESULT, id);
}
