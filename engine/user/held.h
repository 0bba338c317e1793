/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Assertions that a lock is held, at the head of the functions that say so. Like ASSERT(9F) they
 * are checked where DEBUG is defined, and are nothing elsewhere. For a kmutex_t there is
 * ASSERT(MUTEX_HELD(mp)).
 */
#ifndef DEVMAP_ENGINE_USER_HELD_H
#define DEVMAP_ENGINE_USER_HELD_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/debug.h>
#include <unistd.h>

/* This thread holds the mutex. */
#define ASSERT_HELD(mutex) ASSERT(mutex_is_held(mutex))
/* This thread holds the rwlock as its writer, or somebody holds it as a reader. */
#define ASSERT_RW_HELD(rwlock) ASSERT(rwlock_is_held(rwlock))

#ifdef DEBUG

/*
 * glibc notes the owner of every mutex, of the adaptive ones too, and after a wait on a condition it
 * is right again. The thread's id is asked for each time: one that were remembered would be the
 * parent's after a fork. Another libc tells only that somebody holds the mutex.
 */
static inline bool mutex_is_held(const pthread_mutex_t *mutex)
{
#ifdef __GLIBC__
	return __atomic_load_n(&mutex->__data.__owner, __ATOMIC_RELAXED) == gettid();
#else
	pthread_mutex_t *m = (pthread_mutex_t *)mutex;

	return pthread_mutex_trylock(m) == EBUSY || pthread_mutex_unlock(m) != 0;
#endif
}

/*
 * Nobody notes who the readers are, so that another thread's reading passes for ours. With glibc
 * another thread's writing does not. What was tried with success is given back.
 */
static inline bool rwlock_is_held(pthread_rwlock_t *rwlock)
{
#ifdef __GLIBC__
	int writer = __atomic_load_n(&rwlock->__data.__cur_writer, __ATOMIC_RELAXED);

	if (writer != 0)
		return writer == gettid();
#endif
	return pthread_rwlock_trywrlock(rwlock) == EBUSY || pthread_rwlock_unlock(rwlock) != 0;
}

#endif /* DEBUG */

#endif
