/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * mutex_init(9F) and its like as macros: lockdep tells locks apart by the place that initialises
 * them. Locks that are never initialised are not checked.
 */
#ifndef DEVMAP_LINUX_KSYNCH_H
#define DEVMAP_LINUX_KSYNCH_H

void devmap_mutex_init_class(kmutex_t *mp, const char *what, struct lock_class_key *key);
void devmap_cv_init_class(kcondvar_t *cvp, const char *what, struct lock_class_key *key);
void devmap_rw_init_class(krwlock_t *rwlp, const char *what, struct lock_class_key *key);

/* The DDI's arguments, of which Linux has no use, are evaluated. */
#undef mutex_init
#define mutex_init(mp, name, type, arg)                          \
	({                                                       \
		static struct lock_class_key devmap_class;       \
		(void)(name), (void)(type), (void)(arg);         \
		devmap_mutex_init_class(mp, #mp, &devmap_class); \
	})

#undef cv_init
#define cv_init(cvp, name, type, arg)                           \
	({                                                      \
		static struct lock_class_key devmap_class;      \
		(void)(name), (void)(type), (void)(arg);        \
		devmap_cv_init_class(cvp, #cvp, &devmap_class); \
	})

#undef rw_init
#define rw_init(rwlp, name, type, arg)                            \
	({                                                        \
		static struct lock_class_key devmap_class;        \
		(void)(name), (void)(type), (void)(arg);          \
		devmap_rw_init_class(rwlp, #rwlp, &devmap_class); \
	})

#endif
