/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Going on where another engine has died: see resume.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "door.h"
#include "fuse.h"
#include "journal.h"
#include "keeper.h"
#include "resume.h"

#define RUNNER_MS  1000 /* for what the dead engine's runner of errands still does */
#define KEYS_SHIFT 40	/* keys of address spaces that one engine may give */
/* Where no process has anything: mappings of which parts have gone are made there. */
#define NOWHERE ((uintptr_t)1 << 62)

/* A window that there was, until a mapping has it. */
struct adopted {
	struct adopted *next;
	struct window *window;
	uint64_t region_name;  /* what the dead engine called it */
	struct region *region; /* NULL: it is not there (yet) */
	bool writable;
};

/* A session that there was. */
struct claim {
	struct claim *next;
	const struct escrow *was;
	struct session *session; /* NULL: it could not be taken over */
	struct adopted *windows;
};

/* A record that has been used. */
struct used {
	struct used *next;
	const struct record *record;
};

static struct {
	const struct journal *before;
	bool has_been;
	struct claim *claims;
	struct used *used;
} resume;

bool resume_has_been(void)
{
	return resume.has_been;
}

/* Records, each of which is for one. */

struct search {
	const char *text;
	uint64_t len;
	const struct record *found;
};

static bool is_used(const struct record *r)
{
	const struct used *u = resume.used;

	while (u != NULL && u->record != r)
		u = u->next;
	return u != NULL;
}

static bool look(const struct record *r, void *arg)
{
	struct search *s = arg;

	if (r->len == s->len && strcmp(r->text, s->text) == 0 && !is_used(r))
		s->found = r;
	return s->found == NULL;
}

/* NULL: there is none, or no memory to note that it is used. */
static const struct record *record_use(uint32_t op, const char *text, uint64_t len)
{
	struct search s = { .text = text, .len = len };
	struct used *u;

	if (resume.before == NULL)
		return NULL;
	journal_each(resume.before, op, look, &s);
	if (s.found == NULL)
		return NULL;
	u = malloc(sizeof(*u));
	if (u == NULL)
		return NULL;
	*u = (struct used){ .next = resume.used, .record = s.found };
	resume.used = u;
	return s.found;
}

bool resume_node(const char *name, int *door, int *connection)
{
	const struct record *r = record_use(PARCEL_NODE, name, 0);

	if (r == NULL || r->nfds == 0)
		return false;
	*door = r->fds[0];
	*connection = r->nfds > 1 ? r->fds[1] : -1;
	return true;
}

int resume_memory(const char *name, size_t len)
{
	const struct record *r = record_use(PARCEL_MEMORY, name, len);

	return r != NULL && r->nfds == 1 ? r->fds[0] : -1;
}

static bool first_record(const struct record *r, void *arg)
{
	*(const struct record **)arg = r;
	return false;
}

static const struct record *engine_record(void)
{
	const struct record *r = NULL;

	if (resume.before != NULL)
		journal_each(resume.before, PARCEL_ENGINE, first_record, &r);
	return r;
}

bool resume_side_door(int *fd)
{
	const struct record *r = engine_record();

	if (r == NULL || r->nfds == 0)
		return false;
	*fd = r->fds[0];
	return true;
}

/* Regions and windows: what pages.h asks. */

static bool find_region(const char *name, size_t npages, struct region_kept *out)
{
	const struct record *r = record_use(PARCEL_REGION, name, npages);

	if (r == NULL || r->nfds != 4)
		return false;
	*out = (struct region_kept){ .id = r->addr,
				     .home = r->fds[0],
				     .board = r->fds[1],
				     .pipe = { r->fds[2], r->fds[3] } };
	return true;
}

struct extents {
	struct region *region;
	uint64_t id; /* what the dead engine called it */
	int error;
};

static bool take_extent(const struct record *r, void *arg)
{
	struct extents *x = arg;

	if (r->of == x->id && r->nfds == 1)
		x->error = region_inherit_shared(x->region, r->at, r->len, r->fds[0]);
	return x->error == 0;
}

static int bind_windows(struct region *r, uint64_t id)
{
	struct extents x = { .region = r, .id = id };

	journal_each(resume.before, PARCEL_EXTENT, take_extent, &x);
	if (x.error != 0)
		return x.error;
	for (struct claim *c = resume.claims; c != NULL; c = c->next) {
		for (struct adopted *a = c->windows; a != NULL; a = a->next) {
			if (a->region_name != id)
				continue;
			a->region = r;
			window_bind(a->window, r, 0);
		}
	}
	return 0;
}

static struct window *find_window(struct region *r, uint32_t serial)
{
	for (struct claim *c = resume.claims; c != NULL; c = c->next)
		for (struct adopted *a = c->windows; a != NULL; a = a->next)
			if (a->region == r && window_serial(a->window) == serial)
				return a->window;
	return NULL;
}

static void region_made(struct region *r, const char *name, size_t npages,
			const struct region_kept *k)
{
	const int fds[4] = { k->home, k->board, k->pipe[0], k->pipe[1] };

	keeper_region(r, name, npages, fds);
}

static void extent_made(struct region *r, size_t page, size_t n, int fd)
{
	keeper_extent(r, page, n, fd);
}

static void region_gone(struct region *r)
{
	keeper_gone(PARCEL_REGION_END, r);
}

static struct claim *claim_of(const struct session *s)
{
	struct claim *c = resume.claims;

	while (c != NULL && c->session != s)
		c = c->next;
	return c;
}

struct window *resume_window(struct session *s, struct region *r, bool writable)
{
	struct claim *c = claim_of(s);
	struct adopted **p = c != NULL ? &c->windows : NULL, *a;
	struct window *w;

	while (p != NULL && *p != NULL && ((*p)->region != r || (*p)->writable != writable))
		p = &(*p)->next;
	if (p == NULL || *p == NULL)
		return NULL;
	a = *p;
	*p = a->next;
	w = a->window;
	free(a);
	window_clean(w);
	return w;
}

/* Sessions. */

/* 0 or -errno. */
static int adopt_window(struct claim *c, const struct escrow_window *w)
{
	struct adopted *a = calloc(1, sizeof(*a));
	int error;

	if (a == NULL)
		return -ENOMEM;
	a->region_name = w->kept.region;
	a->writable = w->kept.writable;
	error = window_adopt(&c->session->uffd, w->fd, w->kept.npages, w->kept.writable,
			     w->kept.serial, &a->window);
	if (error != 0) {
		free(a);
		return error;
	}
	a->next = c->windows;
	c->windows = a;
	return 0;
}

/* What no mapping has wanted. */
static void drop_windows(struct claim *c)
{
	struct adopted *a;

	while ((a = c->windows) != NULL) {
		c->windows = a->next;
		window_close(a->window);
		free(a);
	}
}

static void claim_fail(struct claim *c, const char *why)
{
	log_client(c->session->uid, "process %d (%s) cannot be taken over: %s",
		   (int)c->session->pid, c->session->as.a_comm, why);
	session_adopt_fail(c->session);
	c->session = NULL;
}

static void claim_make(const struct escrow *e, uint32_t *serial)
{
	struct claim *c = calloc(1, sizeof(*c));
	int error = 0;

	if (c == NULL)
		return;
	c->was = e;
	if (e->sock >= 0)
		c->session = session_adopt(e);
	for (const struct escrow_window *w = e->windows; w != NULL; w = w->next) {
		*serial = MAX(*serial, w->kept.serial);
		if (c->session != NULL && error == 0)
			error = adopt_window(c, w);
	}
	c->next = resume.claims;
	resume.claims = c;
}

/* What it was doing for a window is done, or concerns nobody but that window's process: see errand.h. */
static void await_runner(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)poll(&p, 1, RUNNER_MS);
}

int resume_begin(const struct journal *before)
{
	static const struct pages_keeper keeper = { .find = find_region,
						    .bind = bind_windows,
						    .window = find_window,
						    .made = region_made,
						    .extent = extent_made,
						    .gone = region_gone };
	const struct record *r;
	uint32_t serial = 0;

	if (keeper_resumes())
		pages_set_keeper(&keeper);
	resume.before = before;
	if (before == NULL)
		return 0;
	resume.has_been = true;
	r = engine_record();
	if (r == NULL || r->nfds != 2)
		return -ENOMEM;
	server_id = r->addr;
	await_runner(r->fds[1]);
	devmap_as_keys_after((uint64_t)before->life << KEYS_SHIFT);
	fuse_opens_begin(before->life);
	for (const struct escrow *e = before->clients; e != NULL; e = e->next)
		claim_make(e, &serial);
	window_serials_after(serial);
	return 0;
}

/* Open files. */

/* open(9E), once more. NULL: the driver does not want it, or there is no memory. */
static struct file *open_again(struct door *d, const struct kept_open *k)
{
	struct cred *cred = cred_make(k->uid, k->gid);
	struct caller caller = { .cred = cred, .resuming = true }, *before;
	struct file *f = cred != NULL ? file_new(d, k->flags, cred) : NULL;
	int error = -ENOMEM;

	if (f != NULL) {
		f->key = k->key;
		before = caller_set(&caller);
		error = file_open_driver(f);
		caller_set(before);
	}
	if (error == 0)
		(void)file_list(f);
	else if (f != NULL)
		file_discard(f);
	if (cred != NULL)
		cred_put(cred);
	if (error != 0)
		return NULL;
	if (f->dev == k->dev)
		return f;
	file_forget(f); /* one that open(9E) has made up, which is another one now */
	return NULL;
}

static bool take_open(const struct record *r, void *arg)
{
	struct door *d = door_by_name(r->text);
	struct fuse_open *o = NULL;
	struct file *f = NULL;

	(void)arg;
	if (d != NULL && d->mounted != NULL)
		o = fuse_open_again(d->mounted, r->addr);
	if (o != NULL)
		f = open_again(d, &r->open);
	if (f != NULL) {
		atomic_store(&o->poll_kh, r->open.poll_kh);
		atomic_store(&o->poll_wanted, r->open.poll_kh != 0);
		f->open = o;
		o->file = f;
		keeper_open(f, o);
	}
	/* Without a file its number stays, and whoever uses it is told that the device is gone. */
	if (d != NULL)
		door_put(d);
	return true;
}

static bool wake_pollers(const struct record *r, void *arg)
{
	(void)arg;
	fuse_open_wake(r->addr);
	return true;
}

/* Mappings. */

struct parts {
	struct part {
		uintptr_t start, end;
		size_t page;
	} * part;
	size_t n, room;
	bool failed;
};

static void add_part(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	struct parts *ps = arg;
	struct part *more;

	if (ps->n == ps->room) {
		more = realloc(ps->part, (ps->room + 8) * sizeof(*more));
		if (more == NULL) {
			ps->failed = true;
			return;
		}
		ps->part = more;
		ps->room += 8;
	}
	ps->part[ps->n++] = (struct part){ start, end, page };
}

static int by_page(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->page > y->page) - (x->page < y->page);
}

static size_t part_len(const struct part *p)
{
	return p->end - p->start;
}

/* Nothing is mapped there any more. */
static int cut(struct session *s, uintptr_t from, uintptr_t to)
{
	if (from >= to)
		return 0;
	keeper_cut(s, from, to - from);
	return from_ddi(devmap_unmap_range(&s->as, from, to - from));
}

/* What was mapped in one go, and of which parts are left, here and there. It stands NOWHERE. */
static int scatter(struct session *s, const struct parts *ps, size_t len)
{
	uintptr_t at = NOWHERE;
	int error = 0;

	for (size_t i = 0; i < ps->n && error == 0; i++) {
		const uintptr_t from = NOWHERE + (ps->part[i].page << PAGESHIFT);

		error = cut(s, at, from);
		at = from + part_len(&ps->part[i]);
	}
	if (error == 0)
		error = cut(s, at, NOWHERE + ((len + PAGEOFFSET) & (size_t)PAGEMASK));
	for (size_t i = 0; i < ps->n && error == 0; i++) {
		const struct part *p = &ps->part[i];
		const uintptr_t from = NOWHERE + (p->page << PAGESHIFT);

		error = from_ddi(devmap_move(&s->as, from, part_len(p), p->start));
		if (error == 0)
			keeper_moved(s, from, part_len(p), p->start);
	}
	return error;
}

/* The file through which it was made. With a reference, or NULL. */
static struct file *file_of(const struct escrow_mapping *m)
{
	struct file *f = file_by_key(m->kept.open.key);
	struct door *d;

	if (f != NULL)
		return f;
	/* Closed since: it lasts as long as its mappings. */
	d = door_by_name(m->node);
	if (d == NULL)
		return NULL;
	f = open_again(d, &m->kept.open);
	door_put(d);
	if (f != NULL) {
		file_get(f);
		file_forget_later(f);
	}
	return f;
}

static int map_again(struct session *s, struct file *f, const struct escrow_mapping *m,
		     const struct parts *ps)
{
	const struct kept_mapping *k = &m->kept;
	bool whole = ps->n == 1 && ps->part[0].page == 0 &&
		     part_len(&ps->part[0]) == ((m->len + PAGEOFFSET) & (size_t)PAGEMASK);
	uintptr_t at = whole ? ps->part[0].start : NOWHERE;
	struct devmap_mapping *made = NULL;
	uint_t maxprot = PROT_READ | PROT_EXEC;
	int error;

	if ((f->flags & O_ACCMODE) == O_RDWR)
		maxprot |= PROT_WRITE;
	error = from_ddi(devmap_mmap(&s->as, f->dev, at, m->len, k->prot, maxprot, k->flags,
				     (offset_t)k->off, f, f->cred, &made));
	if (error != 0)
		return error;
	keeper_mapping(s, at, m->len, k, f);
	devmap_publish(made);
	return whole ? 0 : scatter(s, ps, m->len);
}

static int take_mapping(struct session *s, const struct escrow_mapping *m)
{
	struct caller caller = { .as = &s->as, .pid = s->number, .resuming = true }, *before;
	struct parts ps = { .part = NULL };
	struct file *f = file_of(m);
	int error = f == NULL ? -ENXIO : 0;

	placement_each(&m->parts, 0, SIZE_MAX, add_part, &ps);
	if (ps.failed)
		error = -ENOMEM;
	if (error == 0 && ps.n > 0) {
		qsort(ps.part, ps.n, sizeof(ps.part[0]), by_page);
		caller.cred = f->cred;
		before = caller_set(&caller);
		error = map_again(s, f, m, &ps);
		caller_set(before);
	}
	free(ps.part);
	if (f != NULL)
		file_put(f);
	return error;
}

static void place_handle(struct devmap_handle *dh, void *arg)
{
	(void)arg;
	handle_placed(dh);
}

/* Whoever was to do so has died. */
static void cure_pages(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	(void)page;
	for (; start < end; start += PAGESIZE)
		handle_unpoison(arg, start);
}

/* Has every window that its process has mapped found its region? */
static bool windows_are_known(const struct claim *c)
{
	unsigned n = 0, m = 0;

	for (const struct adopted *a = c->windows; a != NULL; a = a->next, n++)
		if (a->region == NULL)
			return false;
	for (const struct escrow_window *w = c->was->windows; w != NULL; w = w->next)
		m++;
	return n == m;
}

static void take_session(struct claim *c)
{
	struct session *s = c->session;
	int error;

	if (s == NULL)
		return;
	error = session_adopt_begin(s);
	if (error == 0 && !windows_are_known(c))
		error = -ENXIO;
	for (const struct escrow_mapping *m = c->was->mappings; m != NULL && error == 0;
	     m = m->next)
		error = take_mapping(s, m);
	if (error == 0) {
		devmap_each_handle(&s->as, place_handle, NULL);
		placement_each(&c->was->poisoned, 0, SIZE_MAX, cure_pages, s);
	}
	drop_windows(c);
	if (error != 0)
		claim_fail(c, strerror(-error));
}

static void tell_range(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	(void)page;
	keeper_range(arg, start, end - start);
}

static bool note_call(const struct record *r, void *arg)
{
	(void)arg;
	fuse_call_lost((pid_t)r->addr);
	return true;
}

void resume_objects(void)
{
	if (resume.before == NULL)
		return;
	journal_each(resume.before, PARCEL_CALL, note_call, NULL);
	journal_each(resume.before, PARCEL_OPEN, take_open, NULL);
	for (struct claim *c = resume.claims; c != NULL; c = c->next)
		take_session(c);
	files_forgotten();
	for (struct claim *c = resume.claims; c != NULL; c = c->next) {
		if (c->session == NULL)
			continue;
		session_adopted(c->session);
		placement_each(&c->was->ranges, 0, SIZE_MAX, tell_range, c->session);
		if (c->was->request != 0)
			keeper_request(c->session, c->was->request);
	}
	keeper_say(PARCEL_RESUMED, "");
}

static void wake_range(void *arg, uintptr_t start, uintptr_t end, size_t page)
{
	struct session *s = arg;

	(void)page;
	client_uffd_wake(&s->uffd, start, end - start);
}

void resume_end(void)
{
	struct claim *c;
	struct used *u;

	while ((c = resume.claims) != NULL) {
		resume.claims = c->next;
		if (c->session != NULL) {
			session_get(c->session);
			session_adopt_end(c->session, c->was->request);
			/* What the dead engine had heard of is heard of again. */
			if (c->was->uffd >= 0)
				placement_each(&c->was->ranges, 0, SIZE_MAX, wake_range,
					       c->session);
			session_put(c->session);
		}
		free(c);
	}
	if (resume.before != NULL)
		journal_each(resume.before, PARCEL_OPEN, wake_pollers, NULL);
	while ((u = resume.used) != NULL) {
		resume.used = u->next;
		free(u);
	}
	resume.before = NULL;
}
