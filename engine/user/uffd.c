/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* userfaultfd(2) as functions, and clients' own: see uffd.h and pages.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log.h"
#include "pages_impl.h"
#include "uffd.h"

#define AGAIN_MAX 200

/* What the scheme cannot do without, and what only makes it better. */
#define FEATURES_NEEDED \
	(UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_THREAD_ID)
#define FEATURES_WANTED UFFD_FEATURE_EXACT_ADDRESS

int uffd_register(int uffd, uintptr_t addr, size_t len)
{
	struct uffdio_register reg = {
		.range = { .start = addr, .len = len },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &reg) == 0 ? 0 : -errno;
}

/* A range done in part is reported as EAGAIN, with the bytes done: the caller goes on. */
static int uffd_result(int rc, int64_t bytes, size_t len, size_t *done)
{
	int err = rc == 0 ? 0 : -errno;

	*done = bytes > 0 ? (size_t)bytes : 0;
	return *done == len ? 0 : err;
}

int uffd_copy(int uffd, uintptr_t to, const void *from, size_t len, size_t *done)
{
	struct uffdio_copy c = {
		.dst = to, .src = (uintptr_t)from, .len = len, .mode = UFFDIO_COPY_MODE_DONTWAKE
	};
	int rc = ioctl(uffd, UFFDIO_COPY, &c);

	return uffd_result(rc, c.copy, len, done);
}

int uffd_continue(int uffd, uintptr_t addr, size_t len, size_t *done)
{
	struct uffdio_continue c = { .range = { .start = addr, .len = len },
				     .mode = UFFDIO_CONTINUE_MODE_DONTWAKE };
	int rc = ioctl(uffd, UFFDIO_CONTINUE, &c);

	return uffd_result(rc, c.mapped, len, done);
}

int uffd_wake(int uffd, uintptr_t addr, size_t len)
{
	struct uffdio_range range = { .start = addr, .len = len };

	return ioctl(uffd, UFFDIO_WAKE, &range) == 0 ? 0 : -errno;
}

/* One that is not, any more, is made non-blocking again. */
static void unblock(int uffd)
{
	int flags = fcntl(uffd, F_GETFL);

	if (flags >= 0 && (flags & O_NONBLOCK) == 0)
		(void)fcntl(uffd, F_SETFL, flags | O_NONBLOCK);
}

static atomic_bool blocks; /* the kernel knows no other way than O_NONBLOCK */

bool uffd_may_block(void)
{
	return atomic_load(&blocks);
}

int uffd_read(int uffd, struct uffd_msg *msg)
{
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	ssize_t n = -1;

	unblock(uffd);
	if (!atomic_load(&blocks)) {
		n = preadv2(uffd, &iov, 1, -1, RWF_NOWAIT);
		if (n < 0 && errno == EOPNOTSUPP)
			atomic_store(&blocks, true);
	}
	if (n < 0 && atomic_load(&blocks))
		n = read(uffd, msg, sizeof(*msg));
	if (n < 0)
		return -errno;
	return n == sizeof(*msg) ? 0 : -EAGAIN;
}

bool uffd_again(unsigned *tries)
{
	(void)sched_yield();
	return ++*tries < AGAIN_MAX;
}

/* features: asked for, on return all that there are. */
static int uffd_api(int uffd, uint64_t *features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = *features };

	if (ioctl(uffd, UFFDIO_API, &api) != 0)
		return -errno;
	*features = api.features;
	return 0;
}

int client_uffd_init(struct client_uffd *u, int uffd)
{
	uint64_t features = FEATURES_NEEDED | FEATURES_WANTED;
	int flags = fcntl(uffd, F_GETFL), err;

	u->fd = uffd;
	u->poison = false;
	if (flags < 0 || fcntl(uffd, F_SETFL, flags | O_NONBLOCK) != 0)
		return -errno;
	err = uffd_api(uffd, &features);
	if (err == -EINVAL) {
		features = FEATURES_NEEDED; /* before Linux 5.18 */
		err = uffd_api(uffd, &features);
	}
	if (err != 0)
		return err;
	u->poison = (features & UFFD_FEATURE_POISON) != 0;
	return 0;
}

void client_uffd_wake(struct client_uffd *u, uintptr_t addr, size_t len)
{
	/* Fails only for an address space that is gone, where nobody is left to wake. */
	(void)uffd_wake(u->fd, addr, len);
}

int client_uffd_poison(struct client_uffd *u, uintptr_t addr)
{
	struct uffdio_poison p = { .range = { .start = addr, .len = PAGESIZE } };

	if (!u->poison)
		return -EOPNOTSUPP;
	return ioctl(u->fd, UFFDIO_POISON, &p) == 0 ? 0 : -errno;
}

void client_uffd_fini(struct client_uffd *u)
{
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}
