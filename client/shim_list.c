/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What is in /dev: readdir(3), and what in libc reads directories past us. Walks of trees (ftw(3),
 * fts(3)) are not among these.
 */
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

/*
 * One reader of /dev at a time finds the devices there, after what is there for everybody. The entry that
 * it is given is its own until it reads on.
 */
static struct {
	_Atomic(DIR *) reader;
	DIR *devices;	/* the directory of this index */
	unsigned place; /* then the next one */
	unsigned alias; /* then these */
	struct dirent entry;
} listing;

static bool is_dev(int fd)
{
	char link[32], target[8];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return raw(SYS_readlinkat, AT_FDCWD, link, target, sizeof(target)) == 4 &&
	       memcmp(target, "/dev", 4) == 0;
}

static void list_close(void)
{
	if (listing.devices != NULL)
		(void)REAL(closedir)(listing.devices);
	listing.devices = NULL;
}

/* From the directory of this index on. Returns false behind the last one. */
static bool list_devices(unsigned place)
{
	const char *dir = names_directory(place);

	list_close();
	listing.place = place;
	if (dir != NULL)
		listing.devices = REAL(opendir)(dir);
	return dir != NULL;
}

static DIR *begin(DIR *d)
{
	DIR *none = NULL;
	int before = errno;

	if (likely(!names_used) || d == NULL || !is_dev(dirfd(d)) ||
	    !atomic_compare_exchange_strong(&listing.reader, &none, d))
		return d;
	(void)list_devices(0);
	listing.alias = 0;
	errno = before;
	return d;
}

EXPORT DIR *opendir(const char *path)
{
	return begin(REAL(opendir)(path));
}

EXPORT DIR *fdopendir(int fd)
{
	return begin(REAL(fdopendir)(fd));
}

EXPORT int closedir(DIR *d)
{
	if (unlikely(atomic_load(&listing.reader) == d)) {
		list_close();
		atomic_store(&listing.reader, NULL);
	}
	return REAL(closedir)(d);
}

EXPORT void rewinddir(DIR *d)
{
	REAL(rewinddir)(d);
	if (likely(atomic_load(&listing.reader) != d))
		return;
	(void)list_devices(0);
	listing.alias = 0;
}

static struct dirent *show(const struct dirent *like, const char *name)
{
	if (like != NULL)
		listing.entry = *like;
	else
		strcpy(listing.entry.d_name, name);
	listing.entry.d_type = DT_CHR;
	return &listing.entry;
}

/* The next device, as an entry of /dev; NULL: there is none. */
static struct dirent *next_device(void)
{
	char name[DM_NAME_MAX];
	struct device_name n;
	struct dirent *e;

	do {
		while (listing.devices != NULL && (e = readdir(listing.devices)) != NULL)
			if (name_device(e->d_name, &n) && n.place == listing.place)
				return show(e, e->d_name);
	} while (list_devices(listing.place + 1));
	while (name_alias(listing.alias, name)) {
		listing.alias++;
		if (name_device(name, &n))
			return show(NULL, name);
	}
	return NULL;
}

EXPORT struct dirent *readdir(DIR *d)
{
	struct dirent *e = REAL(readdir)(d);

	return e != NULL || likely(atomic_load(&listing.reader) != d) ? e : next_device();
}

_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64) &&
		       sizeof(glob_t) == sizeof(glob64_t),
	       "the 64-bit variants are the same");

EXPORT struct dirent64 *readdir64(DIR *d)
{
	struct dirent64 *e = REAL(readdir64)(d);

	if (e != NULL || likely(atomic_load(&listing.reader) != d))
		return e;
	return (struct dirent64 *)next_device();
}

/* A list that grows. */
struct found {
	struct dirent **entry;
	size_t n, room;
};

static bool keep(struct found *f, const struct dirent *e)
{
	const size_t room = f->n < f->room ? f->room : f->room * 2 + 64;
	struct dirent **grown = room == f->room ? f->entry :
						  realloc(f->entry, room * sizeof(*grown));

	if (grown == NULL)
		return false;
	f->entry = grown;
	f->room = room;
	grown[f->n] = malloc(sizeof(*e));
	if (grown[f->n] == NULL)
		return false;
	/* e may be shorter than its type. */
	memcpy(grown[f->n++], e, e->d_reclen < sizeof(*e) ? e->d_reclen : sizeof(*e));
	return true;
}

typedef int filter_fn(const struct dirent *e);
typedef int compare_fn(const struct dirent **a, const struct dirent **b);

static void drop(struct found *f)
{
	while (f->n > 0)
		free(f->entry[--f->n]);
	free(f->entry);
	f->entry = NULL;
}

/* All entries that the filter lets pass. 0 or an errno. */
static int collect(DIR *d, filter_fn *filter, struct found *f)
{
	struct dirent *e;

	for (;;) {
		errno = 0;
		e = readdir(d);
		if (e == NULL)
			return errno;
		if ((filter == NULL || filter(e) != 0) && !keep(f, e))
			return ENOMEM;
	}
}

/* scandir(3), over functions of ours. */
static int scan(int at, const char *path, struct dirent ***list, filter_fn *filter,
		compare_fn *compare)
{
	const int fd = openat(at, path, O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct found f = { .n = 0 };
	int before = errno, error;

	if (d == NULL) {
		if (fd >= 0)
			(void)raw_close(fd);
		return -1;
	}
	error = collect(d, filter, &f);
	(void)closedir(d);
	errno = error != 0 ? error : before;
	if (error != 0) {
		drop(&f);
		return -1;
	}
	if (compare != NULL && f.n > 0)
		qsort(f.entry, f.n, sizeof(struct dirent *), (__compar_fn_t)compare);
	*list = f.entry;
	return (int)f.n;
}

/* Can it be /dev, or lead there? */
static bool may_be_dev(const char *path)
{
	__asm__("" : "+r"(path)); /* as in path_candidate() */
	return unlikely(names_used) &&
	       (names_in_dev || strstr(path, "dev") != NULL || path[0] == '.');
}

EXPORT int scandir(const char *restrict path, struct dirent ***restrict list, filter_fn *filter,
		   compare_fn *compare)
{
	return may_be_dev(path) ? scan(AT_FDCWD, path, list, filter, compare) :
				  REAL(scandir)(path, list, filter, compare);
}

EXPORT int scandirat(int at, const char *restrict path, struct dirent ***restrict list,
		     filter_fn *filter, compare_fn *compare)
{
	return may_be_dev(path) ? scan(at, path, list, filter, compare) :
				  REAL(scandirat)(at, path, list, filter, compare);
}

EXPORT int scandir64(const char *restrict path, struct dirent64 ***restrict list,
		     int (*filter)(const struct dirent64 *e),
		     int (*compare)(const struct dirent64 **a, const struct dirent64 **b))
{
	return may_be_dev(path) ? scan(AT_FDCWD, path, (struct dirent ***)list, (filter_fn *)filter,
				       (compare_fn *)compare) :
				  REAL(scandir64)(path, list, filter, compare);
}

static void close_for_glob(void *d)
{
	(void)closedir(d);
}

static struct dirent *read_for_glob(void *d)
{
	return readdir(d);
}

static void *open_for_glob(const char *path)
{
	return opendir(path);
}

/* Has it read directories by functions of ours. */
static int glob_in_dev(__typeof__(glob) *next, const char *pattern, int flags,
		       int (*failed)(const char *path, int error), glob_t *g)
{
	int r;

	g->gl_closedir = close_for_glob;
	g->gl_readdir = read_for_glob;
	g->gl_opendir = open_for_glob;
	g->gl_lstat = lstat;
	g->gl_stat = stat;
	r = next(pattern, flags | GLOB_ALTDIRFUNC, failed, g);
	g->gl_flags &= ~GLOB_ALTDIRFUNC;
	return r;
}

EXPORT int glob(const char *restrict pattern, int flags, int (*failed)(const char *path, int error),
		glob_t *restrict g)
{
	if (!may_be_dev(pattern) || (flags & GLOB_ALTDIRFUNC) != 0)
		return REAL(glob)(pattern, flags, failed, g);
	return glob_in_dev(REAL(glob), pattern, flags, failed, g);
}

EXPORT int glob64(const char *restrict pattern, int flags,
		  int (*failed)(const char *path, int error), glob64_t *restrict g)
{
	if (!may_be_dev(pattern) || (flags & GLOB_ALTDIRFUNC) != 0)
		return REAL(glob64)(pattern, flags, failed, g);
	return glob_in_dev((__typeof__(glob) *)REAL(glob64), pattern, flags, failed, (glob_t *)g);
}
