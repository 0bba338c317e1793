/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What caller.c, space.c, vma.c, fault.c, glue.c and main.c share and nobody else needs. */
#ifndef DEVMAP_ENGINE_LINUX_INTERNAL_H
#define DEVMAP_ENGINE_LINUX_INTERNAL_H

#include <linux/rbtree.h>

#include "linux.h"

void callers_init(void);

/* main.c. For a parameter that is only read, an unsigned long, while others count in it. */
extern const struct kernel_param_ops count_param_ops;

/* A child of fork(2) becomes known by its own name with its first access. */
void space_name(struct space *s);

/*
 * offsets.c. A range of page offsets. A mapping's handles have it in dh_engine, and hold it, and so
 * do vmas.
 */
struct offsets {
	struct rb_node node;
	pgoff_t start; /* 0: nowhere yet */
	pgoff_t n;
	pgoff_t gap, largest; /* the tree's */
	/*
	 * A page of a handle is found at base + its user offset, in pages: the difference stays as
	 * it is when the handle is cut, split, moved or copied by fork(2). (It may well be
	 * "negative".) Set before anybody can have the mapping.
	 */
	pgoff_t base;
	refcount_t refs;
};

void offsets_init(void);
struct offsets *offsets_new(void);		 /* held, but nowhere yet; NULL: no memory */
int offsets_place(struct offsets *o, pgcnt_t n); /* 0, or -ENOMEM with a message */
void offsets_hold(struct offsets *o);
void offsets_put(struct offsets *o);

/*
 * vma.c. What Linux's vmas of one mapping in one process have in common; vm_private_data. NULL: the
 * driver has refused fork(2) this mapping.
 */
struct vmas {
	struct space *space;
	struct offsets *offsets;
	refcount_t refs; /* vmas */
};

static inline struct space *vma_space(const struct vm_area_struct *vma)
{
	const struct vmas *v = vma->vm_private_data;

	return v != NULL ? v->space : NULL;
}

/*
 * number.c. What drivers know an address space by. mm exists, and is the caller's business. NULL:
 * no memory. The one of a process that exits, and has no memory any more: NULL if it never had one.
 */
struct number;
struct number *number_get(struct mm_struct *mm);
struct number *number_of_exiting(void);
void number_put(struct number *n);
pid_t number_value(const struct number *n);
void numbers_fini(void);

/* space.c. Its number, with the first call of a driver at the latest; NULL: no memory. */
const struct number *space_number(struct space *s);

/*
 * ask.c. Has an access to a page that is not loaded answered. Without mmap_lock. until: when the wait
 * ends at the latest; NEVER: an access of the process's own instructions, which any signal
 * interrupts (others: fatal ones only). Returns 0: try again, if the thread still wants to; the
 * number of the signal with which the access fails; or -ENOMEM.
 */
int ask(struct space *s, uintptr_t addr, uint_t rw, hrtime_t until);
/* The page has been made valid. */
void ask_inserted(struct space *s, uintptr_t addr);
void asks_init(struct asks *asks);
void asks_fini(struct asks *asks);

/*
 * patience.c. The end of a wait of the kernel's own that begins now; of one that goes on (`again`:
 * the fault has been tried before, and patience_keep() was called), what it was. 0 or -ENOMEM.
 */
hrtime_t patience_begin(void);
hrtime_t patience_take(struct patience *p, bool again);
int patience_keep(struct patience *p, hrtime_t until);
/* The access was made. */
void patience_end(struct patience *p);
void patience_init(struct patience *p);
void patience_fini(struct patience *p);

/* Is this thread one that may wait at all? caller.c */
bool may_wait(void);

/* glue.c. The page offset at which the handle's first page is mapped. */
pgoff_t handle_pgoff(const struct devmap_handle *dh);

/* control.c, node.c (the class under which all nodes stand). 0 or -errno. */
int control_init(void);
void control_fini(void);
int nodes_init(void);
void nodes_fini(void);
/* file_poll.c */
void polls_init(void);
void polls_revoke(void); /* everybody looks again */

/* stats.c. What reads of /dev/devmap give, and the files that each node has in sysfs. */
int devmap_stats_text(char **text, size_t *len); /* kvfree() it. 0 or -errno */
void devmap_stats_fini(void);
extern const struct attribute_group *devmap_stats_groups[];
extern const struct attribute_group devmap_terms_group; /* terms.c */

extern const struct vm_operations_struct devmap_vm_ops;

#endif
