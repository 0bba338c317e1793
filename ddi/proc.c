/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The processes that drivers see through curproc: for each id that ddi_get_pid(9F) gives there is one
 * proc_t, so that drivers can compare. It is made when a driver first looks, and lasts as long as the
 * address space; without one, until a thousand others have been looked at. The memory of one that
 * has ended is used for another, so a pointer that was kept is followed without harm.
 */
#include <sys/param.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include "ddi.h"
#include "port.h"
#include "../core/engine.h"

#define PROC_BUCKETS 256
#define PROCS_IDLE   1024 /* without an address space, before the oldest is used again */

struct process {
	proc_t proc;	      /* comes first */
	struct process *next; /* in its bucket */
	struct process *newer,
		**older; /* of those without an address space; older NULL: not there */
};

static kmutex_t proc_lock; /* guards these; a leaf */
static struct process *proc_buckets[PROC_BUCKETS];
static struct process *proc_oldest, **proc_newest = &proc_oldest;
static size_t proc_idle;

static struct process **proc_bucket(pid_t pid)
{
	return &proc_buckets[(unsigned)pid % PROC_BUCKETS];
}

static struct process *proc_find(pid_t pid)
{
	struct process *p;

	ASSERT(MUTEX_HELD(&proc_lock));
	for (p = *proc_bucket(pid); p != NULL && p->proc.p_pid != pid;)
		p = p->next;
	return p;
}

/* It has no address space. Called with proc_lock held, as all down to proc_serve(). */
static void idle_add(struct process *p)
{
	ASSERT(MUTEX_HELD(&proc_lock));
	p->newer = NULL;
	p->older = proc_newest;
	*proc_newest = p;
	proc_newest = &p->newer;
	proc_idle++;
}

static void idle_remove(struct process *p)
{
	ASSERT(MUTEX_HELD(&proc_lock));
	if (p->older == NULL)
		return;
	*p->older = p->newer;
	if (p->newer != NULL)
		p->newer->older = p->older;
	else
		proc_newest = p->older;
	p->older = NULL;
	proc_idle--;
}

/* The oldest of those without an address space, if they are too many; or NULL. */
static struct process *proc_reuse(void)
{
	struct process *p = proc_oldest, **pp;

	ASSERT(MUTEX_HELD(&proc_lock));
	if (proc_idle <= PROCS_IDLE)
		return NULL;
	idle_remove(p);
	for (pp = proc_bucket(p->proc.p_pid); *pp != p; pp = &(*pp)->next)
		;
	*pp = p->next;
	return p;
}

static struct process *proc_new(pid_t pid)
{
	struct process *p = proc_reuse();

	ASSERT(MUTEX_HELD(&proc_lock));
	if (p == NULL)
		p = port_alloc(sizeof(*p));
	if (p == NULL)
		return NULL;
	p->proc.p_pid = pid;
	p->proc.p_as = NULL;
	p->older = NULL;
	p->next = *proc_bucket(pid);
	*proc_bucket(pid) = p;
	return p;
}

/* It is served now, with this address space or with none. */
static void proc_serve(struct process *p, struct as *as)
{
	ASSERT(MUTEX_HELD(&proc_lock));
	idle_remove(p);
	p->proc.p_as = as;
	if (as == NULL)
		idle_add(p);
}

proc_t *devmap_curproc(void)
{
	static proc_t nobody; /* for want of memory */
	struct as *as = engine_current();
	pid_t pid = ddi_get_pid();
	struct process *p;

	if (pid == 0)
		return NULL;
	mutex_enter(&proc_lock);
	p = proc_find(pid);
	if (p == NULL)
		p = proc_new(pid);
	if (p != NULL)
		proc_serve(p, as);
	mutex_exit(&proc_lock);
	return p != NULL ? &p->proc : &nobody;
}

void procs_fini(void)
{
	struct process *p, *next;
	size_t i;

	for (i = 0; i < PROC_BUCKETS; i++) {
		for (p = proc_buckets[i]; p != NULL; p = next) {
			next = p->next;
			port_free(p);
		}
		proc_buckets[i] = NULL;
	}
	proc_oldest = NULL;
	proc_newest = &proc_oldest;
	proc_idle = 0;
}

void engine_as_end(struct as *as)
{
	struct process *p;
	size_t i;

	mutex_enter(&proc_lock);
	for (i = 0; i < PROC_BUCKETS; i++)
		for (p = proc_buckets[i]; p != NULL; p = p->next)
			if (p->proc.p_as == as)
				proc_serve(p, NULL);
	mutex_exit(&proc_lock);
}
