/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The view: the addresses that drivers dereference.
 *
 * It is a second mapping of the region's home, registered with a userfaultfd of our own. So a page
 * that is at home needs no bytes moved to be in the view: the touch faults (MINOR), and
 * UFFDIO_CONTINUE maps the page that is there; leaving the view is one madvise(2) that drops our
 * own translation. A memfd of its own for the view would cost a splice, a punch, a read and a copy
 * each way, and a third place for accessors to look.
 *
 * The thread below serves touches. It takes the region's lock and no other, and runs no callback:
 * the toucher is driver code that may be inside any of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "pages_impl.h"
#include "uffd.h"

/*
 * The lock guards the table, and is held (for reading) while a touch is served, so that the region
 * stays. A thread remembers the region that it asked for last, as long as the generation is the
 * same.
 */
static struct {
	pthread_rwlock_t lock;
	struct region **sorted; /* by the address of their views */
	size_t n, room;
	atomic_ulong generation; /* changes when a region goes */
	int uffd;
} views = { .lock = PTHREAD_RWLOCK_INITIALIZER, .generation = 1, .uffd = -1 };

/* Index of the first region whose view ends after addr; views.lock is held. */
static size_t views_search(uintptr_t addr)
{
	size_t low = 0, high;

	ASSERT_RW_HELD(&views.lock);
	high = views.n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct region *r = views.sorted[mid];

		if ((uintptr_t)r->view + region_len(r) > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* views.lock is held. */
static struct region *views_find(uintptr_t addr)
{
	size_t i;

	ASSERT_RW_HELD(&views.lock);
	i = views_search(addr);
	return i < views.n && (uintptr_t)views.sorted[i]->view <= addr ? views.sorted[i] : NULL;
}

static int views_add(struct region *r)
{
	int err = 0;
	size_t i;

	(void)pthread_rwlock_wrlock(&views.lock);
	if (views.n == views.room) {
		size_t room = views.room * 2 + 16;
		struct region **sorted = realloc(views.sorted, room * sizeof(struct region *));

		if (sorted == NULL) {
			err = -ENOMEM;
			goto out;
		}
		views.sorted = sorted;
		views.room = room;
	}
	i = views_search((uintptr_t)r->view);
	memmove(&views.sorted[i + 1], &views.sorted[i], (views.n - i) * sizeof(struct region *));
	views.sorted[i] = r;
	views.n++;
out:
	(void)pthread_rwlock_unlock(&views.lock);
	return err;
}

static void views_remove(struct region *r)
{
	size_t i;

	(void)pthread_rwlock_wrlock(&views.lock);
	i = views_search((uintptr_t)r->view);
	if (i < views.n && views.sorted[i] == r) {
		views.n--;
		memmove(&views.sorted[i], &views.sorted[i + 1],
			(views.n - i) * sizeof(struct region *));
		(void)atomic_fetch_add(&views.generation, 1);
	}
	(void)pthread_rwlock_unlock(&views.lock);
}

struct region *region_of(const void *view_address, size_t *off)
{
	static _Thread_local struct {
		unsigned long generation;
		struct region *region;
		uintptr_t start;
		size_t len;
	} last;
	uintptr_t addr = (uintptr_t)view_address;
	unsigned long generation = atomic_load(&views.generation);

	if (last.generation != generation || addr - last.start >= last.len) {
		struct region *r;

		(void)pthread_rwlock_rdlock(&views.lock);
		r = views_find(addr);
		(void)pthread_rwlock_unlock(&views.lock);
		if (r == NULL)
			return NULL;
		last.generation = generation;
		last.region = r;
		last.start = (uintptr_t)r->view;
		last.len = region_len(r);
	}
	*off = addr - last.start;
	return last.region;
}

void view_drop(struct region *r, size_t page, size_t n)
{
	size_t end = page + n;

	ASSERT_HELD(&r->lock);
	while (page < end) {
		size_t first = page;

		while (page < end && r->pages[page].in_view)
			r->pages[page++].in_view = false;
		if (page > first)
			(void)madvise(r->view + page_bytes(first), page_bytes(page - first),
				      MADV_DONTNEED);
		else
			page++;
	}
}

static void sleep_ns(uint64_t ns)
{
	struct timespec t = { .tv_nsec = (long)ns }; /* less than a second */

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* How long until a page has stayed where it is for a while. */
static uint64_t time_to_stay(const struct page *p, uint64_t now)
{
	return p->since != 0 && now - p->since < RESIDENCE_NS ? p->since + RESIDENCE_NS - now : 0;
}

/* Lets the lock go while it waits, and waits once only, so that nobody is kept for long. */
static void stay(struct region *r, uint64_t ns)
{
	ASSERT_HELD(&r->lock);
	if (ns == 0)
		return;
	region_unlock(r);
	sleep_ns(ns);
	region_lock(r);
}

void view_let_stay(struct region *r, size_t page, size_t n)
{
	uint64_t now, ns = 0;

	ASSERT_HELD(&r->lock);
	if (!atomic_load_explicit(&r->view_used, memory_order_relaxed))
		return;
	now = pages_now();
	for (size_t i = page; i < page + n; i++)
		if (r->pages[i].in_view)
			ns = MAX(ns, time_to_stay(&r->pages[i], now));
	stay(r, ns);
}

/* The page's bytes are at home, under the lock: give the view its translation. 0 or -errno. */
static int view_continue(struct region *r, size_t page)
{
	uintptr_t addr = (uintptr_t)r->view + page_bytes(page);
	unsigned again = 0;
	size_t done;
	int err;

	ASSERT_HELD(&r->lock);
	/* A page that was never touched is made now: there must be one to map. */
	(void)*(volatile char *)home_page(r, page);
	do {
		err = uffd_continue(views.uffd, addr, PAGESIZE, &done);
	} while (err == -EAGAIN && uffd_again(&again));
	if (err == 0 || err == -EEXIST)
		r->pages[page].in_view = true;
	return r->pages[page].in_view ? 0 : err;
}

/*
 * Pages have come home. Where the driver has used a pointer before, it will again, to save what is there:
 * it is spared the fault, which costs two switches of threads.
 */
void view_expect(struct region *r, size_t page, size_t n)
{
	ASSERT_HELD(&r->lock);
	if (!atomic_load_explicit(&r->view_used, memory_order_relaxed))
		return;
	for (size_t i = page; i < page + n; i++)
		if (r->pages[i].pointed && !r->pages[i].in_view && r->pages[i].window == NULL)
			(void)view_continue(r, i);
}

/* Only a page that was taken from a client has to stay: that client may want it back at once. */
static void view_take(struct region *r, size_t page)
{
	struct page *p = &r->pages[page];
	bool taken;
	int err;

	if (p->window != NULL)
		stay(r, time_to_stay(p, pages_now()));
	taken = p->window != NULL;
	window_pull(r, NULL, page, 1);
	err = view_continue(r, page);
	if (err != 0)
		log_warn("%s: page %zu cannot be given to the driver: %s; it tries again", r->name,
			 page, strerror(-err));
	p->pointed = true;
	if (taken)
		p->since = pages_now();
}

/*
 * A driver's pointer has touched a page. If a window has it, it comes home. The client's handle
 * still counts as loaded: when the client comes back, the page is loaded again without asking the
 * driver.
 */
static void view_serve(uintptr_t addr)
{
	struct region *r;
	size_t page;

	(void)pthread_rwlock_rdlock(&views.lock);
	r = views_find(addr);
	if (r != NULL) {
		page = (addr - (uintptr_t)r->view) >> PAGESHIFT;
		atomic_store(&r->view_used, true);
		region_lock(r);
		view_take(r, page);
		region_unlock(r);
		(void)uffd_wake(views.uffd, addr & ~(uintptr_t)PAGEOFFSET, PAGESIZE);
	}
	(void)pthread_rwlock_unlock(&views.lock);
}

static void *view_thread(void *arg)
{
	struct uffd_msg msgs[16];

	(void)prctl(PR_SET_NAME, "devmap-view", 0, 0, 0);
	(void)prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	for (;;) {
		ssize_t n = read(views.uffd, msgs, sizeof(msgs));

		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			log_warn("drivers' memory cannot be watched any more: %s", strerror(errno));
			return arg;
		}
		for (ssize_t i = 0; i < n / (ssize_t)sizeof(msgs[0]); i++)
			if (msgs[i].event == UFFD_EVENT_PAGEFAULT)
				view_serve((uintptr_t)msgs[i].arg.pagefault.address);
	}
}

static int view_open(void)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), err;

	if (fd < 0) {
		err = -errno;
	} else if (ioctl(fd, UFFDIO_API, &api) != 0) {
		err = -errno;
		close(fd);
	} else {
		return fd;
	}
	log_warn("no userfaultfd(2) for shared memory here: %s", strerror(-err));
	return err;
}

int view_init(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int fd, err;

	if (views.uffd >= 0)
		return 0;
	fd = view_open();
	if (fd < 0)
		return fd;
	views.uffd = fd;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, view_thread, NULL);
	(void)pthread_attr_destroy(&attr);
	if (err != 0) {
		views.uffd = -1;
		close(fd);
	}
	return -err;
}

/* The mapping is to be in place; registers it, and drops what a touch in between has mapped. */
static int view_watch(char *at, size_t len)
{
	int err = uffd_register(views.uffd, (uintptr_t)at, len);

	(void)madvise(at, len, MADV_DONTFORK);
	(void)madvise(at, len, MADV_DONTNEED);
	return err;
}

int view_create(struct region *r)
{
	size_t len = page_bytes(r->npages);
	char *view = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, r->extents[0].fd, 0);
	int err;

	if (view == MAP_FAILED)
		return -errno;
	r->view = view;
	err = view_watch(view, len);
	return err != 0 ? err : views_add(r);
}

void view_destroy(struct region *r)
{
	if (r->view == NULL)
		return;
	views_remove(r);
	(void)munmap(r->view, page_bytes(r->npages));
	r->view = NULL;
}

/*
 * The lock is held; the pages are out of the view, and whoever touches them waits for the lock. To
 * a driver nothing changes, so ThreadSanitizer, which takes mmap(2) for a store to the range, is
 * passed by.
 */
int view_replace(struct region *r, size_t page, size_t n, int fd, size_t fd_page)
{
	char *at = r->view + page_bytes(page);

	ASSERT_HELD(&r->lock);
	if (syscall(SYS_mmap, at, page_bytes(n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    (off_t)page_bytes(fd_page)) == -1)
		return -errno;
	return view_watch(at, page_bytes(n));
}
