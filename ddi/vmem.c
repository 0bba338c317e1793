/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * vmem_create(9F). A span is a stretch of numbers that the arena was given, or has brought from its
 * source; it is cut into segments in the order of their numbers, no two of which are free side by
 * side. vmp->lock guards all of it, and is not held while a source is asked.
 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vmem.h>

#include "ddi.h"

struct seg {
	struct seg *next, *prev; /* of the span */
	uintptr_t start, end;
	bool used;
};

struct span {
	struct span *next;
	struct seg *segs;
	uintptr_t start, end;
	bool imported;
};

struct vmem {
	char name[32];
	size_t quantum;
	vmem_alloc_t *afunc;
	vmem_free_t *ffunc;
	vmem_t *source;
	kmutex_t lock;
	kcondvar_t freed;   /* something has been, or added */
	struct span *spans; /* in the order of their coming */
	size_t total, used; /* numbers */
	uintptr_t next;	    /* where VM_NEXTFIT goes on */
};

/* What is asked for. last: the number that the end may not be behind. */
struct request {
	size_t size, align, phase, nocross;
	uintptr_t first, last;
	int flag;
};

/* A place for it. */
struct place {
	struct span *span;
	struct seg *seg; /* NULL: none */
	uintptr_t start;
};

/* Room for the segments that a cut may need. */
struct pieces {
	struct seg *seg[2];
};

static size_t whole(size_t size, size_t quantum)
{
	return (size + quantum - 1) & ~(quantum - 1);
}

static bool pieces_get(struct pieces *p, int vmflag)
{
	p->seg[0] = kmem_zalloc(sizeof(struct seg), vmflag & KM_NOSLEEP);
	p->seg[1] = kmem_zalloc(sizeof(struct seg), vmflag & KM_NOSLEEP);
	return p->seg[0] != NULL && p->seg[1] != NULL;
}

static void pieces_put(struct pieces *p)
{
	for (int i = 0; i < 2; i++)
		if (p->seg[i] != NULL)
			kmem_free(p->seg[i], sizeof(struct seg));
}

/* The next number from x on that is at r->phase. 0: there is none. */
static uintptr_t at_phase(const struct request *r, uintptr_t x)
{
	uintptr_t up = ((x - r->phase + r->align - 1) & ~(uintptr_t)(r->align - 1)) + r->phase;

	return up < x ? 0 : up;
}

/* Where in the free segment it fits, or 0. */
static uintptr_t fit(const struct request *r, const struct seg *s)
{
	uintptr_t end = s->end < r->last ? s->end : r->last;
	uintptr_t start = at_phase(r, s->start > r->first ? s->start : r->first);

	if (r->nocross != 0 && start != 0 &&
	    (start & ~(uintptr_t)(r->nocross - 1)) !=
		    ((start + r->size - 1) & ~(uintptr_t)(r->nocross - 1)))
		start = at_phase(r, whole(start, r->nocross));
	return start != 0 && start < end && end - start >= r->size ? start : 0;
}

/* Is a better than b for this request? Both are places. */
static bool better(const vmem_t *vmp, const struct request *r, const struct place *a,
		   const struct place *b)
{
	if (r->flag & VM_BESTFIT)
		return a->seg->end - a->seg->start < b->seg->end - b->seg->start;
	if (r->flag & VM_NEXTFIT && (a->start >= vmp->next) != (b->start >= vmp->next))
		return a->start >= vmp->next;
	return a->start < b->start;
}

/* With VM_NEXTFIT a segment may have its best place in its middle. */
static uintptr_t fit_next(const vmem_t *vmp, const struct request *r, const struct seg *s)
{
	struct request after = *r;
	uintptr_t start = 0;

	if (r->flag & VM_NEXTFIT && vmp->next > r->first) {
		after.first = vmp->next;
		start = fit(&after, s);
	}
	return start != 0 ? start : fit(r, s);
}

/* vmp->lock is held. */
static struct place find(const vmem_t *vmp, const struct request *r)
{
	struct place best = { .seg = NULL };

	ASSERT(MUTEX_HELD(&vmp->lock));
	for (struct span *sp = vmp->spans; sp != NULL; sp = sp->next) {
		for (struct seg *s = sp->segs; s != NULL; s = s->next) {
			struct place p = { .span = sp, .seg = s };

			if (s->used)
				continue;
			p.start = fit_next(vmp, r, s);
			if (p.start != 0 && (best.seg == NULL || better(vmp, r, &p, &best)))
				best = p;
		}
	}
	return best;
}

/* Cuts s at a number inside: what is behind is the new piece's. */
static void cut(struct seg *s, uintptr_t at, struct seg **piece)
{
	struct seg *behind = *piece;

	*piece = NULL;
	*behind = (struct seg){ .next = s->next, .prev = s, .start = at, .end = s->end };
	if (s->next != NULL)
		s->next->prev = behind;
	s->next = behind;
	s->end = at;
}

/* vmp->lock is held. */
static void *take(vmem_t *vmp, const struct place *p, size_t size, struct pieces *pieces)
{
	struct seg *s = p->seg;

	if (p->start > s->start) {
		cut(s, p->start, &pieces->seg[0]);
		s = s->next;
	}
	if (s->end - s->start > size)
		cut(s, s->start + size, &pieces->seg[1]);
	s->used = true;
	vmp->used += size;
	vmp->next = s->end;
	return (void *)s->start;
}

/* vmp->lock is held. The one that holds the number, or NULL. */
static struct span *span_of(const vmem_t *vmp, uintptr_t number)
{
	struct span *sp = vmp->spans;

	ASSERT(MUTEX_HELD(&vmp->lock));
	while (sp != NULL && (number < sp->start || number >= sp->end))
		sp = sp->next;
	return sp;
}

static bool overlaps(const vmem_t *vmp, uintptr_t start, uintptr_t end)
{
	for (struct span *sp = vmp->spans; sp != NULL; sp = sp->next)
		if (start < sp->end && sp->start < end)
			return true;
	return false;
}

/* NULL, or what is wrong. */
static const char *add(vmem_t *vmp, uintptr_t start, size_t size, bool imported, int vmflag)
{
	struct span *sp = kmem_zalloc(sizeof(*sp), vmflag & KM_NOSLEEP);
	struct seg *s = kmem_zalloc(sizeof(*s), vmflag & KM_NOSLEEP);
	const char *wrong = sp == NULL || s == NULL ? "no memory" : NULL;

	mutex_enter(&vmp->lock);
	if (wrong == NULL && (size == 0 || start + size - 1 < start))
		wrong = "no numbers";
	if (wrong == NULL && overlaps(vmp, start, start + size))
		wrong = "some are there already";
	if (wrong == NULL) {
		*s = (struct seg){ .start = start, .end = start + size };
		*sp = (struct span){ .segs = s, .start = start, .end = start + size };
		sp->imported = imported;
		sp->next = vmp->spans;
		vmp->spans = sp;
		vmp->total += size;
		cv_broadcast(&vmp->freed);
	}
	mutex_exit(&vmp->lock);
	if (wrong != NULL) {
		if (sp != NULL)
			kmem_free(sp, sizeof(*sp));
		if (s != NULL)
			kmem_free(s, sizeof(*s));
	}
	return wrong;
}

vmem_t *vmem_create(const char *name, void *base, size_t size, size_t quantum, vmem_alloc_t *afunc,
		    vmem_free_t *ffunc, vmem_t *source, size_t qcache_max, int vmflag)
{
	vmem_t *vmp = kmem_zalloc(sizeof(*vmp), vmflag & KM_NOSLEEP);
	const char *wrong = NULL;

	(void)qcache_max;
	if (vmp == NULL)
		return NULL;
	(void)snprintf(vmp->name, sizeof(vmp->name), "%.31s", name);
	vmp->quantum = quantum != 0 && (quantum & (quantum - 1)) == 0 ? quantum : 1;
	vmp->afunc = afunc;
	vmp->ffunc = ffunc;
	vmp->source = source;
	mutex_init(&vmp->lock, NULL, MUTEX_DRIVER, NULL);
	cv_init(&vmp->freed, NULL, CV_DRIVER, NULL);
	if (vmp->quantum != quantum)
		driver_mistake(CALL_SITE(), "vmem_create",
			       "%s: a quantum of %zu is no power of two", vmp->name, quantum);
	if (size != 0)
		wrong = add(vmp, (uintptr_t)base, size, false, vmflag);
	if (wrong == NULL)
		return vmp;
	driver_mistake(CALL_SITE(), "vmem_create", "%s: %s", vmp->name, wrong);
	vmem_destroy(vmp);
	return NULL;
}

void *vmem_add(vmem_t *vmp, void *addr, size_t size, int vmflag)
{
	const char *wrong = add(vmp, (uintptr_t)addr, size, false, vmflag);

	if (wrong == NULL)
		return addr;
	driver_mistake(CALL_SITE(), "vmem_add", "%s: %zu from %p on: %s", vmp->name, size, addr,
		       wrong);
	return NULL;
}

/* The span, which is off the list, goes back to the source. */
static void span_free(vmem_t *vmp, struct span *sp)
{
	struct seg *s, *next;

	if (sp->imported && vmp->ffunc != NULL)
		vmp->ffunc(vmp->source, (void *)sp->start, sp->end - sp->start);
	for (s = sp->segs; s != NULL; s = next) {
		next = s->next;
		kmem_free(s, sizeof(*s));
	}
	kmem_free(sp, sizeof(*sp));
}

void vmem_destroy(vmem_t *vmp)
{
	struct span *sp;

	if (vmp->used != 0) {
		driver_mistake(CALL_SITE(), "vmem_destroy", "%s: %zu are in use", vmp->name,
			       vmp->used);
		return;
	}
	while ((sp = vmp->spans) != NULL) {
		vmp->spans = sp->next;
		span_free(vmp, sp);
	}
	cv_destroy(&vmp->freed);
	mutex_destroy(&vmp->lock);
	kmem_free(vmp, sizeof(*vmp));
}

/*
 * From the source. False: it has not so much, or would not know where it has to be. What is brought
 * does for the request, unless somebody else takes it.
 */
static bool import(vmem_t *vmp, const struct request *r)
{
	size_t size = whole(r->size + r->phase + r->align - 1, vmp->quantum);
	void *more;

	if (vmp->afunc == NULL || size < r->size || r->nocross != 0 || r->first > 1 ||
	    r->last != UINTPTR_MAX)
		return false;
	more = vmp->afunc(vmp->source, size, r->flag & (VM_NOSLEEP | VM_PANIC));
	if (more == NULL)
		return false;
	if (add(vmp, (uintptr_t)more, size, true, r->flag) == NULL)
		return true;
	if (vmp->ffunc != NULL)
		vmp->ffunc(vmp->source, more, size);
	return false;
}

/*
 * vmp->lock is held, and let go of meanwhile. There was none; may it be looked for again? The source
 * is asked first, and again whenever something has come back.
 */
static bool wait_for_more(vmem_t *vmp, const struct request *r, bool *asked)
{
	if (!*asked) {
		mutex_exit(&vmp->lock);
		*asked = !import(vmp, r);
		mutex_enter(&vmp->lock);
		return true;
	}
	if (r->flag & VM_NOSLEEP)
		return false;
	cv_wait(&vmp->freed, &vmp->lock);
	*asked = false;
	return true;
}

static void *get(vmem_t *vmp, const struct request *r, const void *site, const char *call)
{
	struct pieces pieces;
	struct place p = { .seg = NULL };
	void *found = NULL;
	bool asked = false;

	if (r->size == 0)
		return NULL;
	if (pieces_get(&pieces, r->flag)) {
		mutex_enter(&vmp->lock);
		if (!(r->flag & VM_NOSLEEP) && vmp->afunc == NULL && r->size > vmp->total)
			driver_panic(site, call, "%s: there are never %zu, only %zu", vmp->name,
				     r->size, vmp->total);
		do
			p = find(vmp, r);
		while (p.seg == NULL && wait_for_more(vmp, r, &asked));
		if (p.seg != NULL)
			found = take(vmp, &p, r->size, &pieces);
		mutex_exit(&vmp->lock);
	}
	pieces_put(&pieces);
	return found;
}

void *vmem_alloc(vmem_t *vmp, size_t size, int vmflag)
{
	const struct request r = { .size = whole(size, vmp->quantum),
				   .align = 1,
				   .first = 1,
				   .last = UINTPTR_MAX,
				   .flag = vmflag };

	return get(vmp, &r, CALL_SITE(), "vmem_alloc");
}

void *vmem_xalloc(vmem_t *vmp, size_t size, size_t align, size_t phase, size_t nocross,
		  void *minaddr, void *maxaddr, int vmflag)
{
	const struct request r = { .size = whole(size, vmp->quantum),
				   .align = align != 0 ? align : 1,
				   .phase = phase,
				   .nocross = nocross,
				   .first = minaddr != NULL ? (uintptr_t)minaddr : 1,
				   .last = maxaddr != NULL ? (uintptr_t)maxaddr : UINTPTR_MAX,
				   .flag = vmflag };

	return get(vmp, &r, CALL_SITE(), "vmem_xalloc");
}

/* s and the one behind it become one. */
static void join(struct seg *s, struct seg **piece)
{
	struct seg *behind = s->next;

	s->end = behind->end;
	s->next = behind->next;
	if (s->next != NULL)
		s->next->prev = s;
	*piece = behind;
}

/* vmp->lock is held. The span, off the list, if it goes back; or NULL. */
static struct span *give(vmem_t *vmp, struct span *sp, struct seg *s, struct pieces *pieces)
{
	struct span **spp;

	s->used = false;
	vmp->used -= s->end - s->start;
	if (s->next != NULL && !s->next->used)
		join(s, &pieces->seg[0]);
	if (s->prev != NULL && !s->prev->used)
		join(s->prev, &pieces->seg[1]);
	cv_broadcast(&vmp->freed);
	if (!sp->imported || sp->segs->used || sp->segs->next != NULL)
		return NULL;
	for (spp = &vmp->spans; *spp != sp; spp = &(*spp)->next)
		;
	*spp = sp->next;
	vmp->total -= sp->end - sp->start;
	return sp;
}

static void put(vmem_t *vmp, void *addr, size_t size, const void *site, const char *call)
{
	struct pieces pieces = { { NULL, NULL } };
	const uintptr_t start = (uintptr_t)addr;
	struct span *sp, *back = NULL;
	struct seg *s;
	bool ours;

	size = whole(size, vmp->quantum);
	mutex_enter(&vmp->lock);
	sp = span_of(vmp, start);
	for (s = sp != NULL ? sp->segs : NULL; s != NULL && s->start != start; s = s->next)
		;
	ours = s != NULL && s->used && s->end - s->start == size;
	if (ours)
		back = give(vmp, sp, s, &pieces);
	mutex_exit(&vmp->lock);
	pieces_put(&pieces);
	if (back != NULL)
		span_free(vmp, back);
	if (!ours)
		driver_mistake(site, call, "%s: %zu from %p on were not given out so", vmp->name,
			       size, addr);
}

void vmem_free(vmem_t *vmp, void *addr, size_t size)
{
	put(vmp, addr, size, CALL_SITE(), "vmem_free");
}

void vmem_xfree(vmem_t *vmp, void *addr, size_t size)
{
	put(vmp, addr, size, CALL_SITE(), "vmem_xfree");
}

int vmem_contains(vmem_t *vmp, void *addr, size_t size)
{
	struct span *sp;
	int all;

	mutex_enter(&vmp->lock);
	sp = span_of(vmp, (uintptr_t)addr);
	all = sp != NULL && size <= sp->end - (uintptr_t)addr;
	mutex_exit(&vmp->lock);
	return all;
}

void vmem_walk(vmem_t *vmp, int typemask, void (*func)(void *arg, void *start, size_t size),
	       void *arg)
{
	mutex_enter(&vmp->lock);
	for (struct span *sp = vmp->spans; sp != NULL; sp = sp->next)
		for (struct seg *s = sp->segs; s != NULL; s = s->next)
			if (typemask & (s->used ? VMEM_ALLOC : VMEM_FREE))
				func(arg, (void *)s->start, s->end - s->start);
	mutex_exit(&vmp->lock);
}

size_t vmem_size(vmem_t *vmp, int typemask)
{
	size_t size = 0;

	mutex_enter(&vmp->lock);
	if (typemask & VMEM_ALLOC)
		size += vmp->used;
	if (typemask & VMEM_FREE)
		size += vmp->total - vmp->used;
	mutex_exit(&vmp->lock);
	return size;
}
