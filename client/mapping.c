/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Device mappings: made, changed, ended. The engine is asked first; then the kernel does its part.
 *
 * A piece is mapped without access, registered by the engine (DM_COMMIT), and gets its protection
 * last: so no page of it can come to be before the engine watches, not even under
 * mlockall(MCL_FUTURE).
 */
#include <string.h>

#include "internal.h"

#define TRIES_MAX 1000 /* an engine that dies so often does not come back */

bool mapping_lock_future;

size_t page_size(void)
{
	static _Atomic size_t size;
	size_t n = atomic_load_explicit(&size, memory_order_relaxed);

	if (n == 0) {
		n = (size_t)sysconf(_SC_PAGESIZE);
		atomic_store(&size, n);
	}
	return n;
}

static size_t page_round(size_t len)
{
	return (len + page_size() - 1) & ~(page_size() - 1);
}

static void set_prot(struct map *m, int prot)
{
	m->prot = (uint8_t)prot;
}

/* Under MCL_FUTURE it would count as locked memory. */
static void unlock_place(uintptr_t addr, size_t len)
{
	if (unlikely(mapping_lock_future))
		(void)raw(SYS_munlock, addr, len);
}

/* One piece: mapped, out of fork's and core dumps' way, in the table. 0 or -errno. */
static int place_piece(const struct placing *pl, const struct dm_piece *p, int fd)
{
	struct map m = { .start = p->addr,
			 .end = p->addr + p->len,
			 .session = pl->session,
			 .prot = (uint8_t)p->prot,
			 .maxprot = (uint8_t)p->maxprot,
			 .shared = p->shared != 0 };
	void *at;
	int error;

	if (p->len == 0 || m.end < m.start || m.start < pl->start || m.end > pl->end)
		return -EPROTO;
	error = maps_reserve(1);
	if (error != 0)
		return error;
	at = raw_mmap((void *)m.start, p->len, PROT_NONE, MAP_SHARED | MAP_NORESERVE | pl->flags,
		      fd, p->fd_off);
	if (raw_bad(at))
		return (int)(intptr_t)at;
	if (at != (void *)m.start) { /* a kernel that does not know MAP_FIXED_NOREPLACE */
		(void)raw_munmap((uintptr_t)at, p->len);
		return -EEXIST;
	}
	error = raw_madvise(m.start, p->len, MADV_DONTFORK);
	if (error != 0) {
		(void)raw_munmap(m.start, p->len);
		return error;
	}
	(void)raw_madvise(m.start, p->len, MADV_DONTDUMP);
	if (sessions[pl->session].huge)
		(void)raw_madvise(m.start, p->len, MADV_NOHUGEPAGE);
	unlock_place(m.start, p->len);
	maps_insert(&m);
	return 0;
}

int mapping_place(void *arg, const struct dm_piece *p, unsigned n, const int *fds, unsigned nfds)
{
	int error = 0;

	ASSERT_OPS_HELD();
	for (unsigned i = 0; i < n && error == 0; i++)
		error = p[i].fd < nfds ? place_piece(arg, &p[i], fds[p[i].fd]) : -EPROTO;
	return error;
}

/* Gives every piece in the range the protection that the table has for it. */
static int open_up(uintptr_t start, uintptr_t end)
{
	struct map m;
	int error = 0;

	for (; error == 0 && maps_first(start, end, &m); start = m.end)
		error = raw_mprotect(m.start, m.end - m.start, m.prot);
	return error;
}

/* ops held. Asks the engine for the pieces of [addr, addr + len), which is reserved. 0 or -errno. */
static int fill_once(struct call *c, unsigned session, uintptr_t addr, size_t len)
{
	struct placing pl = {
		.start = addr, .end = addr + len, .session = (uint16_t)session, .flags = MAP_FIXED
	};
	int error;

	ASSERT_OPS_HELD();
	c->pieces = mapping_place;
	c->arg = &pl;
	error = call_here(c);
	call_drop(c);
	if (error == 0)
		error = session_change(session, DM_COMMIT, c->re.v[0], 0);
	else if (c->re.error == 0 && c->re.type == DM_RESULT)
		(void)session_change(session, DM_ABORT, c->re.v[0], 0);
	if (error == 0) {
		error = open_up(addr, addr + len);
		if (error != 0)
			(void)session_change(session, DM_MUNMAP, addr, len);
	}
	if (error != 0)
		maps_remove(addr, addr + len);
	return error;
}

/* The same; where there is room for no more descriptors, too. */
static int fill(struct call *c, unsigned session, uintptr_t addr, size_t len)
{
	struct rlimit before;
	unsigned tries = 0;
	int error;

	do
		error = fill_once(c, session, addr, len);
	while (error == -DM_AGAIN && ++tries < TRIES_MAX);
	if (error == -EMFILE && limit_lift(&before)) {
		error = fill_once(c, session, addr, len);
		limit_restore(&before);
	}
	return error;
}

void mapping_forget(uintptr_t start, uintptr_t end)
{
	struct map m, next;

	ASSERT_OPS_HELD();
	while (maps_first(start, end, &m)) {
		/* Neighbours of one session go in one request. */
		while (m.end < end && maps_first(m.end, end, &next) && next.start == m.end &&
		       next.session == m.session)
			m.end = next.end;
		/* If the engine is gone there is nobody to tell. */
		(void)session_change(m.session, DM_MUNMAP, m.start, m.end - m.start);
		maps_remove(m.start, m.end);
		start = m.end;
	}
}

/* Address space for a mapping; what stands where MAP_FIXED points is gone after it. */
static void *reserve(void *addr, size_t len, int flags)
{
	const int keep = MAP_FIXED | MAP_FIXED_NOREPLACE
#ifdef MAP_32BIT
			 | MAP_32BIT
#endif
		;
	void *p;

	if ((flags & MAP_FIXED) != 0)
		mapping_forget((uintptr_t)addr, (uintptr_t)addr + len);
	p = raw_mmap(addr, len, PROT_NONE,
		     (flags & keep) | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!raw_bad(p)) /* no lock for what is only a place */
		unlock_place((uintptr_t)p, len);
	return p;
}

static int check_flags(size_t len, int flags, off_t off)
{
	int type = flags & MAP_TYPE;

	if (len == 0 || (off & (off_t)(page_size() - 1)) != 0)
		return -EINVAL;
	if (page_round(len) < len)
		return -ENOMEM;
	if (type == MAP_SHARED_VALIDATE)
		return (flags & MAP_SYNC) != 0 ? -EOPNOTSUPP : 0;
	if ((type != MAP_SHARED && type != MAP_PRIVATE) ||
	    (flags & (MAP_HUGETLB | MAP_GROWSDOWN)) != 0)
		return -EINVAL;
	return 0;
}

void *mapping_make(const struct dm_file *f, void *addr, size_t len, int prot, int flags, off_t off)
{
	struct call c = CALL(-1, DM_MMAP);
	struct held h;
	unsigned session;
	void *p = NULL;
	int error = check_flags(len, flags, off);

	if (error != 0)
		return (void *)(intptr_t)error;
	len = page_round(len);
	ops_lock(&h);
	error = session_of(f, &session);
	if (error == 0) {
		p = reserve(addr, len, flags);
		error = raw_bad(p) ? (int)(intptr_t)p : 0;
	}
	if (error == 0) {
		c.sock = sessions[session].sock;
		c.rq.a[0] = (uintptr_t)p;
		c.rq.a[1] = len;
		c.rq.a[2] = (uint64_t)prot;
		c.rq.a[3] = (uint64_t)(flags & ~(MAP_POPULATE | MAP_NONBLOCK | MAP_LOCKED));
		c.rq.a[4] = (uint64_t)off;
		c.rq.a[5] = f->token;
		error = fill(&c, session, (uintptr_t)p, len);
		if (error != 0)
			(void)raw_munmap((uintptr_t)p, len);
	}
	ops_unlock(&h);
	if (error != 0)
		return (void *)(intptr_t)error;
	/* As for any mapping, one that cannot be locked is a mapping none the less. */
	if ((flags & MAP_LOCKED) != 0)
		(void)lock_range(DM_LOCK, (uintptr_t)p, (uintptr_t)p + len);
	return p;
}

int mapping_end(uintptr_t addr, size_t len)
{
	struct held h;
	int error;

	len = page_round(len);
	if ((addr & (page_size() - 1)) != 0 || len == 0 || addr + len < addr)
		return -EINVAL;
	ops_lock(&h);
	mapping_forget(addr, addr + len);
	error = raw_munmap(addr, len);
	ops_unlock(&h);
	return error;
}

int mapping_protect(uintptr_t addr, size_t len, int prot)
{
	const int rwx = PROT_READ | PROT_WRITE | PROT_EXEC;
	uintptr_t from = addr, end = addr + page_round(len);
	struct held h;
	struct map m;
	int error = 0;

	ops_lock(&h);
	for (; error == 0 && maps_first(from, end, &m); from = m.end)
		if ((prot & rwx & ~m.maxprot) != 0)
			error = -EACCES;
	if (error == 0)
		error = maps_reserve(2);
	if (error == 0)
		error = raw_mprotect(addr, len, prot);
	if (error == 0)
		maps_change(addr, end, set_prot, prot & rwx);
	ops_unlock(&h);
	return error;
}

/* What a device mapping of the kernel's would accept, and what does no harm to ours. */
int mapping_advise(uintptr_t addr, size_t len, int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTNEED:
	case MADV_DONTFORK:
	case MADV_DONTDUMP:
	case MADV_UNMERGEABLE:
	case MADV_NOHUGEPAGE:
		return raw_madvise(addr, len, advice);
	case MADV_WILLNEED:
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * ops held. old..old + len is one run of device mappings of one session: moves it to the reserved
 * p.
 */
static int move(unsigned session, uintptr_t old, size_t len, uintptr_t p)
{
	struct call c = CALL(sessions[session].sock, DM_MOVE);
	struct map m;
	uintptr_t from = old;
	int error;

	ASSERT_OPS_HELD();
	c.rq.a[0] = old;
	c.rq.a[1] = len;
	c.rq.a[2] = p;
	error = fill(&c, session, p, len);
	if (error != 0)
		return error == -EPROTO ? -EINVAL : error;
	/* The protection of each part goes along. */
	for (; maps_first(from, old + len, &m); from = m.end) {
		uintptr_t to = m.start - old + p;

		if (raw_mprotect(to, m.end - m.start, m.prot) == 0)
			maps_change(to, to + (m.end - m.start), set_prot, m.prot);
	}
	maps_remove(old, old + len);
	return raw_munmap(old, len);
}

/* Is the whole range device mappings of one session? */
static bool one_run(uintptr_t start, uintptr_t end, unsigned *session)
{
	struct map m, first;
	uintptr_t at = start;

	if (!maps_first(start, end, &first))
		return false;
	for (; at < end && maps_first(at, end, &m); at = m.end)
		if (m.start != at || m.session != first.session)
			return false;
	*session = first.session;
	return at == end;
}

void *mapping_move(uintptr_t old, size_t old_len, size_t new_len, int flags, void *new_addr)
{
	uintptr_t to = (uintptr_t)new_addr;
	bool fixed = (flags & MREMAP_FIXED) != 0;
	unsigned session;
	struct held h;
	int error = 0;

	old_len = page_round(old_len);
	new_len = page_round(new_len);
	if (old_len == 0 || new_len == 0 || ((old | to) & (page_size() - 1)) != 0 ||
	    (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0 ||
	    (fixed && (flags & MREMAP_MAYMOVE) == 0) ||
	    (fixed && to < old + old_len && old < to + new_len))
		return (void *)-EINVAL;
	if (new_len > old_len)
		return (void *)-EFAULT;
	ops_lock(&h);
	if (!one_run(old, old + new_len, &session)) {
		error = -EFAULT;
	} else if (fixed) {
		void *p = reserve(new_addr, new_len, MAP_FIXED);

		error = raw_bad(p) ? (int)(intptr_t)p : move(session, old, new_len, to);
		if (error != 0 && !raw_bad(p))
			(void)raw_munmap(to, new_len);
	}
	if (error == 0 && new_len < old_len) {
		mapping_forget(old + new_len, old + old_len);
		error = raw_munmap(old + new_len, old_len - new_len);
	}
	ops_unlock(&h);
	return error != 0 ? (void *)(intptr_t)error : fixed ? new_addr : (void *)old;
}
