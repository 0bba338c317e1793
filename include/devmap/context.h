/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * devmap/context.h: the device contexts of a driver, one for each process. For drivers to include;
 * doc/driver.md walks through one.
 *
 * A driver that gives every process a context of its own has to find it by process, to know all
 * handles that show it, to copy it once for each fork, to go on when a part of a mapping goes, and
 * to move it into the device and out. That is here. What is in a context is the driver's.
 *
 * The driver's entry points stay its own, and call this:
 *
 *   attach(9E)             devmap_contexts_init(), devmap_contexts_keep()
 *   detach(9E)             devmap_contexts_fini()
 *   devmap_map(9E)         devmap_context_map()
 *   devmap_contextmgt(9E)  devmap_context_of(), devmap_context_switch(), then devmap_load(9F)
 *   devmap_dup(9E)         devmap_context_dup()
 *   devmap_unmap(9E)       devmap_context_unmap()
 *   read(9E), ioctl(9E)    devmap_context_find()
 *
 * A process has at most one context in a set, found by its address space (devmap_get_as_key()). A
 * process id would not do: it comes again, and in devmap_dup(9E) it is still the parent's, so that
 * it cannot tell which of several children the copy is for.
 *
 * WHEN THE ENGINE DIES
 *   and another takes its place (devmap_keep_alloc()), contexts are there again if what is in them lies in
 *   memory that is kept: `kept` bytes for each, and devmap_contexts_keep(). Two things are noted there, always
 *   after what they say has become true:
 *     - the context is one, and no half of one;
 *     - who is the owner: from the end of restore() on, until save() of the same context has returned 0.
 *   So an interrupted save() is done again from the device, which is memory and still has it; an interrupted
 *   restore() from the context. A driver whose save() spoils what it saves does not keep its contexts.
 *
 * LOCK
 *   One of the driver's mutexes guards a set, its contexts and their records. Functions named as
 *   entry points (_map, _dup, _unmap) take it; the others expect it held, as do the operations.
 *   It is held across devmap_unload(9F). An operation may release it only where it says so.
 */
#ifndef DEVMAP_CONTEXT_H
#define DEVMAP_CONTEXT_H

#include <sys/types.h>
#include <sys/atomic.h>
#include <sys/debug.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ksynch.h>
#include <sys/systm.h>
#include <sys/ddi.h>
#include <sys/sunddi.h>
#include <sys/ddidevmap.h>

#ifndef DEVMAP_EXTENSIONS
#error "devmap/context.h needs devmap_get_as_key()"
#endif

struct devmap_contexts;
struct devmap_context;

/* A handle that shows a context. It is the driver's private data (pvtp) of that handle. */
struct devmap_record {
	struct devmap_record *next; /* of this context */
	struct devmap_context *context;
	devmap_cookie_t dhp;
	offset_t off; /* in bytes, as the user gave it to mmap(2) */
	size_t len;   /* in bytes */
};

/*
 * The driver's structure for a context begins with one of these, and is what `void *ctx` means
 * below. It lives from the first mapping of its process to the end of the last one.
 */
struct devmap_context {
	struct devmap_context *next; /* of this set */
	struct devmap_contexts *contexts;
	void *device; /* what devmap_contexts_init() was given */
	uint64_t key; /* of its address space */
	struct devmap_record *records;
	void *kept; /* ops->kept bytes, zeros at first; NULL: none were asked for */
	struct devmap_context_head *head;
};

/* What lies before these bytes. */
struct devmap_context_head {
	uint64_t whole; /* 1: it is a context */
	uint64_t pad;
};

/* What is kept of a set. */
struct devmap_contexts_head {
	uint64_t owner; /* key of the context whose values are in the device; 0: nobody's */
};

/* What the driver brings. The lock is held in all of them; those that return int return an errno. */
struct devmap_context_ops {
	size_t size; /* bytes of the driver's structure */
	size_t kept; /* bytes beside it, without pointers, that may outlive the engine: context.kept */

	/*
	 * What a process finds that is new to the device; ctx is zeros but for struct
	 * devmap_context. Non-zero, with nothing left behind, fails the mmap(2) or fork(2). May be
	 * NULL: zeros are right.
	 */
	int (*create)(void *ctx);

	/*
	 * Instead of create(): what lies at context.kept is as an engine before this one has left it. May be
	 * NULL: there is nothing to be done. Non-zero: it is not to be had.
	 */
	int (*adopt)(void *ctx);

	/*
	 * fork(2): child, which has been created, becomes what parent is. All of parent is in
	 * memory: if it was in the device it has been saved. Non-zero fails the fork; child is
	 * destroyed then.
	 */
	int (*copy)(void *child, void *parent);

	/*
	 * The last mapping has gone. If ctx is the owner, what the device holds is nobody's from
	 * now on. The structure itself is not the driver's to free. May be NULL.
	 */
	void (*destroy)(void *ctx);

	/*
	 * From the device into ctx, which is the owner. No process can reach the device, but it may
	 * be at work still. Non-zero: ctx stays the owner; nothing may be lost then, or the driver
	 * sets the set's owner to NULL. It does so too when saving spoils what is in the device.
	 */
	int (*save)(void *ctx);

	/*
	 * From ctx into the device, which has no owner, and may still be at work for one that has
	 * gone. Non-zero: it has none afterwards, either. May release the lock: only this process
	 * has the turn, and its mapping stays.
	 */
	int (*restore)(void *ctx);
};

/* The contexts that take turns in one device. */
struct devmap_contexts {
	struct devmap_context *first; /* NULL: no process has a mapping */
	void *owner;		      /* whose values are in the device; NULL: nobody's */
	const struct devmap_context_ops *ops;
	void *device;
	kmutex_t *lock;
	/* Of devmap_contexts_keep(); head is NULL without. */
	struct devmap_contexts_head *head;
	dev_info_t *dip;
	const char *name;
};

/*
 * devmap_contexts_init(): an empty set. detach(9E) refuses while `first` is not NULL.
 *
 * device: the driver's own, found again in each context.
 * lock: initialized by the driver; it outlives the set.
 */
static inline void devmap_contexts_init(struct devmap_contexts *set,
					const struct devmap_context_ops *ops, void *device,
					kmutex_t *lock)
{
	ASSERT(ops->size >= sizeof(struct devmap_context));
	set->first = NULL;
	set->owner = NULL;
	set->ops = ops;
	set->device = device;
	set->lock = lock;
	set->head = NULL;
}

/*
 * devmap_contexts_keep(): contexts of this set may outlive the engine. In attach(9E), after
 * devmap_contexts_init(); devmap_contexts_fini() undoes it.
 *
 * dip: the instance. name: of the set, within it, up to 32 characters; it stays.
 *
 * Returns 0 or ENOMEM. Then, as without this call, they end with the engine.
 */
static inline int devmap_contexts_keep(struct devmap_contexts *set, dev_info_t *dip,
				       const char *name)
{
	ASSERT(set->ops->kept > 0);
	set->head = devmap_keep_alloc(dip, name, sizeof(*set->head), NULL);
	set->dip = dip;
	set->name = name;
	return set->head != NULL ? 0 : ENOMEM;
}

/* devmap_contexts_fini(): the set, which is empty, is not needed any more. */
static inline void devmap_contexts_fini(struct devmap_contexts *set)
{
	ASSERT(set->first == NULL);
	devmap_keep_free(set->head);
	set->head = NULL;
}

/*
 * devmap_context_find(): the context of a process. The lock is held.
 *
 * dhp: one of its handles; NULL: the process that is being served, as in read(9E) and ioctl(9E).
 *
 * Returns it, valid while the lock is held; NULL: the process has no mapping with a context here.
 */
static inline void *devmap_context_find(struct devmap_contexts *set, devmap_cookie_t dhp)
{
	uint64_t key = devmap_get_as_key(dhp);
	struct devmap_context *context = set->first;

	ASSERT(MUTEX_HELD(set->lock));
	while (context != NULL && context->key != key)
		context = context->next;
	return context;
}

/* devmap_context_of(): the context that a handle shows, by the handle's private data. */
static inline void *devmap_context_of(void *pvtp)
{
	return ((struct devmap_record *)pvtp)->context;
}

/* Down to devmap_context_map() is this header's own. The lock is held in all of it. */

static inline void devmap_context_record(struct devmap_context *context, devmap_cookie_t dhp,
					 offset_t off, size_t len, void **pvtp)
{
	struct devmap_record *record = kmem_zalloc(sizeof(*record), KM_SLEEP);

	record->context = context;
	record->dhp = dhp;
	record->off = off;
	record->len = len;
	record->next = context->records;
	context->records = record;
	*pvtp = record;
}

/* Whose values the device has. What was stored before is there before this is. */
static inline void devmap_contexts_own(struct devmap_contexts *set, struct devmap_context *owner)
{
	membar_producer();
	if (set->head != NULL)
		__atomic_store_n(&set->head->owner, owner != NULL ? owner->key : 0,
				 __ATOMIC_RELEASE);
	set->owner = owner;
}

/* The memory of a context that is kept. *found: an engine before this one has left it. 0 or ENOMEM. */
static inline int devmap_context_keep(struct devmap_context *context, int *found)
{
	struct devmap_contexts *set = context->contexts;
	size_t len = sizeof(*context->head) + set->ops->kept;
	char name[64];

	*found = 0;
	if (set->ops->kept == 0)
		return 0;
	if (set->head != NULL) {
		(void)snprintf(name, sizeof(name), "%.32s %llx", set->name,
			       (unsigned long long)context->key);
		context->head = devmap_keep_alloc(set->dip, name, len, found);
	} else {
		context->head = kmem_zalloc(len, KM_NOSLEEP);
	}
	context->kept = context->head != NULL ? context->head + 1 : NULL;
	return context->head != NULL ? 0 : ENOMEM;
}

static inline void devmap_context_unkeep(struct devmap_context *context)
{
	struct devmap_contexts *set = context->contexts;

	if (set->head != NULL)
		devmap_keep_free(context->head);
	else if (context->head != NULL)
		kmem_free(context->head, sizeof(*context->head) + set->ops->kept);
}

/* What there is of it becomes a context: a new one, or the one that there was. Returns an errno. */
static inline int devmap_context_begin(struct devmap_context *context, int found)
{
	struct devmap_contexts *set = context->contexts;

	if (found && context->head->whole) {
		int error = set->ops->adopt != NULL ? set->ops->adopt(context) : 0;

		if (error == 0 && set->head->owner == context->key)
			set->owner = context;
		return error;
	}
	/* It had one, which is lost. Nobody makes him believe in another. */
	if (devmap_resuming())
		return ENXIO;
	if (found)
		bzero(context->kept, set->ops->kept);
	return set->ops->create != NULL ? set->ops->create(context) : 0;
}

/* Of dhp's process, and not in the set yet. */
static inline int devmap_context_new(struct devmap_contexts *set, devmap_cookie_t dhp,
				     struct devmap_context **out)
{
	struct devmap_context *context = kmem_zalloc(set->ops->size, KM_SLEEP);
	int error, found;

	context->contexts = set;
	context->device = set->device;
	context->key = devmap_get_as_key(dhp);
	error = devmap_context_keep(context, &found);
	if (error == 0)
		error = devmap_context_begin(context, found);
	if (error != 0) {
		devmap_context_unkeep(context);
		kmem_free(context, set->ops->size);
	} else {
		*out = context;
	}
	return error;
}

static inline void devmap_context_insert(struct devmap_context *context)
{
	membar_producer();
	if (context->head != NULL)
		__atomic_store_n(&context->head->whole, 1, __ATOMIC_RELEASE);
	context->next = context->contexts->first;
	context->contexts->first = context;
}

/* It is not in the set any more, or never was. */
static inline void devmap_context_free(struct devmap_context *context)
{
	struct devmap_contexts *set = context->contexts;

	ASSERT(context->records == NULL);
	if (set->ops->destroy != NULL)
		set->ops->destroy(context);
	if (set->owner == context)
		devmap_contexts_own(set, NULL);
	devmap_context_unkeep(context);
	kmem_free(context, set->ops->size);
}

/* The context goes with its last record. */
static inline void devmap_context_forget(struct devmap_record *record)
{
	struct devmap_context *context = record->context;
	struct devmap_record **r = &context->records;
	struct devmap_context **c = &context->contexts->first;

	while (*r != record)
		r = &(*r)->next;
	*r = record->next;
	kmem_free(record, sizeof(*record));
	if (context->records != NULL)
		return;
	while (*c != context)
		c = &(*c)->next;
	*c = context->next;
	devmap_context_free(context);
}

/*
 * Keeps the owner's process from the device, then saves. In this order: what is saved first could
 * be changed until the last translation is gone.
 */
static inline int devmap_context_save(struct devmap_contexts *set)
{
	struct devmap_context *owner = set->owner;

	for (struct devmap_record *r = owner->records; r != NULL; r = r->next) {
		int error = devmap_unload(r->dhp, r->off, r->len);

		if (error != 0)
			return error;
	}
	return set->ops->save(owner);
}

/* A copy of parent for the process of new_dhp. */
static inline int devmap_context_copy(struct devmap_context *parent, devmap_cookie_t new_dhp,
				      struct devmap_context **out)
{
	struct devmap_contexts *set = parent->contexts;
	int error = devmap_context_new(set, new_dhp, out);

	if (error != 0)
		return error;
	if (set->owner == parent)
		error = devmap_context_save(set);
	if (error == 0)
		error = set->ops->copy(*out, parent);
	if (error == 0)
		devmap_context_insert(*out);
	else
		devmap_context_free(*out);
	return error;
}

/*
 * devmap_context_map(): for devmap_map(9E): dhp shows its process's context, which is created if
 * this is the first handle. Takes the lock. Parameters are the entry point's; off and len in bytes.
 *
 * Returns 0, and *pvtp is set; or what create() returned.
 */
static inline int devmap_context_map(struct devmap_contexts *set, devmap_cookie_t dhp, offset_t off,
				     size_t len, void **pvtp)
{
	struct devmap_context *context;
	int error = 0;

	mutex_enter(set->lock);
	context = devmap_context_find(set, dhp);
	if (context == NULL) {
		error = devmap_context_new(set, dhp, &context);
		if (error == 0)
			devmap_context_insert(context);
	}
	if (error == 0)
		devmap_context_record(context, dhp, off, len, pvtp);
	mutex_exit(set->lock);
	return error;
}

/*
 * devmap_context_dup(): for devmap_dup(9E), which is called for each handle that a fork copies. The
 * first of them makes a copy of the context as it is now, taking the device from its owner for
 * that; the others find it by the child's address space, so that each fork gets a copy of its own.
 * Takes the lock. Parameters are the entry point's.
 *
 * Returns 0, and *new_pvtp is set; or what devmap_unload(9F), save(), create() or copy() returned.
 */
static inline int devmap_context_dup(void *pvtp, devmap_cookie_t new_dhp, void **new_pvtp)
{
	struct devmap_record *record = pvtp;
	struct devmap_contexts *set = record->context->contexts;
	struct devmap_context *child;
	int error = 0;

	mutex_enter(set->lock);
	child = devmap_context_find(set, new_dhp);
	if (child == NULL)
		error = devmap_context_copy(record->context, new_dhp, &child);
	if (error == 0)
		devmap_context_record(child, new_dhp, record->off, record->len, new_pvtp);
	mutex_exit(set->lock);
	return error;
}

/*
 * devmap_context_unmap(): for devmap_unmap(9E): what remains on either side of the hole gets a
 * record of its own, and the old one goes always. With the last record of a context goes the
 * context. Takes the lock. Parameters are the entry point's; off and len in bytes.
 */
static inline void devmap_context_unmap(void *pvtp, offset_t off, size_t len,
					devmap_cookie_t new_dhp1, void **new_pvtp1,
					devmap_cookie_t new_dhp2, void **new_pvtp2)
{
	struct devmap_record *record = pvtp;
	struct devmap_context *context = record->context;
	kmutex_t *lock = context->contexts->lock; /* outlives the context */
	offset_t hole_end = off + (offset_t)len;
	offset_t end = record->off + (offset_t)record->len;

	mutex_enter(lock);
	if (new_dhp1 != NULL)
		devmap_context_record(context, new_dhp1, record->off, (size_t)(off - record->off),
				      new_pvtp1);
	if (new_dhp2 != NULL)
		devmap_context_record(context, new_dhp2, hole_end, (size_t)(end - hole_end),
				      new_pvtp2);
	devmap_context_forget(record);
	mutex_exit(lock);
}

/*
 * devmap_context_switch(): for devmap_contextmgt(9E): brings ctx into the device. Takes the device
 * from its owner (devmap_unload(9F) of all its handles), saves it, restores ctx. Does nothing if ctx
 * is the owner. The lock is held. The caller then loads what was asked for.
 *
 * Returns 0, and ctx is the owner; or what devmap_unload(9F), save() or restore() returned: for save
 * the owner is who it was, for restore it is NULL.
 */
static inline int devmap_context_switch(void *ctx)
{
	struct devmap_context *next = ctx;
	struct devmap_contexts *set = next->contexts;
	int error = 0;

	ASSERT(MUTEX_HELD(set->lock));
	if (set->owner == next)
		return 0;
	if (set->owner != NULL)
		error = devmap_context_save(set);
	if (error != 0)
		return error;
	devmap_contexts_own(set, NULL);
	error = set->ops->restore(next);
	if (error == 0)
		devmap_contexts_own(set, next);
	return error;
}

#endif /* DEVMAP_CONTEXT_H */
