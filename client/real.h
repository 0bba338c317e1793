/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The functions that the shim stands before. REAL(open)(path, flags) calls the next open(). */
#ifndef DEVMAP_CLIENT_REAL_H
#define DEVMAP_CLIENT_REAL_H

#include <stdatomic.h>

#include "raw.h"

/* clang-format off */
/* First, and found at start: what is called where looking up is delicate (handlers, after fork). */
#define REAL_EARLY(X)								\
	X(open) X(open64) X(close) X(close_range) X(dup) X(dup2) X(dup3)	\
	X(fcntl) X(fcntl64) X(read) X(write) X(lseek) X(poll) X(fstat) X(mmap)	\
	X(mmap64) X(munmap) X(mprotect) X(fork)

#define REAL_LATE(X)								\
	X(openat) X(openat64) X(creat) X(creat64)				\
	X(posix_spawn_file_actions_addopen)					\
	X(__open_2) X(__open64_2) X(__openat_2) X(__openat64_2)			\
	X(fopen) X(fopen64) X(freopen) X(freopen64) X(fdopen)			\
	X(fread) X(fwrite)							\
	X(fread_unlocked) X(fwrite_unlocked) X(__fread_chk)			\
	X(__fread_unlocked_chk)							\
	X(closefrom) X(flock) X(lockf) X(lockf64) X(ioctl) X(lseek64)		\
	X(readv) X(writev) X(pread) X(pread64) X(pwrite)			\
	X(pwrite64) X(preadv) X(preadv64) X(pwritev) X(pwritev64)		\
	X(preadv2) X(preadv64v2) X(pwritev2) X(pwritev64v2)			\
	X(__read_chk) X(__pread_chk) X(__pread64_chk)				\
	X(send) X(sendto) X(sendmsg) X(sendmmsg)				\
	X(recv) X(recvfrom) X(recvmsg) X(recvmmsg)				\
	X(__recv_chk) X(__recvfrom_chk)						\
	X(pidfd_getfd) X(mremap)						\
	X(madvise) X(posix_madvise) X(mlock) X(mlock2) X(munlock)		\
	X(mlockall) X(munlockall)						\
	X(ppoll) X(__poll_chk) X(__ppoll_chk) X(select) X(pselect)		\
	X(epoll_ctl)								\
	X(stat) X(stat64) X(lstat) X(lstat64) X(fstat64)			\
	X(fstatat) X(fstatat64) X(statx)					\
	X(__xstat) X(__xstat64) X(__lxstat) X(__lxstat64)			\
	X(__fxstat) X(__fxstat64) X(__fxstatat) X(__fxstatat64)			\
	X(access) X(faccessat) X(euidaccess) X(eaccess)				\
	X(chdir) X(fchdir) X(realpath) X(__realpath_chk)			\
	X(canonicalize_file_name) X(readlink) X(readlinkat)			\
	X(__readlink_chk) X(__readlinkat_chk) X(opendir) X(closedir)		\
	X(readdir) X(readdir64) X(fdopendir) X(rewinddir)			\
	X(scandir) X(scandirat) X(scandir64) X(glob) X(glob64)			\
	X(getxattr) X(lgetxattr) X(listxattr) X(llistxattr)			\
	X(_Fork) X(daemon) X(forkpty) X(dl_iterate_phdr)			\
	X(execve) X(execvpe) X(fexecve) X(execveat) X(execv) X(execvp)		\
	X(posix_spawn) X(posix_spawnp)

#define REAL_INDEX(name)	real_##name,
#define REAL_ONE(name)		+ 1
enum real_index {
	REAL_EARLY(REAL_INDEX)
	REAL_LATE(REAL_INDEX)
	REAL_COUNT,
	REAL_EARLY_COUNT = 0 REAL_EARLY(REAL_ONE)
};
#undef REAL_ONE
#undef REAL_INDEX
/* clang-format on */

extern _Atomic(void *) real_table[REAL_COUNT];

/* Looks it up once. Where libc has none, a function that fails with ENOSYS. */
void *real_find(enum real_index i) __attribute__((cold));
void real_find_early(void);

#define REAL(name)                                                                            \
	((__typeof__(&name))({                                                                \
		void *real_ =                                                                 \
			atomic_load_explicit(&real_table[real_##name], memory_order_relaxed); \
                                                                                              \
		likely(real_ != NULL) ? real_ : real_find(real_##name);                       \
	}))

#endif
