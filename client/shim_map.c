/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* mmap(2), munmap(2) and everything else that changes an address space. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shim.h"

static void *result(void *p)
{
	if (raw_bad(p)) {
		errno = (int)-(intptr_t)p;
		p = MAP_FAILED;
	}
	return p;
}

static uintptr_t page_down(uintptr_t addr)
{
	return addr & ~(page_size() - 1);
}

static uintptr_t page_up(uintptr_t addr)
{
	return page_down(addr + page_size() - 1);
}

/* The rest of mmap() in a process that has devices, or with a descriptor that may be one. */
static bool mmap_device(void *addr, size_t len, int prot, int flags, int fd, off_t off, void **p)
{
	struct dm_file file;
	int error;

	if ((flags & MAP_ANONYMOUS) != 0 || !fd_special(fd))
		return false;
	if (fd_internal(fd) && process_ours()) {
		*p = result((void *)-EBADF);
		return true;
	}
	error = fd_file(fd, &file);
	if (error == -EBADF)
		return false;
	*p = result(error != 0 ? (void *)(intptr_t)error :
				 mapping_make(&file, addr, len, prot, flags, off));
	return true;
}

typedef void *mmap_fn(void *addr, size_t len, int prot, int flags, int fd, off_t off);

/* Ordinary memory is about to replace whatever stands there. */
static void *mmap_over(mmap_fn *next, void *addr, size_t len, int prot, int flags, int fd,
		       off_t off)
{
	struct held h;
	uintptr_t start = (uintptr_t)addr,
		  end = (start + len + page_size() - 1) & ~(page_size() - 1);
	void *p;
	int error;

	if ((start & (page_size() - 1)) != 0 || end <= start)
		return next(addr, len, prot, flags, fd, off);
	ops_lock(&h);
	mapping_forget(start, end);
	p = next(addr, len, prot, flags, fd, off);
	if (p == MAP_FAILED) {
		/* No window may stay that nobody serves. */
		error = errno;
		(void)raw_munmap(start, end - start);
		errno = error;
	}
	ops_unlock(&h);
	return p;
}

/* Of mmap() and mmap64(): next is the same function of whoever stands behind us. */
static inline void *map_call(mmap_fn *next, void *addr, size_t len, int prot, int flags, int fd,
			     off_t off)
{
	void *p;

	if (unlikely(client_active)) {
		if (mmap_device(addr, len, prot, flags, fd, off, &p))
			return p;
		if ((flags & MAP_FIXED) != 0 && maps_near(addr, len))
			return mmap_over(next, addr, len, prot, flags, fd, off);
	}
	p = next(addr, len, prot, flags, fd, off);
	/* A socket cannot be mapped; a device that came to us by an unknown way can. */
	if (unlikely(p == MAP_FAILED) && errno == ENODEV && (flags & MAP_ANONYMOUS) == 0) {
		if (fd_probe(fd) && mmap_device(addr, len, prot, flags, fd, off, &p))
			return p;
		errno = ENODEV;
	}
	/* The kernel engine is not told of the flag. */
	if (unlikely((flags & MAP_LOCKED) != 0) && p != MAP_FAILED && (flags & MAP_ANONYMOUS) == 0)
		(void)kernel_lock(DM_LOCK, (uintptr_t)p, page_up((uintptr_t)p + len), true);
	return p;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return map_call(REAL(mmap), addr, len, prot, flags, fd, off);
}

EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t off)
{
	return map_call(REAL(mmap64), addr, len, prot, flags, fd, off);
}

EXPORT int munmap(void *addr, size_t len)
{
	if (!maps_near(addr, len))
		return REAL(munmap)(addr, len);
	return finish(mapping_end((uintptr_t)addr, len));
}

EXPORT int mprotect(void *addr, size_t len, int prot)
{
	if (!maps_near(addr, len))
		return REAL(mprotect)(addr, len, prot);
	return finish(mapping_protect((uintptr_t)addr, len, prot));
}

EXPORT void *mremap(void *old, size_t old_len, size_t new_len, int flags, ...)
{
	void *to = NULL;
	struct held h;
	struct map m;
	va_list ap;

	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) {
		va_start(ap, flags);
		to = va_arg(ap, void *);
		va_end(ap);
	}
	if (maps_near(old, old_len) && maps_first((uintptr_t)old, (uintptr_t)old + old_len, &m))
		return result(mapping_move((uintptr_t)old, old_len, new_len, flags, to));
	if (likely((flags & MREMAP_FIXED) == 0) || !maps_near(to, new_len))
		return REAL(mremap)(old, old_len, new_len, flags, to);
	ops_lock(&h);
	mapping_forget((uintptr_t)to, (uintptr_t)to + new_len);
	old = REAL(mremap)(old, old_len, new_len, flags, to);
	ops_unlock(&h);
	return old;
}

static bool covers_device(const void *addr, size_t len)
{
	struct map m;

	return maps_near(addr, len) && maps_first((uintptr_t)addr, (uintptr_t)addr + len, &m);
}

EXPORT int madvise(void *addr, size_t len, int advice)
{
	if (!covers_device(addr, len))
		return REAL(madvise)(addr, len, advice);
	return finish(mapping_advise((uintptr_t)addr, len, advice));
}

EXPORT int posix_madvise(void *addr, size_t len, int advice)
{
	/* The values are those of madvise(2), except that this DONTNEED does nothing. */
	if (!covers_device(addr, len))
		return REAL(posix_madvise)(addr, len, advice);
	return advice == POSIX_MADV_DONTNEED ? 0 : -mapping_advise((uintptr_t)addr, len, advice);
}

/* What is no user engine's: through the kernel, and the kernel engine. 0 or -errno. */
static int lock_rest(uint16_t op, uintptr_t start, uintptr_t end, unsigned flags)
{
	int error;

	if (op == DM_UNLOCK)
		error = (int)raw(SYS_munlock, start, end - start);
	else if (flags != 0)
		error = (int)raw(SYS_mlock2, start, end - start, flags);
	else
		error = (int)raw(SYS_mlock, start, end - start);
	return error != 0 ? error : kernel_lock(op, start, end, true);
}

/*
 * Goes through the parts of a range, in order, until one fails: device parts through op (DM_LOCK,
 * DM_UNLOCK), the rest through the kernel.
 */
static int lock_parts(uint16_t op, uintptr_t start, uintptr_t end, unsigned flags)
{
	struct map m;
	int error = 0;

	while (start < end && error == 0) {
		bool device = maps_first(start, end, &m);
		uintptr_t stop = !device ? end : m.start > start ? m.start : m.end;

		if (device && m.start == start)
			error = lock_range(op, start, stop);
		else
			error = lock_rest(op, start, stop, flags);
		start = stop;
	}
	return error;
}

static int lock_mixed(uint16_t op, const void *addr, size_t len, unsigned flags)
{
	uintptr_t start = page_down((uintptr_t)addr), end = page_up((uintptr_t)addr + len);

	return finish(lock_parts(op, start, end, flags));
}

/* The kernel has done its part without an error, and there is no user engine's mapping. */
static int lock_kernel(uint16_t op, const void *addr, size_t len)
{
	uintptr_t start = page_down((uintptr_t)addr), end = page_up((uintptr_t)addr + len);

	return end > start ? finish(kernel_lock(op, start, end, true)) : 0;
}

EXPORT int mlock(const void *addr, size_t len)
{
	int r;

	if (maps_near(addr, len))
		return lock_mixed(DM_LOCK, addr, len, 0);
	r = REAL(mlock)(addr, len);
	return r == 0 ? lock_kernel(DM_LOCK, addr, len) : r;
}

EXPORT int mlock2(const void *addr, size_t len, unsigned flags)
{
	int r;

	if (maps_near(addr, len))
		return lock_mixed(DM_LOCK, addr, len, flags);
	r = REAL(mlock2)(addr, len, flags);
	return r == 0 ? lock_kernel(DM_LOCK, addr, len) : r;
}

EXPORT int munlock(const void *addr, size_t len)
{
	int r;

	if (maps_near(addr, len))
		return lock_mixed(DM_UNLOCK, addr, len, 0);
	r = REAL(munlock)(addr, len);
	return r == 0 ? lock_kernel(DM_UNLOCK, addr, len) : r;
}

/* Locks what /proc/self/maps says is there, except devices. */
static int lock_present(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512];
	struct map m;

	if (f == NULL)
		return -ENOSYS;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && !maps_first(start, end, &m))
			(void)raw(SYS_mlock, start, end - start);
	}
	(void)fclose(f);
	return 0;
}

/*
 * mlockall(2) leaves devices alone, as it leaves alone the kernel's: it is not a wish to keep
 * others off them. Locked on fault, so that the kernel does not touch them; then the rest is
 * filled.
 */
EXPORT int mlockall(int flags)
{
	uintptr_t from = 0;
	struct map m;
	int r;

	if ((flags & MCL_FUTURE) != 0)
		mapping_lock_future = true;
	if (likely(atomic_load(&maps_hi) == 0) || (flags & MCL_CURRENT) == 0)
		return REAL(mlockall)(flags);
	r = REAL(mlockall)(flags | MCL_ONFAULT);
	for (; r == 0 && maps_first(from, UINTPTR_MAX, &m); from = m.end)
		(void)raw(SYS_munlock, m.start, m.end - m.start);
	if (r == 0 && (flags & MCL_ONFAULT) == 0) {
		r = finish(lock_present());
		if (r == 0 && (flags & MCL_FUTURE) != 0)
			r = REAL(mlockall)(MCL_FUTURE);
	}
	return r;
}

EXPORT int munlockall(void)
{
	uintptr_t from = 0;
	struct map m;

	for (; unlikely(client_active) && maps_first(from, UINTPTR_MAX, &m); from = m.end)
		if (m.locked)
			(void)lock_range(DM_UNLOCK, m.start, m.end);
	(void)kernel_lock(DM_UNLOCK, 0, page_down(UINTPTR_MAX), true);
	return REAL(munlockall)();
}
